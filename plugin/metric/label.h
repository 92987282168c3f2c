/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Labels: what tells a metric's series from each other, beside the document's constants, and how
 * it reads.
 */
#ifndef DYNMON_METRIC_LABEL_H
#define DYNMON_METRIC_LABEL_H

#include "dataplane/metric_config.h"
#include "decode/field.h"

struct metric;

struct label {
	enum label_from { LABEL_KEY, LABEL_VALUE, LABEL_INDEX, LABEL_CPU } from;
	char *name;
	const struct field *field; /* of the metric's; NULL: index and CPU */
	enum format format;
	const struct label_config *config; /* whose texts stand for values; NULL: nobody's */
	size_t cpu_stride; /* bytes from one CPU's value to the next; 0: there is but one */
	bool lists_cpus;   /* each CPU's own is said */
};

/*
 * Fills the labels of a metric, whose fields and histogram are known: all fields of the key, so
 * that no two series are the same, and of the value those that the document asks for. -EINVAL: it
 * names a field that does not exist, or a format that is not for it.
 */
int labels_plan(struct metric *metric, struct error *err);
void labels_release(struct metric *metric);

/* Whether the field is one of them. */
bool labels_include(const struct metric *metric, const struct field *field);

/* Appends what a label says of an entry. cpu: of LABEL_CPU. */
void label_text(const struct label *label, const char *key, const char *value, unsigned int cpu,
		struct text *out);

#endif
