/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process that was killed has left behind, and nobody wants any more. */
#ifndef DYNMON_MONITOR_ORPHANS_H
#define DYNMON_MONITOR_ORPHANS_H

#include "monitor/registry.h"

/*
 * Removes filters and pins of dead processes, in collectd's network namespace and in those of the
 * monitors. To be called when all monitors are there: they have taken over what is theirs. What was
 * pinned stays as long as a monitor with Pin has no dataplane, since it may still come.
 * report: a line for each.
 */
void orphans_remove(struct registry *registry, struct text *report);

#endif
