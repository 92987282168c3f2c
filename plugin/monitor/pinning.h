/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pin: a monitor's instances and what of them is in the BPF file system. Everything under control,
 * and without effect on monitors without Pin.
 */
#ifndef DYNMON_MONITOR_PINNING_H
#define DYNMON_MONITOR_PINNING_H

#include "monitor/monitor.h"

/*
 * Opens the monitor's pins if the monitor has Pin and its pins are not open. A monitor without
 * context has none. Errors as pins_open().
 */
int pinning_open(struct monitor *monitor, struct error *err);

/*
 * Makes what another process has left on the instance's interface the instance's, once, before it
 * has a generation. *ret: the maps to go on with; zeroed when there are none. For pinned_release().
 */
void pinning_adopt(struct monitor *monitor, struct instance *instance, struct pinned *ret);

/* Writes a generation before it runs. *number is 0 without Pin. */
int pinning_save(struct monitor *monitor, struct instance *instance,
		 const struct generation *generation, uint64_t *number, struct error *err);
/* It does not run after all. */
void pinning_forget(struct monitor *monitor, const struct instance *instance, uint64_t number);
/*
 * It runs now, on hooks whose links are pinned from now on; what was before is removed. Trouble is
 * logged: it runs all the same. number 0: the generation has not changed, or there is none.
 */
void pinning_settle(struct monitor *monitor, struct instance *instance, uint64_t number);

/* The instance is detached, or will be. */
void pinning_remove(struct monitor *monitor, struct instance *instance);

/* The instance's interface has got another name: its pins are found by that from now on. */
void pinning_follow(struct monitor *monitor, struct instance *instance);

/* Removes what is pinned at places that the monitor has no instance for. */
void pinning_prune(struct monitor *monitor);

#endif
