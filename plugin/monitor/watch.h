/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface events: one thread watches the interfaces in all network namespaces of the monitors and
 * calls registry_refresh() when an interface appears, disappears or is renamed.
 *
 * If monitors use other namespaces, the thread checks every 0.5 s whether these namespaces still
 * exist. Failed attachments are retried every 5 s, because the cause may end without an event.
 * Otherwise, the thread sleeps. The caller owns struct watch; watch_start() and watch_stop() are
 * called by one thread.
 */
#ifndef DYNMON_MONITOR_WATCH_H
#define DYNMON_MONITOR_WATCH_H

#include "monitor/registry.h"

struct watch;

/**
 * watch_start() - start the thread
 * @registry: must outlive the returned object
 * @ret:      receives the new object on success
 * @err:      receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int watch_start(struct registry *registry, struct watch **ret, struct error *err);

/**
 * watch_stop() - stop the thread and free its object
 * @watch: may be NULL
 *
 * Return: NULL.
 */
struct watch *watch_stop(struct watch *watch);

#endif
