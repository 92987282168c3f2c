/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: a dataplane becomes a generation in the kernel, with what it goes on with from the one
 * before, and a second copy where something is swapped.
 */
#ifndef DYNMON_PROGRAM_LOAD_H
#define DYNMON_PROGRAM_LOAD_H

#include "program/generation.h"

/* What a dataplane finds where it is loaded. */
struct load_environment {
	/* A public map of another monitor: a descriptor that the caller closes, or -ENOENT. */
	int (*find_map)(void *data, const char *name);
	void *data;
	bool pin; /* maps that are to be pinned are; else they are the object's own */
};

/* How a dataplane is loaded. */
struct load_options {
	const struct load_environment *around;
	const char *monitor; /* whose it is, for what is logged; NULL: nobody's */
	bool xdp;	     /* the ingress path's program is for XDP */
	/* A path that both dataplanes have in common goes on with its loaded object. May be NULL.
	 */
	const struct generation *previous;
	const struct reusable_maps
		*reusable_maps; /* maps to go on with where that is possible; or NULL */
	struct text *report; /* a line for each map that was, and those that could not; or NULL */
};

/*
 * Loads a dataplane into the kernel; nothing is attached.
 * Errors name the path; the verifier's log is in them. What cannot be swapped is -EOPNOTSUPP.
 */
int generation_load(struct dataplane *dataplane, const struct load_options *options,
		    struct generation **ret, struct error *err);

#endif
