/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a monitor was read, and how long that took, by who read it. Reference counted: it goes
 * on with the monitor that follows another one. Safe from any thread.
 */
#ifndef DYNMON_MONITOR_READ_STATS_H
#define DYNMON_MONITOR_READ_STATS_H

#include "base/self_counter.h"

struct read_stats {
	unsigned int refs; /* atomic */
	struct {
		uint64_t count; /* atomic: reads to the end */
		uint64_t ns;	/* atomic: in which metrics were read and written down */
	} by[READER_COUNT];
};

/* NULL: out of memory. */
struct read_stats *read_stats_new(void);
struct read_stats *read_stats_ref(struct read_stats *read_stats);
struct read_stats *read_stats_unref(struct read_stats *read_stats);

static inline void read_stats_add(struct read_stats *read_stats, enum reader_kind reader,
				  uint64_t count, uint64_t ns)
{
	__atomic_add_fetch(&read_stats->by[reader].count, count, __ATOMIC_RELAXED);
	__atomic_add_fetch(&read_stats->by[reader].ns, ns, __ATOMIC_RELAXED);
}

#endif
