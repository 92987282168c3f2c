/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps the fields of a metric's entries to series: which fields become labels, and which become
 * families of samples. The document decides; without an entry there, BTF does.
 *
 * The result is owned by the metric and read-only after series_plan().
 */
#ifndef DYNMON_METRIC_SERIES_H
#define DYNMON_METRIC_SERIES_H

#include "metric/metric.h"

/**
 * series_plan() - determine labels, families, histogram and rank of a metric
 * @metric: metric with listed fields; release the result with series_release(), also on failure
 * @err:    receives the reason, with a list of the existing fields
 *
 * Return: 0; -ENOMEM; -EINVAL if the document names a field that does not exist, is no number, or
 * does not have the size of its format.
 */
int series_plan(struct metric *metric, struct error *err);
void series_release(struct metric *metric);

/*
 * Appends the fields of the value that contain numbers but are neither samples nor labels, as
 * "value.a, value.b". Appends nothing for histograms and if the document names the sample's field.
 */
void series_omitted(const struct metric *metric, struct text *out);

#endif
