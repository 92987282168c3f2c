/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric for its samples: all of its series, or the largest of them.
 *
 * Where all are wanted of a metric with one family they come straight from the map, batch by batch.
 * Otherwise they come from a selection, which is held in memory and may be shared with other
 * readers. Histograms always have numbers in their batches: those of metric->n_numbers.
 */
#ifndef DYNMON_METRIC_SAMPLING_H
#define DYNMON_METRIC_SAMPLING_H

#include "metric/selection.h"

/* Used by one thread at a time. */
struct sampling {
	const struct metric *metric;
	struct selection *selection; /* NULL: samples come from the reader */
	struct metric_reader reader; /* unused with a selection */
	size_t given;		     /* batches of the selection */
};

/*
 * use: what for, METRIC_FOR_SAMPLES or METRIC_FOR_LOOKING. limit: 0 for all series. -errno as
 * metric_reader_init(). After success: sampling_release().
 */
int sampling_init(struct sampling *sampling, const struct metric *metric, enum metric_use use,
		  uint32_t limit);
/* 1: *batch holds at least one entry; 0: the end; -errno: the read broke off. */
int sampling_next(struct sampling *sampling, struct metric_batch *batch);
/* Starts again from the first entry, for another family. Only of one that holds them. */
void sampling_rewind(struct sampling *sampling);
void sampling_release(struct sampling *sampling);

/* How many series were left out so far. */
static inline uint64_t sampling_left_out(const struct sampling *sampling)
{
	return sampling->selection ? sampling->selection->seen - sampling->selection->count : 0;
}

#endif
