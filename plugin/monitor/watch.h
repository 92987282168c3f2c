/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that tells the monitors when interfaces come and go. */
#ifndef DYNMON_MONITOR_WATCH_H
#define DYNMON_MONITOR_WATCH_H

#include "monitor/registry.h"

struct watch;

/* The registry must outlive the watch. */
int watch_start(struct registry *registry, struct watch **ret, struct error *err);

/* Takes NULL. */
struct watch *watch_stop(struct watch *watch);

#endif
