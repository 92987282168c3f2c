/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces come and go, and get other names: what that means for a monitor.
 *
 * An interface that was attached by its name is followed when it gets another one. A regular
 * expression is for those that have such a name now.
 */
#ifndef DYNMON_MONITOR_TRACKING_H
#define DYNMON_MONITOR_TRACKING_H

#include "monitor/monitor.h"

/*
 * Brings the instances in line with the interfaces there are. Under control. Logs what it finds;
 * what cannot be attached is tried again the next time.
 */
void tracking_refresh(struct monitor *monitor);

/*
 * The interfaces of the monitor's namespace; none when that is not there. Under control. Then
 * netif_list_release().
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
