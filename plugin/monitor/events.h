/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that brings the programs' log lines (pcn_log) into the plugin's log.
 *
 * It holds a reference to every generation that has events, and looks for such again
 * whenever the registry says that something has changed; otherwise it sleeps.
 */
#ifndef DYNMON_MONITOR_EVENTS_H
#define DYNMON_MONITOR_EVENTS_H

#include "monitor/registry.h"

/* Of one program in a second; more are counted, and the number is logged. */
#define EVENTS_PER_SECOND 100

struct events;

/* The registry must outlive it. */
int events_start(struct registry *registry, struct events **ret, struct error *err);

/* Takes NULL. */
struct events *events_stop(struct events *events);

#endif
