/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacement of a monitor by another one of the same name. Settings are immutable, because readers
 * use them without a lock. A change of settings therefore creates a new monitor.
 */
#ifndef DYNMON_MONITOR_RECONFIGURATION_H
#define DYNMON_MONITOR_RECONFIGURATION_H

#include "monitor/monitor.h"

/**
 * monitor_agrees() - check whether a new monitor can take over the links of the old one
 * @next: the new monitor
 * @old:  the running monitor
 *
 * Return: true if hook, network namespace, position, Share and Pin are equal.
 */
bool monitor_agrees(const struct monitor *next, const struct monitor *old);

/**
 * monitor_collides() - check whether two monitors cannot be attached at the same time
 * @next: the new monitor
 * @old:  the running monitor
 *
 * Return: true if both use XDP in the same network namespace, or both use Pin.
 */
bool monitor_collides(const struct monitor *next, const struct monitor *old);

/**
 * monitor_reconfigure() - transfer everything that old runs to next
 * @next: under control, not yet published; monitor_agrees() is true
 * @old:  under control; deleted after success
 * @err:  receives the reason of a failure
 *
 * Transfers instances with their links, dataplane, document, history and statistics. monitor_end()
 * attaches interfaces that only the new settings name. Interfaces that the new settings no longer
 * name are detached. Run-time changes of the interfaces persist, unless old was not configured:
 * then only the settings count. Readers that hold old keep what they saw.
 *
 * Return: 0, or -ENOMEM; a failure changes nothing.
 */
int monitor_reconfigure(struct monitor *next, struct monitor *old, struct error *err);

/**
 * monitor_suspend() - detach and unpin everything to make room for another monitor
 * @monitor: under control
 */
void monitor_suspend(struct monitor *monitor);

/**
 * monitor_resume() - undo monitor_suspend()
 * @monitor: under control
 *
 * Pins the generations again. monitor_end() attaches the interfaces. A failure is logged.
 */
void monitor_resume(struct monitor *monitor);

/**
 * monitor_retire() - detach everything for good and hand the statistics to a successor
 * @monitor:   under control
 * @successor: under control
 */
void monitor_retire(struct monitor *monitor, struct monitor *successor);

#endif
