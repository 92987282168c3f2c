/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pin: keeps a monitor's links, programs and maps in the BPF file system. The caller holds the
 * monitor's control lock. The functions have no effect on a monitor without Pin.
 */
#ifndef DYNMON_MONITOR_PINNING_H
#define DYNMON_MONITOR_PINNING_H

#include "monitor/monitor.h"

/**
 * pinning_open() - open the monitor's pins unless already open
 * @monitor: under control
 * @err:     receives the reason of a failure
 *
 * A monitor without registry has no pins.
 *
 * Return: 0, or an error of pins_open().
 */
int pinning_open(struct monitor *monitor, struct error *err);

/**
 * pinning_adopt() - adopt programs that another process left on the instance's interface
 * @monitor:  under control
 * @instance: has an effect only before the instance has a generation or a place
 * @ret:      receives the maps to reuse, zeroed if there are none; then pinned_release()
 */
void pinning_adopt(struct monitor *monitor, struct instance *instance, struct pinned *ret);

/**
 * pinning_save() - pin a generation before its programs run
 * @monitor:    under control
 * @instance:   the instance that will run the generation
 * @generation: NULL for the empty dataplane
 * @number:     receives the number of the pinned generation; 0 if not pinned
 * @err:        receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int pinning_save(struct monitor *monitor, struct instance *instance,
		 const struct generation *generation, uint64_t *number, struct error *err);

/**
 * pinning_forget() - remove a pinned generation that will not run after all
 * @monitor:  under control
 * @instance: as in pinning_save()
 * @number:   from pinning_save(); 0 has no effect
 */
void pinning_forget(struct monitor *monitor, const struct instance *instance, uint64_t number);

/**
 * pinning_settle() - pin the links of a generation that runs, and remove older generations
 * @monitor:  under control and links
 * @instance: runs the generation
 * @number:   from pinning_save(); 0 if the generation has not changed or there is none
 *
 * A failure is logged. The programs keep running, but do not survive collectd.
 */
void pinning_settle(struct monitor *monitor, struct instance *instance, uint64_t number);

/**
 * pinning_remove() - remove the pins of an instance that is detached or will be
 * @monitor:  under control
 * @instance: the instance
 */
void pinning_remove(struct monitor *monitor, struct instance *instance);

/**
 * pinning_follow() - rename the pins of an instance whose interface was renamed
 * @monitor:  under control
 * @instance: has the new interface name
 */
void pinning_follow(struct monitor *monitor, struct instance *instance);

/**
 * pinning_prune() - remove pins for which the monitor has no instance
 * @monitor: under control
 */
void pinning_prune(struct monitor *monitor);

#endif
