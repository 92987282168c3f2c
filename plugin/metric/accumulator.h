/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An accumulator: what reads have taken out of a map, added up by key, so that a counter whose map
 * is emptied goes on growing for everybody who looks.
 *
 * An entry is kept in two ways: as numbers of 64 bits since the beginning, and as the map's own
 * bytes since the last one who took these. Where a metric has samples of each CPU, these bytes are
 * kept since the beginning, too. Reference counted: it goes on with its map when a
 * reload keeps that. Safe from any thread.
 */
#ifndef DYNMON_METRIC_ACCUMULATOR_H
#define DYNMON_METRIC_ACCUMULATOR_H

#include "decode/number.h"
#include "kernel/map.h"

struct metric;
struct accumulator;

/*
 * Keys that nobody counts any more are forgotten, the longest unused first, when there are more
 * than twice as many as the map can hold, and never below this. What the last two passes have seen
 * stays in any case.
 */
#define ACCUMULATOR_ENTRIES_MIN 1024

/*
 * The memory limit of an accumulator. Two passes and the current batch have at most
 * ACCUMULATOR_MAPS_MAX times the entries of the map; a metric whose accumulator would need more
 * memory for that is refused. Another metric can reach the limit only if programs insert entries
 * during a pass; the pass then ends with -EFBIG before it takes entries that do not fit.
 */
#define ACCUMULATOR_BYTES_MAX (4ULL * 1024 * 1024 * 1024)
#define ACCUMULATOR_MAPS_MAX  3

/* -EFBIG: an accumulator of the metric might need more memory than the limit. */
int accumulator_check(const struct metric *metric, struct error *err);

/*
 * For a metric's map, which must have keys. The metric's plans are copied where they are needed.
 * NULL: out of memory.
 */
struct accumulator *accumulator_new(const struct metric *metric);
/* Whether it can go on for a metric of the same map: its samples are as many. */
bool accumulator_suits(const struct accumulator *accumulator, const struct metric *metric);
struct accumulator *accumulator_ref(struct accumulator *accumulator);
struct accumulator *accumulator_unref(struct accumulator *accumulator);

/*
 * Whoever takes out of the map has the turn, from before the first entry is taken until the last
 * one is added: who reads then has all that was counted before it began.
 */
void accumulator_turn_begin(struct accumulator *accumulator);
void accumulator_turn_end(struct accumulator *accumulator);

/* Starts a pass over the map: what is not seen in it, or later, may be forgotten first. */
void accumulator_begin(struct accumulator *accumulator);

/*
 * Makes room for n new entries, so that adding n entries cannot fail. Call before the entries are
 * taken out of the map. -ENOMEM; -EFBIG: the entries exceed the limit.
 */
int accumulator_reserve(struct accumulator *accumulator, uint32_t n);

/* Adds entries as the map gave them; a gauge's take the place of older ones. -ENOMEM: not all. */
int accumulator_add(struct accumulator *accumulator, const struct metric *metric,
		    const struct map_batch *batch);

/*
 * A read of an accumulator in batches, so that a reader needs the memory of a batch only. Entries
 * are given once each, in the order of their first occurrence; entries added after the read began
 * are left out. Embedded in its owner, used by one thread; a zeroed reader can be released.
 */
struct accumulator_reader {
	struct accumulator *accumulator;
	bool recent;
	uint64_t next, end; /* serial numbers of entries */
	uint32_t capacity;
	/* The current batch. */
	char *keys;
	char *values;
	struct number *numbers; /* of all time, one for each column of the metric */
};

/**
 * accumulator_reader_init() - begin a read
 * @reader: is initialized; release with accumulator_reader_release()
 * @accumulator:  outlives the reader
 * @recent: only entries that were added to since the last read with recent; their values then
 *          start at zero again
 *
 * Return: 0 or -ENOMEM.
 */
int accumulator_reader_init(struct accumulator_reader *reader, struct accumulator *accumulator,
			    bool recent);
/* Copies the next entries into the reader. Their number; 0: the end. */
uint32_t accumulator_reader_next(struct accumulator_reader *reader);
void accumulator_reader_release(struct accumulator_reader *reader);

#endif
