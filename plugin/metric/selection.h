/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A selection: the entries that one pass over a metric's map chose for samples, held in memory.
 * These are the largest entries, up to the limit of series. For a metric with several families all
 * entries are selected, because families must not interleave.
 *
 * Readers of one metric share a selection: a reader that arrives before a pass for the same
 * selection has begun waits for that pass instead of making its own. A running pass is never
 * shared, because its numbers may be older than the request.
 *
 * Reference counted, and read-only when done. All functions may be called from any thread.
 */
#ifndef DYNMON_METRIC_SELECTION_H
#define DYNMON_METRIC_SELECTION_H

#include "metric/reader.h"

/* A copy of a batch, keys and values in one allocation. */
struct selection_block {
	char *bytes;
	size_t size;
	struct map_batch entries;
};

struct selection {
	const struct metric *metric;
	enum metric_use use;
	uint32_t limit;	   /* entries; 0: all of them */
	unsigned int refs; /* atomic */
	/* -- protected by the lock of the metric's notes -- */
	enum { SELECTION_WAITS, SELECTION_RUNS, SELECTION_DONE } state;
	struct selection *next; /* of the metric's selections that are not done */
	/* -- written by the pass, read-only when it is done -- */
	int result; /* -errno: no entries */
	int broke;  /* -errno that ended the pass; earlier entries are held */
	/* All entries as the reader gave them, or */
	struct selection_block *blocks;
	size_t n_blocks;
	/* flat, in the order of the map as long as there is room for all; with numbers. */
	struct text keys, values, numbers;
	uint32_t count;
	uint32_t *heap; /* smallest first, once the limit is reached; NULL before */
	uint64_t seen;	/* all entries, here or not */
	/* The sums over all entries, one for each number; undefined if no entry can be left out. */
	struct number *sums;
};

/**
 * selection_get() - select entries by a pass over the map, possibly shared with other readers
 * @metric: outlives the selection
 * @use:    METRIC_FOR_SAMPLES or METRIC_FOR_LOOKING
 * @limit:  entries at most; 0 for all
 * @ret:    receives a reference; selection_unref()
 *
 * Return: 0, also if the pass failed after some entries; -ENOMEM; -errno as metric_reader_init().
 */
int selection_get(const struct metric *metric, enum metric_use use, uint32_t limit,
		  struct selection **ret);
struct selection *selection_unref(struct selection *selection);

#endif
