/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of one metric: the map, how the map is read, and the names of its contents. See
 * dynmon-dataplane(5).
 *
 * Owned by struct direction_config and read-only after parsing. All strings and arrays are owned.
 */
#ifndef DYNMON_DATAPLANE_METRIC_CONFIG_H
#define DYNMON_DATAPLANE_METRIC_CONFIG_H

#include "dataplane/json_reader.h"

#define LABELS_MAX	32	 /* labels of one metric */
#define LABEL_TEXTS_MAX 1024	 /* texts of one label */
#define SERIES_MAX	10000000 /* series of one metric */
#define LABEL_MAX_BYTES 1024	 /* value of a label */
#define PATTERNS_MAX	64	 /* regular expressions of one label */
#define HELP_MAX_BYTES	4096
#define BUCKETS_MAX	1024 /* buckets of one histogram */
#define QUANTILES_MAX	32   /* quantiles of one metric */

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_SUMMARY,
	METRIC_UNTYPED,
};

/**
 * metric_type_accumulates() - test whether samples of a type never decrease
 * @type:  type of a metric
 *
 * Return: true if an accumulator sums up what reads take out of the map.
 */
static inline bool metric_type_accumulates(enum metric_type type)
{
	return type == METRIC_COUNTER || type == METRIC_HISTOGRAM || type == METRIC_SUMMARY;
}

/**
 * metric_type_name() - return the name of a type in documents
 * @type:  type of a metric
 *
 * Return: "counter", "gauge", "histogram", "summary" or "untyped", a static string.
 */
const char *metric_type_name(enum metric_type type);

/*
 * A replacement text: the label shows to if the field has the value from. The value "*" stands for
 * all values without a text of their own; "*" in its text is the value.
 */
struct label_text {
	char *from;
	char *to;
};

/* A label. Exactly one of value (a constant) and field is set. */
struct label_config {
	char *name;
	char *value;
	char *field;		  /* "key.saddr", "value.state", "index", "cpu" */
	char *format;		  /* name for format_from_name(); NULL: by the type of the field */
	struct label_text *texts; /* for format "map" */
	size_t n_texts;
	char **patterns; /* POSIX extended; other entries are left out */
	size_t n_patterns;
};

/* How the values of a per-CPU map are combined. */
enum per_cpu { PER_CPU_SUM, PER_CPU_MAX, PER_CPU_MIN, PER_CPU_LIST };

/* The range of values that slot i counts. */
enum buckets {
	BUCKETS_LOG2,	    /* LOG2_BITS for code in the BCC dialect, else LOG2_FLOOR */
	BUCKETS_LOG2_FLOOR, /* 2^i to 2^(i+1) - 1, slot 0 also 0: as libbpf-tools */
	BUCKETS_LOG2_BITS,  /* 2^(i-1) to 2^i - 1, numbers of i bits: as bpf_log2l() of BCC */
	BUCKETS_EXP2,	    /* above 2^(i-1) up to 2^i, slot 0 also 0: as ebpf_exporter's exp2 */
	BUCKETS_EXP2_ZERO,  /* above 2^(i-2) up to 2^(i-1), slot 0 only 0: as its exp2zero */
	BUCKETS_LINEAR,	    /* i * width to (i + 1) * width - 1 */
	BUCKETS_BOUNDS,	    /* up to bounds[i]; the last slot counts larger values */
};

struct histogram_config {
	enum buckets buckets;
	double *bounds; /* strictly increasing, in the unit that the program measures */
	size_t n_bounds;
	uint32_t width;	    /* of linear buckets; 0 stands for 1 */
	uint32_t slots;	    /* number of slots; 0: as many as the map has */
	char *bucket_field; /* "value.slots", "key.bucket", "index"; NULL: detected */
	char *sum_field;    /* NULL: no field holds the sum of the measured values */
	bool sum_slot;	    /* the slot after the last bucket holds that sum */
};

struct metric_config {
	char *name;
	char *map_name;
	bool swap_on_read;
	bool empty_on_read;
	bool exported; /* open-metrics-metadata is present: exported to OpenMetrics and collectd */
	char *help;    /* may be NULL */
	enum metric_type type;
	struct label_config *labels;
	size_t n_labels;
	char *value;	     /* field of the sample; NULL: all fields that are numbers */
	char *unit;	     /* may be NULL */
	double scale;	     /* factor applied to the samples; 0 stands for 1 */
	uint32_t max_series; /* 0: default of the exporter */
	char *top_by;	     /* field that ranks series over max_series; NULL: the first */
	enum per_cpu per_cpu;
	bool has_histogram; /* the document has histogram or quantiles */
	struct histogram_config histogram;
	double *quantiles; /* 0 to 1, strictly increasing; NULL: default of the exporter */
	size_t n_quantiles;
};

/* Keys of an element of metric-configs. */
extern const struct json_key metric_config_keys[];

/*
 * Parses an element of metric-configs into a zeroed struct metric_config. Call
 * metric_config_release() even after a failure.
 */
json_parser metric_config_parse;

/**
 * metric_config_release() - free the contents of a configuration, not the struct
 * @metric:  configuration, possibly incomplete
 */
void metric_config_release(struct metric_config *metric);

#endif
