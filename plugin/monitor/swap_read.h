/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what is swapped: the other copy of the programs takes over, and what the first one has
 * counted is taken into the metrics' accumulators once nothing writes to it any more.
 */
#ifndef DYNMON_MONITOR_SWAP_READ_H
#define DYNMON_MONITOR_SWAP_READ_H

#include "monitor/snapshot.h"

/*
 * Takes everything out of all swapped maps of a snapshot, with one grace period for all of them.
 * Nothing is done where nothing is swapped, and where a generation does not run any more. What goes
 * wrong is logged, once in a row for a metric, and the rest goes on.
 */
void snapshot_collect(const struct snapshot *snapshot);

/* Takes everything out of the swapped maps of one copy of a generation, which must not run. */
void generation_collect(const struct generation *generation, bool twin);

#endif
