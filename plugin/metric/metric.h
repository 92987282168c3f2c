/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metric: a map of a loaded object, how to decode it, and what to call what is in it.
 *
 * Embedded in a generation, which owns the map. Read-only once made: any number of threads
 * may read a metric at the same time, each with its own map_reader.
 */
#ifndef DYNMON_METRIC_METRIC_H
#define DYNMON_METRIC_METRIC_H

#include "dataplane/document.h"
#include "kernel/map.h"
#include "kernel/object.h"
#include "metric/field.h"

struct metric {
	const struct metric_config *config; /* the document's, which outlives the metric */
	struct map map;
	struct plan key;
	struct plan value;
	bool sampled;		  /* has scalar values that are exported as samples */
	bool trouble_told;	  /* atomic: that it cannot be read was logged */
	struct field *key_fields; /* labels of a sample, unless the map is an array */
	size_t n_key_fields;
};

/*
 * Binds what the document says to a map of the object, which must be loaded.
 * -ENOENT: no such map; -EOPNOTSUPP: a map type that cannot be read; -EINVAL: a type that cannot
 * be shown. After success: metric_release().
 */
int metric_init(struct metric *metric, const struct metric_config *config,
		const struct object *object, struct error *err);
void metric_release(struct metric *metric);

/* Whether nobody has logged trouble with reading this metric yet; remembers it. */
static inline bool metric_tell_trouble(const struct metric *metric)
{
	return !__atomic_exchange_n((bool *)&metric->trouble_told, true, __ATOMIC_RELAXED);
}

/* An array has an index instead of a key. */
static inline bool metric_has_index(const struct metric *metric)
{
	return map_kind(metric->map.type) == MAP_ARRAY;
}

/* An entry's sample: its value, or the sum over the CPUs. Only when the metric is sampled. */
struct number metric_sample(const struct metric *metric, const char *value);

/*
 * One read of a metric, as a stream of its JSON value: POLYCUBE's shapes, an array of
 * entries in every case. Used by one thread at a time.
 */
struct metric_json {
	const struct metric *metric;
	struct map_reader reader;
	struct map_batch batch;
	uint32_t at; /* in the batch */
	bool started;
	bool first;
	bool ended;
};

/* A piece of text ends after the entry with which it has this size. */
#define METRIC_PIECE_BYTES (256 * 1024)

/* -errno as map_reader_init(). After success: metric_json_release(). */
int metric_json_init(struct metric_json *json, const struct metric *metric);
/*
 * Appends the next piece. 1: more is to come; 0: the value is complete; -errno: reading failed, and
 * the value ends with what was read before.
 */
int metric_json_next(struct metric_json *json, struct text *out);
void metric_json_release(struct metric_json *json);

#endif
