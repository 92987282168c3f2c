/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removal of filters and pins that a dead process has left behind. */
#ifndef DYNMON_MONITOR_ORPHANS_H
#define DYNMON_MONITOR_ORPHANS_H

#include "monitor/registry.h"

/**
 * orphans_remove() - remove filters and pins of dead processes
 * @registry: with all monitors added and restored, so that they have adopted their filters and pins
 * @report:   receives a line for each removed object
 *
 * Covers collectd's network namespace and those of the monitors. Pins stay while a monitor with Pin
 * has no dataplane, because the monitor may still adopt them.
 */
void orphans_remove(struct registry *registry, struct text *report);

#endif
