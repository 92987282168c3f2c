/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New settings for a monitor. Settings that leave the programs where they are replace the monitor's
 * settings object. Other settings, for example another hook, need another monitor of the same name,
 * which takes the place of the old one.
 */
#ifndef DYNMON_MONITOR_RECONFIGURATION_H
#define DYNMON_MONITOR_RECONFIGURATION_H

#include "monitor/monitor.h"

/**
 * monitor_can_set_settings() - check whether settings leave the programs where they are
 * @monitor:  the monitor
 * @settings: new settings
 *
 * Return: true if hook, network namespace, position, Share and Pin are equal.
 */
bool monitor_can_set_settings(const struct monitor *monitor,
			      const struct monitor_settings *settings);

/**
 * monitor_set_settings() - replace the settings of a monitor by settings of collectd.conf
 * @monitor:  under control; monitor_can_set_settings() is true
 * @settings: a reference is taken on success
 * @err:      receives the reason of a failure
 *
 * monitor_end() attaches interfaces that only the new settings name. Interfaces that the new
 * settings no longer name are detached. Run-time changes of the interfaces persist, unless the
 * monitor was not configured before: then only the settings count. Snapshots keep the old settings.
 *
 * Return: 0, or -ENOMEM; a failure changes nothing.
 */
int monitor_set_settings(struct monitor *monitor, struct monitor_settings *settings,
			 struct error *err);

/**
 * monitor_collides() - check whether two monitors cannot be attached at the same time
 * @next: the new monitor
 * @old:  the running monitor
 *
 * Return: true if both use XDP in the same network namespace, or both use Pin.
 */
bool monitor_collides(const struct monitor *next, const struct monitor *old);

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
