/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run counts and run times of programs. The kernel counts for all programs on the host while at
 * least one process requests it. The cost is two clock reads per program run.
 *
 * The process holds one request, guarded by an internal lock. All functions may be called from any
 * thread.
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

/**
 * run_stats_switch() - turn this process's request on or off
 * @on:   the new state
 * @err:  receives the reason of a failure
 *
 * Return: 1 if the state changed, 0 if not, -EPERM without CAP_SYS_ADMIN, -EINVAL before Linux 5.8.
 */
int run_stats_switch(bool on, struct error *err);

/**
 * run_stats_open() - open an additional request that is independent of run_stats_switch()
 * @err:  receives the reason of a failure
 *
 * Return: a descriptor; the request lasts until the caller closes it. -errno as run_stats_switch().
 */
int run_stats_open(struct error *err);

/* Returns true if run_stats_switch() turned the request on. */
bool run_stats_are_on(void);

/* Adds the counters of a loaded program, in runs and ns. Adds nothing if they cannot be read. */
void run_stats_add(struct run_stats *stats, int prog_fd);

/* Adds the counters of all loaded programs of an object. */
void run_stats_add_object(struct run_stats *stats, const struct object *object);

/**
 * run_stats_since() - count the runs of recently loaded programs
 * @object:  loaded object
 * @since:   ns of CLOCK_BOOTTIME
 *
 * Return: number of runs of those programs of @object that were loaded at or after @since.
 */
uint64_t run_stats_since(const struct object *object, uint64_t since);

#endif
