/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a document says of one metric: which map, how it is read, and what to call what is in it.
 * See dynmon-dataplane(5). Read-only once parsed; part of a path's configuration.
 */
#ifndef DYNMON_DATAPLANE_METRIC_CONFIG_H
#define DYNMON_DATAPLANE_METRIC_CONFIG_H

#include "base/error.h"

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABELS_MAX	32	 /* labels of one metric */
#define LABEL_TEXTS_MAX 1024	 /* texts of one label */
#define SERIES_MAX	10000000 /* of one metric */
#define LABEL_MAX_BYTES 1024	 /* of a label's value */
#define HELP_MAX_BYTES	4096
#define NAME_MAX_BYTES	255  /* of a name, a file's among them */
#define BUCKETS_MAX	1024 /* of one histogram */
#define QUANTILES_MAX	32   /* of one metric */

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_SUMMARY,
	METRIC_UNTYPED,
};

/* Whether it only ever grows, so that what is taken out of its map is added up. */
static inline bool metric_type_accumulates(enum metric_type type)
{
	return type == METRIC_COUNTER || type == METRIC_HISTOGRAM || type == METRIC_SUMMARY;
}

/* As the document writes it: "counter", "gauge" ... */
const char *metric_type_name(enum metric_type type);

/* A text for a value of a field: what a label shows in its place. */
struct label_text {
	char *from;
	char *to;
};

/* Either a constant or a field. */
struct label_config {
	char *name;
	char *value;
	char *field;		  /* "key.saddr", "value.state", "index", "cpu" */
	char *format;		  /* as format_from_name() takes it; NULL: by the field's type */
	struct label_text *texts; /* format "map" */
	size_t n_texts;
};

/* What becomes of the values that the CPUs have of their own. */
enum per_cpu { PER_CPU_SUM, PER_CPU_MAX, PER_CPU_MIN, PER_CPU_LIST };

/* Which values a slot counts. */
enum buckets {
	BUCKETS_LOG2,	    /* as the code's kind has it: one of the next two */
	BUCKETS_LOG2_FLOOR, /* slot i: 2^i to 2^(i+1) - 1, and 0 in the first: libbpf's tools */
	BUCKETS_LOG2_BITS,  /* slot i: 2^(i-1) to 2^i - 1, numbers of i bits: BCC's bpf_log2l() */
	BUCKETS_LINEAR,	    /* slot i: i * width to (i + 1) * width - 1 */
	BUCKETS_BOUNDS,	    /* slot i: up to bounds[i], the last one what is above */
};

struct histogram_config {
	enum buckets buckets;
	double *bounds; /* rising; in the unit of what the program measures */
	size_t n_bounds;
	uint32_t width;	    /* linear; 0: 1 */
	uint32_t slots;	    /* how many there are; 0: as the map has them */
	char *bucket_field; /* "value.slots", "key.bucket", "index"; NULL: is found */
	char *sum_field;    /* NULL: nothing holds the sum of what was measured */
};

struct metric_config {
	char *name;
	char *map_name;
	bool swap_on_read;
	bool empty_on_read;
	bool exported; /* has open-metrics-metadata: goes to OpenMetrics and collectd too */
	char *help;    /* may be NULL */
	enum metric_type type;
	struct label_config *labels;
	size_t n_labels;
	char *value;	     /* the field that is the sample; NULL: all that are numbers */
	char *unit;	     /* may be NULL */
	double scale;	     /* of the samples; 0 or 1: as they are */
	uint32_t max_series; /* 0: as the exporter has it */
	char *top_by;	     /* the field that decides which ones are left out; NULL: the first */
	enum per_cpu per_cpu;
	bool has_histogram; /* the document says something of buckets or quantiles */
	struct histogram_config histogram;
	double *quantiles; /* from 0 to 1, rising; NULL: as the exporter has it */
	size_t n_quantiles;
};

struct json_reader;

/* Takes an element of metric-configs into the zeroed struct metric_config at to; see json_reader.h.
 */
int take_metric_config(struct json_reader *json_reader, struct json_object *value, void *to);
void metric_config_release(struct metric_config *metric);

#endif
