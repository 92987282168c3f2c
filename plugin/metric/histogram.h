/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of a histogram in a map: where the slots are, and which values each slot counts.
 *
 * A map stores slots in one of three ways: the value contains an array of slots, the key or one of
 * its fields is the slot number, or the map is an array of slots. In the last two cases an entry is
 * a single slot, and entries whose keys differ only in the slot number form one series.
 *
 * The numbers of a series are, in this order: its buckets, not cumulative; the count, which is the
 * sum of the buckets; and, if a field or a slot holds it, the sum of all measured values. If each
 * CPU has its own series, these numbers are followed by the same numbers of each CPU.
 *
 * Embedded in its metric and read-only after histogram_plan(); any number of threads may read it.
 */
#ifndef DYNMON_METRIC_HISTOGRAM_H
#define DYNMON_METRIC_HISTOGRAM_H

#include "metric/metric.h"

/**
 * histogram_plan() - find the slots of a metric and compute the bucket bounds
 * @metric: metric with listed fields; its histogram is filled
 * @err:    receives the reason
 *
 * The slots are those the document names, or else are found by type and name. The histogram stays
 * SLOTS_NOWHERE if the metric is no histogram or summary, or if no slots are found and the document
 * does not configure the histogram.
 *
 * Return: 0; -ENOMEM; -EINVAL if the document configures a histogram that the map cannot provide.
 */
int histogram_plan(struct metric *metric, struct error *err);
void histogram_release(struct histogram *histogram);

/* Sets all numbers of a series to zero. */
void histogram_clear(const struct metric *metric, struct number *numbers);
/**
 * histogram_add() - add a map entry to the numbers of its series
 * @metric:  the metric
 * @batch:   the batch that holds the entry
 * @i:       the entry, less than the count of the batch
 * @numbers: numbers of the series, initialized by histogram_clear()
 */
void histogram_add(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
		   struct number *numbers);

/**
 * histogram_group() - copy a key with the slot number set to zero
 * @metric: the metric
 * @key:    key of an entry
 * @group:  receives the key that all entries of the series share; has the map's key_size bytes
 */
void histogram_group(const struct metric *metric, const char *key, char *group);

/**
 * histogram_note_sum() - log that the last slot of a series looks like a sum of measured values
 * @metric:  metric without a configured sum; logged once
 * @numbers: numbers of a series
 */
void histogram_note_sum(const struct metric *metric, const struct number *numbers);

/**
 * histogram_quantile() - estimate a quantile
 * @histogram: the histogram
 * @numbers:   numbers of a series
 * @q:         the quantile, 0 to 1
 *
 * Interpolates within a bucket, as Prometheus' histogram_quantile() does.
 *
 * Return: the scaled value; the largest bound if the quantile is in the last bucket; NaN if nothing
 * was measured.
 */
double histogram_quantile(const struct histogram *histogram, const struct number *numbers,
			  double q);

#endif
