/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on the instances of a monitor, for the modules that change a monitor. The caller holds
 * the monitor's control lock in all functions.
 */
#ifndef DYNMON_MONITOR_INSTANCE_H
#define DYNMON_MONITOR_INSTANCE_H

#include "monitor/monitor.h"
#include "program/load.h"

/**
 * instance_new() - create an instance that is attached to no interface
 * @pattern:   borrowed, must outlive the instance; may be NULL
 * @interface: copied; may be NULL
 *
 * Return: the instance, or NULL if out of memory.
 */
struct instance *instance_new(const struct pattern *pattern, const char *interface);

/**
 * instance_free() - free a detached instance
 * @instance: may be NULL
 *
 * Return: NULL.
 */
struct instance *instance_free(struct instance *instance);
DEFINE_CLEANUP(struct instance *, instance_free);

/**
 * links_begin() - lock links and enter the network namespace of the monitor's interfaces
 * @monitor: under control
 * @visit:   receives the state to restore in links_end()
 * @err:     receives the reason of a failure
 *
 * The lock is held even after a failure, so every call is paired with links_end().
 *
 * Return: 0; -errno if the namespace was not entered. Attach and detach nothing after a failure.
 */
int links_begin(struct monitor *monitor, struct netns_visit *visit, struct error *err);

/**
 * links_end() - return to the previous network namespace and unlock links
 * @monitor: under control
 * @visit:   set by links_begin()
 */
void links_end(struct monitor *monitor, struct netns_visit *visit);

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
 * instance_detach() - detach all directions
 * @instance: its monitor is between links_begin() and links_end()
 */
void instance_detach(struct instance *instance);

/**
 * instance_leave() - detach all directions that are not pinned
 * @instance: its monitor is between links_begin() and links_end()
 *
 * Pinned programs keep running. The instance no longer refers to them.
 */
void instance_leave(struct instance *instance);

/**
 * instance_set_place() - update the interface that readers see
 * @monitor:   under control; takes the state lock
 * @instance:  an instance of the monitor
 * @interface: new name, copied; NULL keeps the name
 * @ifindex:   0 if the interface does not exist
 * @troubled:  the interface exists, but attaching failed
 *
 * Return: 0; -ENOMEM if the name was not changed. The other members are set in both cases.
 */
int instance_set_place(struct monitor *monitor, struct instance *instance, const char *interface,
		       int ifindex, bool troubled);

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
 * instance_drop() - detach and remove an instance
 * @monitor: under control; takes the links and state locks
 * @i:       index of the instance
 * @spent:   do not reuse the generation for the next interface
 *
 * The last instance becomes a placeholder without interface.
 */
void instance_drop(struct monitor *monitor, size_t i, bool spent);

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
