/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An accumulator holds per-series totals of what reads took out of a map, indexed by map key.
 * With an accumulator, a counter whose map is emptied stays monotonic for every reader.
 *
 * Each entry holds 64-bit totals since the accumulator was created, and a value in the map's own
 * layout since the last read of recent changes. If the metric has samples of each CPU, the entry
 * also holds a total in the map's layout.
 *
 * Reference counted: a generation that reuses the map also takes over its accumulator. An internal
 * mutex guards the entries, so any thread may call any function. A second mutex, the turn,
 * serializes the threads that empty the map; it is taken before the first one.
 */
#ifndef DYNMON_METRIC_ACCUMULATOR_H
#define DYNMON_METRIC_ACCUMULATOR_H

#include "base/error.h"
#include "decode/number.h"
#include "kernel/map_reader.h"

struct metric;
struct accumulator;

/*
 * If an accumulator has more than twice max_entries of the map, and more than this number of
 * entries, it evicts those that passes have not seen for the longest time. Entries seen in the last
 * two passes are never evicted.
 */
#define ACCUMULATOR_ENTRIES_MIN 1024

/*
 * The memory limit of one accumulator. Two passes and the current batch have at most
 * ACCUMULATOR_MAPS_MAX times max_entries of the map. A metric is rejected if that many entries
 * exceed the limit. Any other metric reaches the limit only if programs insert entries during a
 * pass; the pass then ends with -EFBIG before it takes entries that do not fit.
 */
#define ACCUMULATOR_BYTES_MAX (4ULL * 1024 * 1024 * 1024)
#define ACCUMULATOR_MAPS_MAX  3

/**
 * accumulator_check() - check the memory that an accumulator may need
 * @metric: initialized metric whose map has keys
 * @err:    receives the reason
 *
 * Return: 0, or -EFBIG if the accumulator may need more than ACCUMULATOR_BYTES_MAX.
 */
int accumulator_check(const struct metric *metric, struct error *err);

/**
 * accumulator_new() - create an empty accumulator
 * @metric: initialized metric whose map has keys; the accumulator keeps no pointer to it
 *
 * Return: the first reference, NULL if out of memory.
 */
struct accumulator *accumulator_new(const struct metric *metric);
/**
 * accumulator_suits() - test if a new generation's metric can take over an accumulator
 * @accumulator: accumulator of the old generation
 * @metric:      metric of the new generation on the same map
 *
 * Return: true if key and value sizes, columns, the combination of per-CPU values and the treatment
 * as counter or gauge agree. false also if out of memory.
 */
bool accumulator_suits(const struct accumulator *accumulator, const struct metric *metric);
struct accumulator *accumulator_ref(struct accumulator *accumulator);
struct accumulator *accumulator_unref(struct accumulator *accumulator);

/**
 * accumulator_turn_begin() - lock the turn before emptying the map
 * @accumulator: the accumulator that stands for the map, see metric_take()
 *
 * Hold the turn from before the first entry is taken until the last one is added. A reader that
 * waits for the turn then sees everything that was counted before its read began.
 */
void accumulator_turn_begin(struct accumulator *accumulator);
void accumulator_turn_end(struct accumulator *accumulator);

/* Starts a pass over the map. Entries that no later pass sees are evicted first. */
void accumulator_begin(struct accumulator *accumulator);

/**
 * accumulator_reserve() - make room for new entries
 * @accumulator: the accumulator
 * @n:           number of entries
 *
 * After success, adding n entries cannot fail. Reserve before entries are taken out of the map:
 * entries that were taken and cannot be added are lost.
 *
 * Return: 0; -ENOMEM; -EFBIG if the entries exceed ACCUMULATOR_BYTES_MAX; -errno of getrandom().
 */
int accumulator_reserve(struct accumulator *accumulator, uint32_t n);

/**
 * accumulator_add() - add a batch that was taken out of the map
 * @accumulator: the accumulator
 * @metric:      the metric that interprets the values; accumulator_suits() is true for it
 * @batch:       entries as read from the map
 *
 * Values of a gauge replace older values, all other values are added.
 *
 * Return: 0, or -ENOMEM if some entries were not added.
 */
int accumulator_add(struct accumulator *accumulator, const struct metric *metric,
		    const struct map_batch *batch);

/*
 * A read of an accumulator in batches; it needs the memory of one batch. The reader returns each
 * entry once, in the order of first occurrence. It omits entries added after the read began.
 * Embedded in its owner, used by one thread. A zeroed reader can be released.
 */
struct accumulator_reader {
	struct accumulator *accumulator;
	bool recent;
	uint64_t next, end; /* serial numbers of entries */
	uint32_t capacity;
	/* The current batch; owned. */
	char *keys;
	char *values;
	struct number *numbers; /* totals, one for each column of the metric */
};

/**
 * accumulator_reader_init() - begin a read
 * @reader:      receives the reader; release it with accumulator_reader_release()
 * @accumulator: outlives the reader
 * @recent:      return only entries changed since the last read with recent, and reset their
 *               values to zero
 *
 * Return: 0 or -ENOMEM.
 */
int accumulator_reader_init(struct accumulator_reader *reader, struct accumulator *accumulator,
			    bool recent);
/**
 * accumulator_reader_next() - copy the next entries into the reader
 * @reader: initialized reader; its keys, values and numbers are valid until the next call
 *
 * Return: the number of entries, 0 at the end.
 */
uint32_t accumulator_reader_next(struct accumulator_reader *reader);
void accumulator_reader_release(struct accumulator_reader *reader);

#endif
