/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One read of a metric for its samples: all of its series, or the largest of them.
 *
 * Where all are wanted of a metric with one family they come straight from the map, batch by batch.
 * Otherwise the entries that are given are held in memory: as many as there may be series, chosen
 * in one pass with a heap; or all of them as they are, because families must not interleave.
 * Histograms always have numbers in their batches: those of metric->n_numbers.
 */
#ifndef DYNMON_METRIC_SAMPLING_H
#define DYNMON_METRIC_SAMPLING_H

#include "metric/reader.h"

/* Used by one thread at a time. */
struct sampling {
	const struct metric *metric;
	struct metric_reader reader;
	uint32_t limit; /* entries; 0: all of them */
	bool held;	/* else straight from the reader */
	size_t given;	/* batches of what is held */
	int broke;	/* -errno of the pass */
	/* What is held: all of it as the reader gave it, keys and values in one block each, or */
	struct map_batch *batches;
	size_t n_batches;
	/* flat, in the order of the map as long as there is room for all. */
	struct text keys, values, numbers;
	uint32_t count;
	uint32_t *heap; /* the smallest first, when there was no room; NULL before */
	/* Of all entries, held or not. */
	uint64_t seen;
	struct number *sums; /* of each number; only where series are left out */
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
	return sampling->held ? sampling->seen - sampling->count : 0;
}

#endif
