/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A selection: the entries that one pass over a metric's map chose for samples, held in memory.
 * These are the largest entries, up to the limit of series; without a limit, all entries. A metric
 * with several families needs a selection in any case, because families must not interleave.
 *
 * Readers of one metric share a selection: a reader that arrives before a pass for the same
 * selection has begun waits for that pass instead of making its own. A running pass is never
 * shared, because its numbers may be older than the request.
 *
 * Reference counted; read-only when done. Any thread may call the functions. The lock of the
 * metric's notes guards the state and the list of selections.
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
	struct selection *next; /* in the list of selections that are not done */
	/* -- written by the pass, then read-only -- */
	int result; /* -errno: no entries */
	int failed; /* -errno that ended the pass; earlier entries are held */
	/* Either all entries as the reader returned them, */
	struct selection_block *blocks;
	size_t n_blocks;
	/* or flat arrays with numbers, in the map's order until the limit is reached. */
	struct text keys, values, numbers;
	uint32_t count;
	uint32_t *heap; /* smallest first; NULL until the limit is reached */
	uint64_t seen;	/* all entries, selected or not */
	/* The sums over all entries, one for each number; undefined if no entry can be left out. */
	struct number *sums;
};

/**
 * selection_get() - select entries by a pass over the map, possibly shared with other readers
 * @metric: outlives the selection
 * @use:    METRIC_FOR_SAMPLES or METRIC_FOR_LOOKING
 * @limit:  entries at most; 0 for all
 * @ret:    receives a reference; drop it with selection_unref()
 *
 * Return: 0, also if the pass failed after some entries; -ENOMEM; -errno as metric_reader_init().
 */
int selection_get(const struct metric *metric, enum metric_use use, uint32_t limit,
		  struct selection **ret);
struct selection *selection_unref(struct selection *selection);

#endif
