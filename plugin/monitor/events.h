/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of the programs' log lines (pcn_log) to the plugin's log.
 *
 * events_start() starts one thread. The thread holds a reference to every generation that has a
 * ring buffer of log lines. It scans the registry again when the registry reports a change, and
 * sleeps otherwise. The caller owns struct events; events_start() and events_stop() are called by
 * one thread.
 */
#ifndef DYNMON_MONITOR_EVENTS_H
#define DYNMON_MONITOR_EVENTS_H

#include "monitor/registry.h"

/* Log lines of one program per second. Further lines are counted, and the number is logged. */
#define EVENTS_PER_SECOND 100

struct events;

/**
 * events_start() - start the thread
 * @registry: must outlive the returned object
 * @ret:      receives the new object on success
 * @err:      receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int events_start(struct registry *registry, struct events **ret, struct error *err);

/**
 * events_stop() - stop the thread and free its object
 * @events: may be NULL
 *
 * Return: NULL.
 */
struct events *events_stop(struct events *events);

#endif
