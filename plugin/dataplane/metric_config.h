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
#define NAME_MAX_BYTES	255 /* of a name, a file's among them */

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_SUMMARY,
	METRIC_UNTYPED,
};

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
};

struct walk;

/* Takes an element of metric-configs into the zeroed struct metric_config at to; see walk.h. */
int take_metric_config(struct walk *walk, struct json_object *value, void *to);
void metric_config_release(struct metric_config *metric);

#endif
