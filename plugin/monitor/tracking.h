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
 * tracking_refresh() - bring the instances in line with the existing interfaces
 * @monitor: under control
 *
 * Logs changes and errors. A failed attachment is retried at the next call.
 */
void tracking_refresh(struct monitor *monitor);

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
