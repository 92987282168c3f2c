/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A generation: one loaded copy of a dataplane, what an instance runs at a time.
 *
 * Read-only once loaded and reference counted: whoever reads its maps holds a reference, so
 * that a reload never takes a map away under a reader.
 */
#ifndef DYNMON_MONITOR_GENERATION_H
#define DYNMON_MONITOR_GENERATION_H

#include "dataplane/dataplane.h"
#include "kernel/object.h"
#include "metric/metric.h"

struct generation_path {
	struct object *object; /* NULL: nothing runs on this path */
	int prog_fd;	       /* the object's */
	struct metric *metrics;
	size_t n_metrics;
};

struct generation {
	unsigned int refs; /* atomic */
	struct dataplane *dataplane;
	struct generation_path paths[PATH_COUNT];
};

/* What a dataplane finds where it is loaded. */
struct surroundings {
	/* A public map of another monitor: a descriptor that the caller closes, or -ENOENT. */
	int (*find_map)(void *data, const char *name);
	void *data;
	bool pin; /* maps that are to be pinned are; else they are the object's own */
};

/*
 * Loads a dataplane into the kernel; nothing is attached.
 * xdp: the ingress path's program is for XDP.
 * previous: a path that both dataplanes have in common goes on with its loaded object and
 * the maps in it; may be NULL.
 * Errors name the path; the verifier's log is in them.
 */
int generation_load(struct dataplane *dataplane, bool xdp, const struct generation *previous,
		    const struct surroundings *around, struct generation **ret, struct error *err);

/* It is in use: maps that it has pinned stay. Takes NULL. */
void generation_keep(struct generation *generation);

struct generation *generation_ref(struct generation *generation);
struct generation *generation_unref(struct generation *generation);
DEFINE_CLEANUP(struct generation *, generation_unref);

#endif
