/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that sees interfaces come, go and change their names, in all network namespaces of the
 * monitors, and has the monitors look again. With monitors in other namespaces it looks twice a
 * second whether these are still there. Attaching failed interfaces is tried again every five
 * seconds, since the cause may end without an event. Otherwise the thread sleeps until something
 * happens.
 */
#ifndef DYNMON_MONITOR_WATCH_H
#define DYNMON_MONITOR_WATCH_H

#include "monitor/registry.h"

struct watch;

/* The registry must outlive it. */
int watch_start(struct registry *registry, struct watch **ret, struct error *err);

/* Takes NULL. */
struct watch *watch_stop(struct watch *watch);

#endif
