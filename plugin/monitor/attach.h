/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and attaches the instances of a monitor. The caller holds the monitor's control lock in all
 * functions.
 */
#ifndef DYNMON_MONITOR_ATTACH_H
#define DYNMON_MONITOR_ATTACH_H

#include "monitor/monitor.h"

/**
 * instance_attach_direction() - attach one direction of an instance
 * @monitor:  under control, between links_begin() and links_end()
 * @instance: its pattern determines the position among the programs of the hook
 * @ifindex:  the interface
 * @direction:     the direction to attach
 * @prog_fd:  the program
 * @err:      receives the reason of a failure, with the interface named
 *
 * Return: 0, or an error of attachment_attach().
 */
int instance_attach_direction(const struct monitor *monitor, struct instance *instance, int ifindex,
			      enum direction direction, int prog_fd, struct error *err);

/**
 * instance_attach() - attach the instance's generation to all directions that are not attached yet
 * @monitor:  under control, between links_begin() and links_end()
 * @instance: an instance of the monitor
 * @ifindex:  the interface
 * @err:      receives the reason of a failure
 *
 * A failure detaches all directions.
 *
 * Return: 0, or an error of attachment_attach().
 */
int instance_attach(const struct monitor *monitor, struct instance *instance, int ifindex,
		    struct error *err);

/**
 * instance_add() - add an instance to a monitor
 * @monitor:  under control; takes the links and state locks
 * @instance: owned by the monitor on success
 *
 * Replaces the placeholder instance that has no interface, if there is one.
 *
 * Return: 0, or -ENOMEM.
 */
int instance_add(struct monitor *monitor, struct instance *instance);

/**
 * instance_withdraw() - detach an instance and remove its pins, but keep the instance
 * @monitor:   under control; takes the links and state locks
 * @instance:  waits for its interface afterwards
 * @interface: new name, copied; NULL keeps the name
 */
void instance_withdraw(struct monitor *monitor, struct instance *instance, const char *interface);

/**
 * instance_drop() - detach and remove an instance
 * @monitor: under control; takes the links and state locks
 * @i:       index of the instance
 * @obsolete:   do not reuse the generation for the next interface
 *
 * The last instance becomes a placeholder without interface.
 */
void instance_drop(struct monitor *monitor, size_t i, bool obsolete);

/* State of the previous generation that a new one can reuse */
struct inheritance {
	const struct generation *previous; /* may be NULL */
	bool keep_maps;			   /* reuse the maps of previous */
	struct text *report;		   /* as in struct load_options; may be NULL */
};

/**
 * instance_load() - load a dataplane for an instance
 * @monitor:     under control
 * @instance:    an instance of the monitor
 * @dataplane:   the dataplane to load
 * @inheritance: state to reuse
 * @ret:         receives the generation on success, with feeds up to date
 * @err:         receives the reason of a failure
 *
 * Nothing is attached, except that a monitor with Pin adopts the programs and maps that another
 * process left if the instance has no previous generation.
 *
 * Return: 0, or -errno.
 */
int instance_load(struct monitor *monitor, struct instance *instance, struct dataplane *dataplane,
		  const struct inheritance *inheritance, struct generation **ret,
		  struct error *err);

#endif
