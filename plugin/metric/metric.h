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
#include "kernel/map_reader.h"

#include <pthread.h>
#include <regex.h>

struct selection;
struct accumulator;

struct label {
	enum label_from { LABEL_KEY, LABEL_VALUE, LABEL_INDEX, LABEL_CPU } from;
	char *name;
	const struct field *field; /* owned by the metric; NULL: index or CPU */
	enum format format;
	const struct label_config *config; /* its texts replace values; NULL: no texts */
	size_t cpu_stride; /* bytes from one CPU's value to the next; 0: not per-CPU */
	bool lists_cpus;   /* each CPU has its own series and label */
	regex_t *patterns; /* entries whose text matches none of them are left out */
	size_t n_patterns; /* 0: all entries are series */
};

/* Number of slots if neither the map nor the document defines it: enough for 64-bit values. */
#define SLOTS_DEFAULT 65

struct histogram {
	enum slots_in { SLOTS_NOWHERE, SLOTS_IN_VALUE, SLOTS_IN_KEY, SLOTS_IN_INDEX } in;
	const struct field *field; /* slot array or field of the key; NULL: the index */
	const struct field *count; /* of the value; NULL with SLOTS_IN_VALUE */
	const struct field *sum;   /* of the value; NULL: no field holds the sum */
	size_t sum_slot;	   /* the slot that holds the sum; 0: none */
	size_t n_buckets;	   /* the last one has no upper bound */
	double *bounds;		   /* n_buckets - 1 upper bounds, inclusive; scaled */
	const double *quantiles;   /* from the document, or the default */
	size_t n_quantiles;
	/*
	 * The Prometheus native histogram, schema 0: bucket i counts values above 2^(i-1), up to
	 * and including 2^i. Log2 slots include their lower bound instead, so a value that is a
	 * power of two is counted one native bucket too high.
	 */
	size_t native_zero;  /* leading slots with values up to 1; 0: no native form */
	int native_first;    /* native bucket number of the first slot after these */
	int native_exponent; /* log2 of the scale */
};

static inline bool histogram_is_one(const struct histogram *histogram)
{
	return histogram->in != SLOTS_NOWHERE;
}

/* Returns true if several map entries form one series. */
static inline bool histogram_has_groups(const struct histogram *histogram)
{
	return histogram->in == SLOTS_IN_KEY || histogram->in == SLOTS_IN_INDEX;
}

static inline bool histogram_has_sum(const struct histogram *histogram)
{
	return histogram->sum || histogram->sum_slot;
}

/* Returns the number of numbers of one histogram: of a series, or of one CPU of a series. */
static inline size_t histogram_n_numbers(const struct histogram *histogram)
{
	return histogram->n_buckets + 1 + (histogram_has_sum(histogram) ? 1 : 0);
}

static inline struct number histogram_count(const struct histogram *histogram,
					    const struct number *numbers)
{
	return numbers[histogram->n_buckets];
}

/* Returns the unscaled sum of the measured values. Only valid with histogram_has_sum(). */
static inline struct number histogram_sum(const struct histogram *histogram,
					  const struct number *numbers)
{
	return numbers[histogram->n_buckets + 1];
}

/* Returns the position of a field of the value in the numbers: that of the sum or of the count. */
static inline size_t histogram_rank(const struct histogram *histogram, const struct field *field)
{
	return field == histogram->sum ? histogram->n_buckets + 1 : histogram->n_buckets;
}

/* Mutable state shared by all reads of a metric. */
struct metric_notes {
	bool failure_logged;		 /* atomic: a failed read was logged */
	bool full_logged;		 /* atomic: the full map was logged */
	bool left_out_logged;		 /* atomic: left-out series were logged */
	bool clash_logged;		 /* atomic: a changed name or type was logged */
	bool sum_logged;		 /* atomic: a slot that looks like a sum was logged */
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
	size_t n_numbers;      /* of a series: n_columns, or those of its histograms */
	bool merges;	       /* several entries may have the same labels: they form one series */
	size_t rank;	       /* the number that ranks series for top-K */
	uint32_t rank_numbers; /* if more than one, the sum of so many ranks */
	bool both_directions;  /* the map has packets of both, so series have no direction */
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

/*
 * A batch of entries, valid until the next call on its reader. There are n_columns numbers per
 * entry from a metric_reader, n_numbers from a sampling.
 */
struct metric_batch {
	struct map_batch entries;
	const struct number *numbers; /* of each entry; NULL: decode the values */
};

/* Adds a value in the map's layout, of all CPUs, to another one. */
void metric_value_add(const struct metric *metric, char *sum, const char *value);

/* Adds only those fields of a value that are samples. */
void metric_samples_add(const struct metric *metric, char *sum, const char *value);

/* Returns the prefix of log messages about the metric. */
static inline const char *metric_owner(const struct metric *metric)
{
	return metric->owner ? metric->owner : "";
}

/* Returns the number of series that the last read of a kind has left out. */
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

/*
 * Returns the number of histograms in the numbers of a series: one, or if each CPU has its own
 * series, that of all CPUs and then those of the CPUs.
 */
static inline size_t metric_histograms(const struct metric *metric)
{
	return metric_lists_cpus(metric) ? 1 + map_cpus() : 1;
}

/* Returns the numbers of a CPU's histogram; if CPUs have no own series, those of all CPUs. */
static inline const struct number *
metric_histogram_of(const struct metric *metric, const struct number *numbers, unsigned int cpu)
{
	size_t n = histogram_n_numbers(&metric->histogram);

	return metric_lists_cpus(metric) ? numbers + (1 + cpu) * n : numbers;
}

/* Returns a column of a value, not scaled. config->per_cpu says how to combine per-CPU numbers. */
struct number metric_sample(const struct metric *metric, size_t column, const char *value);
/* Returns a column of one CPU's value, not scaled. */
struct number metric_sample_cpu(const struct metric *metric, size_t column, const char *value,
				unsigned int cpu);
/* Returns a column of entry i of a batch, not scaled. */
struct number metric_batch_sample(const struct metric *metric, size_t column,
				  const struct metric_batch *batch, uint32_t i);

/* Returns the sum of a family's columns. numbers holds all columns of the series. */
struct number metric_family_sum(const struct metric *metric, size_t family,
				const struct number *numbers);
/* Multiplies by the document's scale. The result is a float unless the scale is unset or 1. */
struct number metric_scale(const struct metric *metric, struct number number);

/* Return a field of the key or value by its name, such as "key.port"; NULL if there is none. */
const struct field *metric_key_field(const struct metric *metric, const char *path);
const struct field *metric_value_field(const struct metric *metric, const char *path);

/* Sets the error that no field is called path and lists the fields. Returns -EINVAL. */
int metric_no_such_field(const struct metric *metric, const char *what, const char *path,
			 struct error *err);
/**
 * metric_find_field() - find a field of the value
 * @metric: metric with listed fields
 * @what:   key of the document that names the field, for the error message
 * @path:   name of the field, such as "value.bytes"
 * @array:  accept an array of numbers, too
 * @ret:    receives the field, owned by the metric
 * @err:    receives the reason
 *
 * Return: 0, or -EINVAL if there is no such field or the field is no number.
 */
int metric_find_field(const struct metric *metric, const char *what, const char *path, bool array,
		      const struct field **ret, struct error *err);

#endif
