/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on the monitors of a registry. Each finds its monitor, takes control of it, makes one
 * change, saves the monitor if it was created at run time, and reports the change.
 *
 * All functions are safe from any thread unless stated otherwise. They take the monitor's control
 * lock and may wait for a compilation.
 */
#ifndef DYNMON_MONITOR_OPERATION_H
#define DYNMON_MONITOR_OPERATION_H

#include "monitor/loader.h"
#include "monitor/registry.h"

/**
 * registry_add() - add a monitor and load its dataplane
 * @registry:   the registry
 * @settings:   ownership is taken, also on failure
 * @configured: the monitor is defined in collectd.conf
 * @report:     receives a line for each warning, with the monitor's name
 * @err:        receives the reason of a failure
 *
 * If the dataplane of a configured monitor fails, the monitor stays in the state failed and the
 * error is returned.
 *
 * Return: 0; -EEXIST if the name is in use; -E2BIG if there are MONITORS_MAX monitors; another
 * -errno.
 */
int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err);

/**
 * registry_inject() - replace the dataplane of a monitor, creating the monitor if requested
 * @registry:  the registry
 * @injection: the request
 * @warnings:  replaced by a line for each warning, kept map, or failure to save
 * @err:       receives the reason of a failure
 *
 * A failure changes nothing and creates no monitor.
 *
 * Return: 0; -EUSERS if too many compilations wait, the client should retry (HTTP: 503 with
 * Retry-After); another -errno.
 */
int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err);

/**
 * registry_attach() - attach a monitor to further interfaces
 * @registry:  the registry
 * @name:      the monitor
 * @interface: as in the settings
 * @position:  as in the settings; may be NULL
 * @alone:     the monitor must have no other interface
 * @report:    as in registry_delete()
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; -EISCONN if it must have no other interface, but
 * has one; an error of monitor_switch().
 */
int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, bool alone, struct text *report, struct error *err);

/**
 * registry_detach() - detach a monitor
 * @registry:  the registry
 * @name:      the monitor
 * @interface: as in monitor_detach(); NULL: all
 * @report:    as in registry_delete()
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; an error of monitor_detach().
 */
int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct text *report, struct error *err);

/**
 * registry_eject() - remove the dataplane of a monitor
 * @registry: the registry
 * @name:     the monitor
 * @direction:     an enum direction; -1: both
 * @report:   as in registry_delete()
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; another -errno.
 */
int registry_eject(struct registry *registry, const char *name, int direction, struct text *report,
		   struct error *err);

/**
 * registry_delete() - delete a monitor and its saved file
 * @registry: the registry
 * @name:     the monitor
 * @report:   receives a line if the change could not be saved; may be NULL
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor.
 */
int registry_delete(struct registry *registry, const char *name, struct text *report,
		    struct error *err);

/**
 * registry_restore() - restore saved monitors and save run-time changes from now on
 * @registry: with the configured monitors, and before other threads use it
 * @dir:      StateDir, copied
 * @report:   receives a line for each monitor that could not be restored
 * @err:      receives the reason of a failure
 *
 * A monitor stays even if its dataplane fails.
 *
 * Return: 0; -EBUSY if another process uses the directory: nothing is restored or saved; another
 * -errno.
 */
int registry_restore(struct registry *registry, const char *dir, struct text *report,
		     struct error *err);

/**
 * registry_try_again() - load monitors that failed because another monitor was missing
 * @registry: the registry
 * @report:   receives a line for each monitor that runs now, and for each warning
 *
 * The missing monitor is a neighbour on a hook or declares a public map. Repeats until no further
 * monitor can be loaded.
 */
void registry_try_again(struct registry *registry, struct text *report);

/**
 * registry_refresh() - call monitor_refresh() for all monitors
 * @registry: the registry
 */
void registry_refresh(struct registry *registry);

/**
 * registry_retry() - scan the interfaces of monitors with unattached interfaces again
 * @registry:  called by the thread that watches interfaces
 *
 * The cause of a failure may end without an event, for example when descriptors or memory become
 * free.
 *
 * Return: true if there were such monitors, false if there is nothing to retry.
 */
bool registry_retry(struct registry *registry);

/**
 * registry_forget() - remove the saved file of a monitor
 * @registry: the registry
 * @name:     the monitor
 * @report:   receives a line if the file could not be removed, which is logged, too; may be NULL
 */
void registry_forget(struct registry *registry, const char *name, struct text *report);

/**
 * registry_report_waiting() - report the missing interfaces of a monitor
 * @monitor: not under control
 * @report:  receives a line for each interface, or for the missing network namespace
 */
void registry_report_waiting(struct monitor *monitor, struct text *report);

#endif
