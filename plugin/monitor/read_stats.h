/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Number and duration of the reads of a monitor, for each kind of reader. Reference counted: a
 * monitor that replaces another one of its name shares the object. Safe from any thread.
 */
#ifndef DYNMON_MONITOR_READ_STATS_H
#define DYNMON_MONITOR_READ_STATS_H

#include "base/self_counter.h"

struct read_stats {
	unsigned int refs; /* atomic */
	struct {
		uint64_t count; /* atomic: completed reads */
		uint64_t ns;	/* atomic: time spent to read and encode metrics */
	} by[READER_COUNT];
};

/**
 * read_stats_new() - create an object with one reference
 *
 * Return: the object, or NULL if out of memory.
 */
struct read_stats *read_stats_new(void);

/**
 * read_stats_ref() - take a reference
 * @read_stats: the object
 *
 * Return: @read_stats.
 */
struct read_stats *read_stats_ref(struct read_stats *read_stats);

/**
 * read_stats_unref() - drop a reference; the last one frees the object
 * @read_stats: may be NULL
 *
 * Return: NULL.
 */
struct read_stats *read_stats_unref(struct read_stats *read_stats);

/**
 * read_stats_add() - add reads to the statistics of one kind of reader
 * @read_stats: the object
 * @reader:     less than READER_COUNT
 * @count:      completed reads
 * @ns:         time spent, in nanoseconds
 */
static inline void read_stats_add(struct read_stats *read_stats, enum reader_kind reader,
				  uint64_t count, uint64_t ns)
{
	__atomic_add_fetch(&read_stats->by[reader].count, count, __ATOMIC_RELAXED);
	__atomic_add_fetch(&read_stats->by[reader].ns, ns, __ATOMIC_RELAXED);
}

#endif
