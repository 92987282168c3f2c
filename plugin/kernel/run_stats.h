/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often programs run, and for how long: the kernel counts that for all programs of the machine
 * as long as anybody asks for it, which costs each run two looks at the clock.
 *
 * Asked for once per process; all functions may be called from any thread.
 */
#ifndef DYNMON_KERNEL_RUN_STATS_H
#define DYNMON_KERNEL_RUN_STATS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct object;

struct run_stats {
	uint64_t runs;
	uint64_t ns;
};

/*
 * Asks the kernel to count, or no longer. 1: that is new; 0: it was so before.
 * -EPERM without CAP_SYS_ADMIN, -EINVAL before Linux 5.8: it stays off.
 */
int run_stats_switch(bool on, struct error *err);

/*
 * Asks for it on the side, as long as the descriptor that is returned is open. -errno as above.
 */
int run_stats_open(struct error *err);

/* Whether this process has asked for it. */
bool run_stats_are_on(void);

/* Adds what the kernel has counted of a loaded program; of one that it does not tell about nothing.
 */
void run_stats_add(struct run_stats *stats, int prog_fd);

/* The same of all loaded programs of an object. */
void run_stats_add_object(struct run_stats *stats, const struct object *object);

/* Runs of the object's programs that were loaded at since or later: ns of CLOCK_BOOTTIME. */
uint64_t run_stats_since(const struct object *object, uint64_t since);

#endif
