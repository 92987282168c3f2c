/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric: its entries in batches, read according to the metric's options.
 *
 * Entries are usually read directly from the map. The entries of a metric with an accumulator are
 * first moved from the map to the accumulator and then read from there: swapped maps by
 * monitor/swap_read.h, counters that are emptied by metric_reader_init().
 */
#ifndef DYNMON_METRIC_READER_H
#define DYNMON_METRIC_READER_H

#include "kernel/map_reader.h"
#include "metric/accumulator.h"
#include "metric/metric.h"

/*
 * The purpose of a read. If a counter is emptied by reads, METRIC_FOR_JSON returns the changes
 * since the last such read, METRIC_FOR_SAMPLES returns totals. METRIC_FOR_LOOKING does not affect
 * other readers: it takes nothing out of a map, so a metric with an accumulator is shown as the
 * last other reader found it.
 */
enum metric_use { METRIC_FOR_JSON, METRIC_FOR_SAMPLES, METRIC_FOR_LOOKING };

/*
 * Returns true if each read removes entries that other readers then miss, so that
 * METRIC_FOR_LOOKING is not possible.
 */
static inline bool metric_is_taken(const struct metric *metric)
{
	bool totals = metric->accumulator && metric_type_accumulates(metric->config->type);

	return !totals &&
	       (metric->config->empty_on_read || map_kind(metric->map.type) == MAP_QUEUE);
}

/* Embedded in its owner; used by one thread. */
struct metric_reader {
	const struct metric *metric;
	struct map_reader map;		  /* unless accumulated */
	bool accumulated;		  /* entries come from the accumulator */
	bool recent;			  /* return only changes since the last such read */
	bool looking;			  /* METRIC_FOR_LOOKING */
	int failed;			  /* -errno of the pass that filled the accumulator */
	struct accumulator_reader totals; /* if accumulated */
};

/**
 * metric_reader_init() - begin a read
 * @reader: receives the reader; after success release it with metric_reader_release()
 * @metric: outlives the reader
 * @use:    purpose of the read
 *
 * Empties the map into the accumulator if the metric has one, is not swapped, and the use is not
 * METRIC_FOR_LOOKING. A failure of that pass is reported at the end of the read.
 *
 * Return: 0; -EOPNOTSUPP if use is METRIC_FOR_LOOKING and metric_is_taken(); -errno as
 * map_reader_init().
 */
int metric_reader_init(struct metric_reader *reader, const struct metric *metric,
		       enum metric_use use);

/**
 * metric_reader_next() - read the next batch
 * @reader: initialized reader
 * @batch:  receives pointers into the reader's buffers, valid until the next call
 *
 * Return: 1 if the batch holds at least one entry, 0 at the end, -errno if the read failed.
 */
int metric_reader_next(struct metric_reader *reader, struct metric_batch *batch);

void metric_reader_release(struct metric_reader *reader);

/* Logs that a read of the metric failed with -errno r. Only the first failure is logged. */
void metric_log_failure(const struct metric *metric, int r);

/**
 * metric_take() - empty a map into the accumulators of its metrics
 * @metric: metric with an accumulator; all metrics that metric_join() joined to it get the entries
 * @map:    the metric's map or its second copy
 *
 * Holds the turn of the accumulators, so concurrent calls for the same map are serialized.
 *
 * Return: 0, or -errno if the pass ended early; entries read before are in the accumulators.
 */
int metric_take(const struct metric *metric, const struct map *map);

#endif
