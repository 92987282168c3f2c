/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metric: a map of a loaded object, how to decode it, and what to call what is in it.
 *
 * Embedded in a generation, which owns the map. Read-only after initialization, except for its
 * notes: any number of threads may read a metric at the same time, each with its own map_reader.
 */
#ifndef DYNMON_METRIC_METRIC_H
#define DYNMON_METRIC_METRIC_H

#include "base/self_counter.h"
#include "dataplane/metric_config.h"
#include "decode/field.h"
#include "kernel/map.h"
#include "kernel/object.h"
#include "metric/histogram.h"
#include "metric/label.h"

#include <pthread.h>

struct selection;
struct accumulator;

/* Mutable state that reads of a metric share; the metric itself does not change. */
struct metric_notes {
	bool trouble_told;		 /* atomic: a failed read was logged */
	bool full_told;			 /* atomic: the full map was logged */
	bool left_out_told;		 /* atomic: left-out series were logged */
	bool counted;			 /* atomic: a read has come to the end of the map */
	uint64_t entries;		 /* atomic: number in the last complete read */
	uint64_t left_out[READER_COUNT]; /* atomic: series, in the last read of that kind */
	pthread_mutex_t lock;
	pthread_cond_t selected; /* one of the selections has changed its state */
	/* -- protected by lock -- */
	struct selection *selections; /* waiting or running */
};

/* A number that each value has. */
struct column {
	const struct field *field;
	uint32_t element; /* of a field that is an array */
	bool counts;	  /* it is never negative */
};

/* What of the entries goes under a name of its own, after the metric's. */
struct family {
	char *name; /* of the value's field; "": the value itself, or the one the document names */
	size_t column;	  /* the first of its own */
	uint32_t numbers; /* columns of each entry; more than one have the label "index" */
};

struct metric {
	const struct metric_config *config; /* the document's, which outlives the metric */
	struct map map;
	struct plan key;
	struct plan value;
	struct metric_notes *notes; /* owned */
	struct field *key_fields;   /* none when the map is an array or a queue */
	size_t n_key_fields;
	struct field *value_fields;
	size_t n_value_fields;
	struct label *labels;
	size_t n_labels;
	struct family *families; /* none: the metric is for JSON only */
	size_t n_families;
	struct histogram histogram; /* the one family is one; else each family is a column */
	struct column *columns;
	size_t n_columns;
	size_t n_numbers;      /* of a series: its columns, or the histogram's */
	bool merges;	       /* labels may say the same of several entries: they are one series */
	size_t rank;	       /* the number that decides which series are left out */
	uint32_t rank_numbers; /* more than one: they do together, from that one on */
	bool dialect;	       /* its map is declared in Dynmon's dialect */
	bool swapped;	       /* two copies of the map: programs write one, the other is read */
	struct map twin;       /* the second copy, when swapped */
	struct accumulator *accumulator; /* NULL: entries come straight from the map */
	/* A ring of those with an accumulator whose map is the same: what is taken out is for all
	 * of them.
	 */
	struct metric *next;
	char *owner;	     /* "monitor edge: ", before what is logged of it; NULL: nobody's */
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
 * Gives the metric an accumulator where it needs one: that of previous, which has the same map, or
 * a new one if previous is NULL. After metric_set_twin(). -ENOMEM; -EFBIG: the accumulator might
 * become too large.
 */
int metric_set_accumulator(struct metric *metric, const struct metric *previous, struct error *err);

/*
 * Lets two metrics of one map, both with an accumulator, share what is taken out of it; metric is
 * by itself as yet. Neither moves any more, and they are released together.
 */
void metric_join(struct metric *metric, struct metric *first);

/* Adds a value as the map has it, of all CPUs, to another. */
void metric_value_add(const struct metric *metric, char *sum, const char *value);

/* The same of the fields that are samples alone. */
void metric_samples_add(const struct metric *metric, char *sum, const char *value);

/* Says whose it is: the monitor's name. -ENOMEM. */
int metric_set_owner(struct metric *metric, const char *monitor, struct error *err);

/* What stands before its name in a log. */
static inline const char *metric_owner(const struct metric *metric)
{
	return metric->owner ? metric->owner : "";
}

/* Whether nobody has logged trouble with reading this metric yet; remembers it. */
static inline bool metric_tell_trouble(const struct metric *metric)
{
	return !__atomic_exchange_n(&metric->notes->trouble_told, true, __ATOMIC_RELAXED);
}

/* The same of series that are left out. */
static inline bool metric_tell_left_out(const struct metric *metric)
{
	return !__atomic_exchange_n(&metric->notes->left_out_told, true, __ATOMIC_RELAXED);
}

/* Remembers how many series a read has left out; or asks. */
static inline void metric_set_left_out(const struct metric *metric, enum reader_kind reader,
				       uint64_t n)
{
	__atomic_store_n(&metric->notes->left_out[reader], n, __ATOMIC_RELAXED);
}

static inline uint64_t metric_left_out(const struct metric *metric, enum reader_kind reader)
{
	return __atomic_load_n(&metric->notes->left_out[reader], __ATOMIC_RELAXED);
}

/*
 * How many entries the map has: an array's are always there, of all other maps it is what the last
 * read to the end has found, before it took anything out. false: there was none yet.
 */
bool metric_entries(const struct metric *metric, uint64_t *ret);

/* Whether it is called a histogram or a summary, and its map has no slots for that. */
static inline bool metric_lacks_slots(const struct metric *metric)
{
	enum metric_type type = metric->config->type;

	return (type == METRIC_HISTOGRAM || type == METRIC_SUMMARY) &&
	       !histogram_is_one(&metric->histogram);
}

/* An array has an index instead of a key. */
static inline bool metric_has_index(const struct metric *metric)
{
	return map_kind(metric->map.type) == MAP_ARRAY;
}

/* Whether there are samples, one for each CPU. */
static inline bool metric_lists_cpus(const struct metric *metric)
{
	return metric->config->per_cpu == PER_CPU_LIST && map_is_percpu(metric->map.type);
}

/* The number of an entry's column, or what becomes of those of all CPUs. Not scaled. */
struct number metric_sample(const struct metric *metric, size_t column, const char *value);
/* That of one CPU. */
struct number metric_sample_cpu(const struct metric *metric, size_t column, const char *value,
				unsigned int cpu);
/* What the columns of a family have together; numbers: of all columns. */
struct number metric_family_sum(const struct metric *metric, size_t family,
				const struct number *numbers);
/* By the document's factor, which makes it a floating-point number. */
struct number metric_scale(const struct metric *metric, struct number number);

#endif
