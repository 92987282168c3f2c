/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric: its entries, batch by batch, as its options say.
 *
 * As a rule straight from the map. What is swapped was taken out before, see monitor/collect.h; a
 * counter that is emptied is taken out first and added up: these come from the metric's
 * accumulator.
 */
#ifndef DYNMON_METRIC_READER_H
#define DYNMON_METRIC_READER_H

#include "metric/accumulator.h"
#include "metric/metric.h"

/*
 * What the entries are for. A counter that is emptied: JSON gets what was counted since the last
 * time it was shown as JSON, samples are totals. Who only looks takes nothing away from anybody:
 * what has an accumulator is as the last of the others found it.
 */
enum metric_use { METRIC_FOR_JSON, METRIC_FOR_SAMPLES, METRIC_FOR_LOOKING };

/* Whether all who read the metric take what there is from each other: there is no looking at it. */
static inline bool metric_is_taken(const struct metric *metric)
{
	bool totals = metric->accumulator && metric_type_accumulates(metric->config->type);

	return !totals &&
	       (metric->config->empty_on_read || map_kind(metric->map.type) == MAP_QUEUE);
}

/* Some entries, valid until the next call on their reader. */
struct metric_batch {
	struct map_batch entries;
	const struct number *numbers; /* of each entry in turn; NULL: see the values */
};

/* Embedded in its owner; used by one thread. */
struct metric_reader {
	const struct metric *metric;
	struct map_reader map;
	bool tallied;
	bool recent;			  /* only changes since the last such read */
	bool looking;			  /* METRIC_FOR_LOOKING */
	int broke;			  /* -errno of the pass that feeds the accumulator */
	struct accumulator_reader totals; /* where the metric is tallied */
};

/*
 * -errno as map_reader_init(); -EOPNOTSUPP: there is no looking at it. After success:
 * metric_reader_release().
 */
int metric_reader_init(struct metric_reader *reader, const struct metric *metric,
		       enum metric_use use);

/* 1: *batch holds at least one entry; 0: the end; -errno: it broke off. */
int metric_reader_next(struct metric_reader *reader, struct metric_batch *batch);

void metric_reader_release(struct metric_reader *reader);

/* The number of a column of a batch's entry i; not scaled. */
struct number metric_batch_sample(const struct metric *metric, size_t column,
				  const struct metric_batch *batch, uint32_t i);

/*
 * Takes everything out of a map of the metric, into its accumulator and those of all metrics of
 * that map. -errno: it broke off.
 */
int metric_take(const struct metric *metric, const struct map *map);

#endif
