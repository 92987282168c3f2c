/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts metrics to collectd values, without knowledge of collectd: the result is plain structs
 * that the plugin's module dispatches.
 */
#ifndef DYNMON_EXPORT_VALUES_H
#define DYNMON_EXPORT_VALUES_H

#include "export/value.h"
#include "monitor/registry.h"

/*
 * Series per read of a metric, unless the document or MaxSeries sets another limit. collectd's
 * write queue is unbounded.
 */
#define VALUE_SERIES_MAX 1000

/**
 * values_read() - read the metrics of an instance for collectd
 * @item:    the instance
 * @sink:    called for each value, with no lock held
 * @failed: called for each metric that cannot be read; other metrics are not affected
 * @data:    passed to sink and failed
 *
 * Reads all metrics that have scalar values and are enabled for dispatch. If a metric has more
 * series than its limit, the largest are passed on, with the number of series left out and the sum
 * over all series.
 *
 * If Type has the data sources rx and tx, the values of both directions are joined. A metric whose
 * values cannot be joined is refused with failed().
 */
void values_read(const struct snapshot_item *item,
		 void (*sink)(void *data, const struct value *value),
		 void (*failed)(void *data, const struct error *err), void *data);

#endif
