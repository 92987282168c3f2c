/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: a change of what a monitor runs is applied to all instances or to none. All
 * generations are loaded before the first link is switched. Each link is switched atomically. If
 * one fails, the links that were switched before are switched back.
 */
#ifndef DYNMON_MONITOR_TRANSACTION_H
#define DYNMON_MONITOR_TRANSACTION_H

#include "monitor/monitor.h"
#include "monitor/phase_times.h"

struct transaction_options {
	const char *interface;	    /* interfaces to attach, too, as in settings; NULL: none */
	const char *position;	    /* for new interfaces; NULL: as in the settings */
	bool keep_maps;		    /* reuse the maps of the running generation where possible */
	struct text *report;	    /* receives a line for each kept map; may be NULL */
	struct phase_times *phases; /* receives the verify and attach times; may be NULL */
};

/**
 * monitor_switch() - make every instance run a dataplane
 * @monitor:   under control
 * @dataplane: a reference is taken; NULL: the empty dataplane
 * @options:   options of the transaction
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENODEV if the interface does not exist; -EEXIST if the interface is already attached;
 * an error of loading or attaching. A failure changes nothing.
 */
int monitor_switch(struct monitor *monitor, struct dataplane *dataplane,
		   const struct transaction_options *options, struct error *err);

/**
 * monitor_detach() - detach interfaces
 * @monitor:   under control
 * @interface: text of a pattern or name of an attached interface; NULL: all
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such interface; -EINVAL if the interface is attached by a
 * regular expression.
 */
int monitor_detach(struct monitor *monitor, const char *interface, struct error *err);

#endif
