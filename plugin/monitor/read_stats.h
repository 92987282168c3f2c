/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a monitor was read, and how long that took, by who read it. Reference counted: it goes
 * on with the monitor that follows another one. Safe from any thread.
 */
#ifndef DYNMON_MONITOR_READ_STATS_H
#define DYNMON_MONITOR_READ_STATS_H

#include "base/self_counter.h"

struct readings {
	unsigned int refs; /* atomic */
	struct {
		uint64_t count; /* atomic: reads to the end */
		uint64_t ns;	/* atomic: in which metrics were read and written down */
	} by[READER_COUNT];
};

/* NULL: out of memory. */
struct readings *readings_new(void);
struct readings *readings_ref(struct readings *readings);
struct readings *readings_unref(struct readings *readings);

static inline void readings_add(struct readings *readings, enum reader_kind reader, uint64_t count,
				uint64_t ns)
{
	__atomic_add_fetch(&readings->by[reader].count, count, __ATOMIC_RELAXED);
	__atomic_add_fetch(&readings->by[reader].ns, ns, __ATOMIC_RELAXED);
}

#endif
