/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: a change of what a monitor runs is applied to all instances or to none. All
 * generations are loaded before the first link is switched. Each link is switched atomically. If
 * one fails, the links that were switched before are switched back.
 */
#ifndef DYNMON_MONITOR_TRANSACTION_H
#define DYNMON_MONITOR_TRANSACTION_H

#include "monitor/monitor.h"

/* Durations of the phases of an injection. */
enum phase { PHASE_PARSE, PHASE_COMPILE, PHASE_VERIFY, PHASE_ATTACH, PHASE_COUNT };

struct phase_times {
	uint64_t since; /* end of the last phase: ns of CLOCK_MONOTONIC */
	uint64_t ns[PHASE_COUNT];
};

/**
 * phase_times_end() - set the duration of a phase: the time since the last phase ended
 * @phases: may be NULL
 * @phase:  the phase that ends now
 */
void phase_times_end(struct phase_times *phases, enum phase phase);

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
