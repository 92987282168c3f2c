/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of what a monitor runs: every instance switches, or none does. All generations are loaded
 * before the first link is switched; the links are switched one by one, each in one atomic step,
 * and switched back when one of them fails.
 */
#ifndef DYNMON_MONITOR_TRANSACTION_H
#define DYNMON_MONITOR_TRANSACTION_H

#include "monitor/monitor.h"
#include "monitor/phase_times.h"

struct transaction_options {
	const char *interface; /* further ones to attach to in the same step, as settings; NULL */
	const char *position;  /* of these; NULL: as the monitor's settings say */
	bool keep_maps;	       /* go on with the maps of what runs, where that is possible */
	struct text *report;   /* which maps were kept, a line each; NULL: nobody asks */
	struct phase_times *phases; /* to take the time of: verify, attach; NULL: nobody asks */
};

/*
 * Lets every instance run dataplane. Under control.
 * dataplane: a reference is taken; NULL is the empty one.
 * -ENODEV: the interface does not exist. -EEXIST: it is attached already. Errors of loading and
 * attaching; after any of them all is as it was.
 */
int monitor_switch(struct monitor *monitor, struct dataplane *dataplane,
		   const struct transaction_options *options, struct error *err);

#endif
