/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of the samples of a metric: all of its series, or the largest.
 *
 * All series of a metric with one family are read directly from the map in batches. In all other
 * cases, and for histograms and metrics that merge entries, the samples come from a selection,
 * which is held in memory and may be shared with other readers. The batches of a histogram always
 * have numbers, metric->n_numbers per series.
 */
#ifndef DYNMON_METRIC_SAMPLING_H
#define DYNMON_METRIC_SAMPLING_H

#include "metric/selection.h"

/* Embedded in its owner; used by one thread at a time. */
struct sampling {
	const struct metric *metric;
	struct selection *selection; /* NULL: samples come from the reader */
	struct metric_reader reader; /* unused with a selection */
	size_t given;		     /* batches of the selection returned so far */
};

/**
 * sampling_init() - begin a read
 * @sampling: receives the state; after success release it with sampling_release()
 * @metric:   outlives the read
 * @use:      METRIC_FOR_SAMPLES or METRIC_FOR_LOOKING
 * @limit:    series at most; 0 for all
 *
 * May wait for the pass of another reader, see selection_get().
 *
 * Return: 0 or -errno as metric_reader_init().
 */
int sampling_init(struct sampling *sampling, const struct metric *metric, enum metric_use use,
		  uint32_t limit);
/* Returns 1 if *batch holds at least one entry, 0 at the end, -errno if the read failed. */
int sampling_next(struct sampling *sampling, struct metric_batch *batch);
/* Restarts at the first entry, for another family. Only valid if there is a selection. */
void sampling_rewind(struct sampling *sampling);
void sampling_release(struct sampling *sampling);

/* Returns the number of series left out so far. */
static inline uint64_t sampling_left_out(const struct sampling *sampling)
{
	return sampling->selection ? sampling->selection->seen - sampling->selection->count : 0;
}

/* Stores the number of series left out for metric_left_out(), and logs the first such read. */
void sampling_note_left_out(const struct sampling *sampling, enum reader_kind reader);

#endif
