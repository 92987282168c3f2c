/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance: a loaded copy of a monitor's dataplane on one interface.
 *
 * The monitor owns its instances. The comments of the members name the monitor's locks.
 */
#ifndef DYNMON_MONITOR_INSTANCE_H
#define DYNMON_MONITOR_INSTANCE_H

#include "config/pattern.h"
#include "kernel/hook.h"
#include "program/generation.h"

struct instance {
	/* -- protected by control -- */
	const struct pattern *pattern; /* reason it exists; NULL: placeholder */
	bool obsolete; /* the interface is gone for good: the next one loads a new generation */
	/* -- protected by state; writers also hold control -- */
	char *interface;	       /* NULL: none */
	int ifindex;		       /* 0: the interface does not exist now */
	bool attach_failed;	       /* the interface is there, attaching failed */
	struct generation *generation; /* NULL: the empty dataplane. All instances share it with
					  Share. Writers also hold links */
	/* -- protected by links -- */
	struct attachment attachments[N_DIRECTIONS];
	/* -- protected by control; used by monitors with Pin -- */
	char *place;		   /* directory below the monitor's pins; NULL: not pinned yet */
	bool pinned[N_DIRECTIONS]; /* the attachment of the direction is pinned */
	int adopted[N_DIRECTIONS]; /* running program of another process; 0: none */
};

/**
 * instance_is_attached() - check whether the dataplane runs on the instance's interface
 * @instance: under state
 *
 * Return: true if the interface exists and attaching has not failed.
 */
static inline bool instance_is_attached(const struct instance *instance)
{
	return instance->ifindex && instance->generation && !instance->attach_failed;
}

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
 * instance_detach() - detach all directions
 * @instance: its monitor is between links_begin() and links_end()
 * @leave:    keep pinned programs running; the instance no longer refers to them
 */
void instance_detach(struct instance *instance, bool leave);

#endif
