/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric, as a stream of its JSON value: Polycube's shapes, an array of entries in
 * every case. Used by one thread at a time.
 */
#ifndef DYNMON_METRIC_JSON_H
#define DYNMON_METRIC_JSON_H

#include "metric/reader.h"

struct metric_json {
	const struct metric *metric;
	struct metric_reader reader;
	struct metric_batch batch;
	uint32_t at; /* in the batch */
	bool started;
	bool first;
	bool ended;
};

/* A piece of text ends after the entry with which it has this size. */
#define METRIC_PIECE_BYTES (256 * 1024)

/* -errno as metric_reader_init(). After success: metric_json_release(). */
int metric_json_init(struct metric_json *json, const struct metric *metric);
/*
 * Appends the next piece. 1: more is to come; 0: the value is complete; -errno: reading failed, and
 * the value ends with what was read before.
 */
int metric_json_next(struct metric_json *json, struct text *out);
void metric_json_release(struct metric_json *json);

#endif
