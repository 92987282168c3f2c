/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swap-on-read: a read switches to the other copy of the programs, waits for an RCU grace period,
 * and moves the counts of the first copy into the metrics' accumulators.
 */
#ifndef DYNMON_MONITOR_SWAP_READ_H
#define DYNMON_MONITOR_SWAP_READ_H

#include "monitor/snapshot.h"

/**
 * snapshot_collect() - switch copies and collect all swapped maps of a snapshot
 * @snapshot: the caller holds none of the monitors' locks
 *
 * One RCU grace period serves all monitors. Generations that are not swapped or no longer run are
 * skipped. A failure is logged, rate-limited for each metric, and does not affect the others.
 */
void snapshot_collect(const struct snapshot *snapshot);

/**
 * generation_collect() - move the content of the swapped maps into the accumulators
 * @generation: a generation with swapped maps
 * @second:       the copy to collect; this copy must not run
 */
void generation_collect(const struct generation *generation, bool second);

#endif
