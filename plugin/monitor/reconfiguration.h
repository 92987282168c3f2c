/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One monitor in the place of another: its settings are const, for readers use them without a lock,
 * so a monitor whose settings change is followed by another one of the same name.
 */
#ifndef DYNMON_MONITOR_RECONFIGURATION_H
#define DYNMON_MONITOR_RECONFIGURATION_H

#include "monitor/monitor.h"

/* Whether next can go on with what old runs: hook, netns, position, share and pin are the same. */
bool monitor_agrees(const struct monitor *next, const struct monitor *old);

/* Whether both cannot be attached at the same time: XDP has room for one, a pin for one name. */
bool monitor_collides(const struct monitor *next, const struct monitor *old);

/*
 * Lets next, which nobody knows yet, go on with what old runs, when only its settings are others:
 * instances with their links, dataplane, document and figures. Interfaces that the settings have in
 * addition are attached by monitor_end(); those that they do not have any
 * more are detached. What somebody attached or detached at runtime stays so, unless old was not
 * configured: then the settings alone say where next runs. Readers that hold old see what
 * they saw. Under both controls; monitor_agrees().
 * On failure nothing has changed; after success old is deleted.
 */
int monitor_reconfigure(struct monitor *next, struct monitor *old, struct error *err);

/* Detaches everything, and lets go of what is pinned, to make room. Under control. */
void monitor_suspend(struct monitor *monitor);

/*
 * After that: it goes on, when control is released, and is pinned again as its settings say. Under
 * control.
 */
void monitor_resume(struct monitor *monitor);

/* Detaches everything for good, and hands the figures to a successor. Under both controls. */
void monitor_retire(struct monitor *monitor, struct monitor *successor);

#endif
