/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric, produced in chunks as JSON in Polycube's format: always an array of
 * entries. Embedded in its owner, used by one thread at a time, no lock. The metric outlives it.
 */
#ifndef DYNMON_METRIC_JSON_H
#define DYNMON_METRIC_JSON_H

#include "metric/reader.h"

struct metric_json {
	const struct metric *metric;
	struct metric_reader reader;
	struct metric_batch batch;
	uint32_t at; /* the next entry in the batch */
	bool first;  /* no entry was written yet */
	bool ended;
};

/* A chunk of text ends with the entry that makes it this large. */
#define METRIC_CHUNK_BYTES (256 * 1024)

/**
 * metric_json_init() - begin the read
 * @json:   receives the state; after success release it with metric_json_release()
 * @metric: outlives the read
 *
 * Return: 0 or -errno as metric_reader_init().
 */
int metric_json_init(struct metric_json *json, const struct metric *metric);
/**
 * metric_json_next() - append the next chunk of the value
 * @json: the read
 * @out:  receives at most one batch of entries
 *
 * Return: 1 if more chunks follow, 0 if the value is complete, -ENOMEM if out of memory, -errno if
 * the read failed. After a failed read the array is closed after the last entry that was read.
 */
int metric_json_next(struct metric_json *json, struct text *out);
void metric_json_release(struct metric_json *json);

#endif
