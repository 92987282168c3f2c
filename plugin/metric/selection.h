/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A selection: the entries that one pass over a metric's map chose for samples, held in memory: the
 * largest, as many as there may be series; or all of them, for a metric with several families,
 * which must not interleave.
 *
 * Readers of one metric share it: a reader that arrives while a pass for the same selection is
 * still to begin waits for that pass instead of making its own. A pass that began before the
 * reader arrived is never shared, because the reader would get older numbers than it may expect.
 *
 * Reference counted and read-only once it is made; every reader may take its time. Any thread.
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
	int result; /* -errno: there is nothing to give */
	int broke;  /* -errno that ended the pass; what came before is here */
	/* All entries as the reader gave them, or */
	struct selection_block *blocks;
	size_t n_blocks;
	/* flat, in the order of the map as long as there is room for all; with numbers. */
	struct text keys, values, numbers;
	uint32_t count;
	uint32_t *heap; /* the smallest first, when there was no room; NULL before */
	uint64_t seen;	/* all entries, here or not */
	/* Of all entries, one for each number; undefined where no entry can be left out. */
	struct number *sums;
};

/**
 * selection_get() - select entries by a pass over the map, maybe together with other readers
 * @metric: outlives the selection
 * @use:    METRIC_FOR_SAMPLES or METRIC_FOR_LOOKING
 * @limit:  entries at most; 0 for all
 * @ret:    receives a reference; selection_unref()
 *
 * Return: 0, also when the pass broke off and gave some entries; -ENOMEM; -errno as
 * metric_reader_init().
 */
int selection_get(const struct metric *metric, enum metric_use use, uint32_t limit,
		  struct selection **ret);
struct selection *selection_unref(struct selection *selection);

#endif
