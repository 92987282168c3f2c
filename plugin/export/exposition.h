/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the formats: which one a client gets, escapes, names of labels. */
#ifndef DYNMON_EXPORT_EXPOSITION_H
#define DYNMON_EXPORT_EXPOSITION_H

#include "base/text.h"
#include "metric/metric.h"

enum exposition {
	EXPOSITION_OPENMETRICS,
	EXPOSITION_PROMETHEUS,
	EXPOSITION_PROTOBUF, /* Prometheus', with native histograms */
	EXPOSITION_COUNT,
};

/* The content type of an exposition. */
const char *exposition_content_type(enum exposition exposition);

/* What a client that sends this Accept header (NULL: none) should get. */
enum exposition exposition_negotiate(const char *accept);

/* Escapes for a label's value; bytes that are no UTF-8 are shown as \xHH. */
void exposition_label_value(struct text *out, const char *bytes, size_t n);

/* The value that this stands for. */
void exposition_label_plain(struct text *out, const char *bytes, size_t n);

/* Escapes for HELP: in Prometheus' older text a quote stands for itself. */
void exposition_help(struct text *out, const char *help, enum exposition exposition);

/*
 * A bound of a bucket, or a quantile, as OpenMetrics writes those: "1.0", "0.001", "1e+06". The
 * same in both formats, so that a series keeps its name.
 */
void exposition_bound(struct text *out, double bound);

/* What a source has beside the document's labels and the fields of the key. */
#define NAMES_OWN_MAX 8

/* Names of labels that a source has so far, to keep them apart. */
struct names {
	char *names[LABELS_MAX + FIELDS_MAX + NAMES_OWN_MAX];
	size_t n;
};

/* Takes a name, changed where it is taken already; owned by names. NULL: out of memory. */
const char *names_add(struct names *names, const char *name);
void names_release(struct names *names);

#endif
