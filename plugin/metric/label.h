/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Labels distinguish the series of a metric: fields of the key or value, the array index, the CPU.
 * Constant labels of the document are not among them.
 *
 * Owned by their metric, read-only after labels_plan(); any number of threads may read them.
 */
#ifndef DYNMON_METRIC_LABEL_H
#define DYNMON_METRIC_LABEL_H

#include "metric/metric.h"

/**
 * labels_plan() - determine the labels of a metric
 * @metric: metric whose fields and histogram are known; its labels are filled, also on failure
 * @err:    receives the reason
 *
 * All fields of the key become labels, so that label sets are unique. Fields of the value become
 * labels if the document names them.
 *
 * Return: 0; -ENOMEM; -EINVAL if the document names a field that does not exist or cannot be a
 * label, or a format that does not fit its field.
 */
int labels_plan(struct metric *metric, struct error *err);
void labels_release(struct metric *metric);

/* Returns true if the field is a label. */
bool labels_include(const struct metric *metric, const struct field *field);

/**
 * label_text() - append the value of a label
 * @label: the label
 * @key:   key of the entry
 * @value: value of the entry, of all CPUs
 * @cpu:   the CPU whose series this is; only used if the metric lists CPUs
 * @out:   receives the text, which may contain any bytes
 *
 * Return: false if the label leaves the entry out, see label_config.patterns. Entries in a batch of
 * groups are not left out.
 */
bool label_text(const struct label *label, const char *key, const char *value, unsigned int cpu,
		struct text *out);

#endif
