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
 * monitor_exchange() - replace a monitor by one with settings that need new programs
 * @old:      under control; deleted on success
 * @settings: ownership is taken, also on failure
 * @report:   receives a line for each warning, with the monitor's name
 * @ret:      receives the new monitor, which is in the registry
 * @err:      receives the reason of a failure
 *
 * If both use XDP in the same network namespace, or both use Pin, old is detached before the new
 * monitor is attached. The new monitor continues the statistics of old.
 *
 * Return: 0, or -errno; after a failure old runs as before.
 */
int monitor_exchange(struct monitor *old, struct monitor_settings *settings, struct text *report,
		     struct monitor **ret, struct error *err);

#endif
