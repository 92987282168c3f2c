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

struct tally;

struct metric {
	const struct metric_config *config; /* the document's, which outlives the metric */
	struct map map;
	struct plan key;
	struct plan value;
	bool sampled;		  /* has scalar values that are exported as samples */
	bool trouble_told;	  /* atomic: that it cannot be read was logged */
	bool full_told;		  /* atomic: that its map is full was */
	struct field *key_fields; /* labels of a sample, unless the map is an array */
	size_t n_key_fields;
	bool swapped;	     /* two copies of the map: programs write one, the other is read */
	struct map twin;     /* the second copy, when swapped */
	struct tally *tally; /* NULL: entries come straight from the map */
	/* A ring of those with a tally whose map is the same: what is taken out is for all of them.
	 */
	struct metric *next;
	bool taken_by_other; /* one before it in the ring was there first */
};

/*
 * Binds what the document says to a map of the object, which must be loaded.
 * -ENOENT: no such map; -EOPNOTSUPP: a map type that cannot be read; -EINVAL: a type that cannot
 * be shown. After success: metric_release().
 */
int metric_init(struct metric *metric, const struct metric_config *config,
		const struct object *object, struct error *err);
void metric_release(struct metric *metric);

/*
 * Makes the map of another copy of the object the metric's twin, which takes turns with it.
 * After metric_init(). -errno as there.
 */
int metric_set_twin(struct metric *metric, const struct object *copy, struct error *err);

/*
 * Gives the metric a tally where it needs one: that of previous, which has the same map, or a new
 * one if previous is NULL. After metric_set_twin(). -ENOMEM.
 */
int metric_set_tally(struct metric *metric, const struct metric *previous, struct error *err);

/*
 * Lets two metrics of one map, both with a tally, share what is taken out of it; metric is by
 * itself as yet. Neither moves any more, and they are released together.
 */
void metric_join(struct metric *metric, struct metric *first);

/* Adds a value as the map has it, of all CPUs, to another. */
void metric_value_add(const struct metric *metric, char *sum, const char *value);

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

#endif
