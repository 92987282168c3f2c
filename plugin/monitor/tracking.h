/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface tracking: a monitor attaches to interfaces that appear, releases those that disappear,
 * and handles renames.
 *
 * An interface attached by name is followed when the interface is renamed. A regular expression
 * matches the current names only.
 */
#ifndef DYNMON_MONITOR_TRACKING_H
#define DYNMON_MONITOR_TRACKING_H

#include "monitor/monitor.h"

/**
 * monitor_begin() - take the control lock
 * @monitor: the monitor
 */
void monitor_begin(struct monitor *monitor);

/**
 * monitor_end() - process pending events and release the control lock
 * @monitor: under control
 *
 * Handles interfaces that changed while the lock was held, updates feeds, and posts a notification
 * when the monitor's health has changed.
 */
void monitor_end(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_end);

/**
 * monitor_feed() - bring the feeds of all instances up to date
 * @monitor: under control
 * @news:    as in feeds_put()
 */
void monitor_feed(const struct monitor *monitor, struct text *news);

/**
 * monitor_refresh() - scan the interfaces: attach new ones and drop missing ones
 * @monitor: not under control
 *
 * Safe from any thread and does not wait for a change in progress. In that case, monitor_end() of
 * the thread that holds control runs the scan. Logs changes and errors.
 */
void monitor_refresh(struct monitor *monitor);

/**
 * tracking_refresh() - bring the instances in line with the existing interfaces
 * @monitor: under control
 *
 * Logs changes and errors. A failed attachment is retried at the next call.
 */
void tracking_refresh(struct monitor *monitor);

/**
 * tracking_note_unattached() - record the unattached interfaces after a scan of all interfaces
 * @monitor:  under control
 * @n:        number of matching interfaces that are not attached, or a lower bound
 * @err:      the reason of the first one; code 0 if all are attached
 *
 * Logs a change of the number or the reason. Counts a failure when the number rises from 0.
 */
void tracking_note_unattached(struct monitor *monitor, size_t n, const struct error *err);

/**
 * tracking_list() - list the interfaces of the monitor's network namespace
 * @monitor: under control
 * @ret:     receives the list, empty if the namespace does not exist; then netif_list_release()
 * @err:     receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int tracking_list(struct monitor *monitor, struct netif_list *ret, struct error *err);

/**
 * tracking_mark() - mark the interfaces of a list that have an instance of the monitor
 * @monitor:  under control
 * @list:     interfaces of its namespace
 *
 * Return: one mark for each item of @list, to be freed by the caller; NULL: out of memory.
 */
bool *tracking_mark(const struct monitor *monitor, const struct netif_list *list);

#endif
