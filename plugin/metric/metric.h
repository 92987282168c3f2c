/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metric: a map of a loaded object, how to decode its entries, and how to name them.
 *
 * Embedded in a generation, which also owns the map. Read-only after initialization, except for its
 * notes and its accumulator, which have their own locks. Any number of threads may read a metric
 * at the same time, each with its own metric_reader.
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

/* Mutable state shared by all reads of a metric. */
struct metric_notes {
	bool trouble_told;		 /* atomic: a failed read was logged */
	bool full_told;			 /* atomic: the full map was logged */
	bool left_out_told;		 /* atomic: left-out series were logged */
	bool counted;			 /* atomic: entries is valid */
	uint64_t entries;		 /* atomic: entries in the last complete read */
	uint64_t left_out[READER_COUNT]; /* atomic: series, in the last read of each kind */
	pthread_mutex_t lock;
	pthread_cond_t selected; /* a selection changed its state */
	/* -- protected by lock -- */
	struct selection *selections; /* waiting or running */
};

/* A number contained in each value. */
struct column {
	const struct field *field;
	uint32_t element; /* index, if the field is an array */
	bool counts;	  /* a count: never negative */
};

/* A metric family: the samples that share a name, which is built from metric and family name. */
struct family {
	char *name; /* field of the value; "": the value itself, or the field the document names */
	size_t column;	  /* its first column */
	uint32_t numbers; /* number of columns; if more than one, samples have the label "index" */
};

struct metric {
	const struct metric_config *config; /* part of the document, which outlives the metric */
	struct map map;
	struct plan key;
	struct plan value;
	struct metric_notes *notes; /* owned */
	struct field *key_fields;   /* none if the map is an array or a queue */
	size_t n_key_fields;
	struct field *value_fields;
	size_t n_value_fields;
	struct label *labels;
	size_t n_labels;
	struct family *families; /* none: the metric is exported as JSON only */
	size_t n_families;
	struct histogram histogram; /* if in use, the metric has one family */
	struct column *columns;
	size_t n_columns;
	size_t n_numbers;      /* of a series: n_columns, or histogram_n_numbers() */
	bool merges;	       /* several entries may have the same labels: they form one series */
	size_t rank;	       /* the number that ranks series for top-K */
	uint32_t rank_numbers; /* if more than one, the sum of so many ranks */
	bool dialect;	       /* the map is declared in Dynmon's dialect */
	bool swapped;	       /* two copies of the map: one is written, the other one read */
	struct map second;     /* the second copy, if swapped */
	struct accumulator *accumulator; /* NULL: entries are read directly from the map */
	/*
	 * Circular list of the metrics with an accumulator that share a map: entries taken out of
	 * the map go to all of their accumulators.
	 */
	struct metric *next;
	char *owner;	     /* log prefix "monitor edge: "; NULL: no monitor */
	bool taken_by_other; /* another metric of the list empties the map */
};

/**
 * metric_init() - bind a metric's configuration to a map of an object
 * @metric: receives the metric; after success release it with metric_release()
 * @config: outlives the metric
 * @object: loaded object; owns the map
 * @err:    receives the reason
 *
 * Return: 0; -ENOENT if the object has no such map; -EOPNOTSUPP if its type cannot be read;
 * -EACCES if its flags prohibit reading or emptying; -EFBIG if its entries are too large; -EINVAL
 * if its BTF types cannot be shown or do not match the document; -ENOMEM.
 */
int metric_init(struct metric *metric, const struct metric_config *config,
		const struct object *object, struct error *err);
void metric_release(struct metric *metric);

/**
 * metric_set_second() - set the second copy of a swapped map
 * @metric: initialized metric
 * @copy:   second copy of the object; owns the second map
 * @err:    receives the reason
 *
 * Return: 0 or -errno as metric_init().
 */
int metric_set_second(struct metric *metric, const struct object *copy, struct error *err);

/**
 * metric_set_accumulator() - add an accumulator if the metric needs one
 * @metric:   initialized metric, after metric_set_second() if swapped
 * @previous: metric of the old generation whose map is reused, or NULL
 * @err:      receives the reason
 *
 * A metric needs an accumulator if its map is swapped, or if it is an exported counter that is
 * emptied by reads. The accumulator of previous is taken over if accumulator_suits().
 *
 * Return: 0; -ENOMEM; -EFBIG if the accumulator may become too large.
 */
int metric_set_accumulator(struct metric *metric, const struct metric *previous, struct error *err);

/**
 * metric_join() - let two metrics share the entries taken out of their map
 * @metric: metric with an accumulator that has not been joined yet
 * @first:  metric with an accumulator on the same map
 *
 * Neither metric may move in memory afterwards. Release both at the same time.
 */
void metric_join(struct metric *metric, struct metric *first);

/* Adds a value in the map's layout, of all CPUs, to another one. */
void metric_value_add(const struct metric *metric, char *sum, const char *value);

/* Adds only those fields of a value that are samples. */
void metric_samples_add(const struct metric *metric, char *sum, const char *value);

/* Sets the monitor's name for log messages. Returns 0 or -ENOMEM. */
int metric_set_owner(struct metric *metric, const char *monitor, struct error *err);

/* Returns the prefix of log messages about the metric. */
static inline const char *metric_owner(const struct metric *metric)
{
	return metric->owner ? metric->owner : "";
}

/* Returns true on the first call only, so that a failed read of the metric is logged once. */
static inline bool metric_tell_trouble(const struct metric *metric)
{
	return !__atomic_exchange_n(&metric->notes->trouble_told, true, __ATOMIC_RELAXED);
}

/* Returns true on the first call only, so that left-out series are logged once. */
static inline bool metric_tell_left_out(const struct metric *metric)
{
	return !__atomic_exchange_n(&metric->notes->left_out_told, true, __ATOMIC_RELAXED);
}

/* Stores the number of series that the last read of a kind has left out. */
static inline void metric_set_left_out(const struct metric *metric, enum reader_kind reader,
				       uint64_t n)
{
	__atomic_store_n(&metric->notes->left_out[reader], n, __ATOMIC_RELAXED);
}

static inline uint64_t metric_left_out(const struct metric *metric, enum reader_kind reader)
{
	return __atomic_load_n(&metric->notes->left_out[reader], __ATOMIC_RELAXED);
}

/**
 * metric_entries() - return the number of entries of the map
 * @metric: the metric
 * @ret:    receives max_entries for arrays; for other maps, the number found by the last complete
 *          read, before that read emptied the map
 *
 * Return: false if no read of the map was complete yet.
 */
bool metric_entries(const struct metric *metric, uint64_t *ret);

/* Returns true for a histogram or summary whose map has no slots. */
static inline bool metric_lacks_slots(const struct metric *metric)
{
	enum metric_type type = metric->config->type;

	return (type == METRIC_HISTOGRAM || type == METRIC_SUMMARY) &&
	       !histogram_is_one(&metric->histogram);
}

/* Returns true if the map is an array, which has an index instead of a key. */
static inline bool metric_has_index(const struct metric *metric)
{
	return map_kind(metric->map.type) == MAP_ARRAY;
}

/* Returns true if each CPU has its own series. */
static inline bool metric_lists_cpus(const struct metric *metric)
{
	return metric->config->per_cpu == PER_CPU_LIST && map_is_percpu(metric->map.type);
}

/* Returns a column of a value, not scaled. config->per_cpu says how to combine per-CPU numbers. */
struct number metric_sample(const struct metric *metric, size_t column, const char *value);
/* Returns a column of one CPU's value, not scaled. */
struct number metric_sample_cpu(const struct metric *metric, size_t column, const char *value,
				unsigned int cpu);
/* Returns the sum of a family's columns. numbers holds all columns of the series. */
struct number metric_family_sum(const struct metric *metric, size_t family,
				const struct number *numbers);
/* Multiplies by the document's scale. The result is a float unless the scale is unset or 1. */
struct number metric_scale(const struct metric *metric, struct number number);

#endif
