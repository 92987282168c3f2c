/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: turns a dataplane into a generation in the kernel. Reuses maps and objects of the
 * previous generation, and loads a second copy of the programs if maps are swapped.
 */
#ifndef DYNMON_PROGRAM_LOAD_H
#define DYNMON_PROGRAM_LOAD_H

#include "program/generation.h"

/* Access to other monitors' maps, and the pin policy. */
struct load_environment {
	/*
	 * Finds a public map of another monitor. Returns a descriptor that the caller closes, or
	 * -ENOENT.
	 */
	int (*find_map)(void *data, const char *name);
	void *data;
	bool pin; /* pin maps that request it; otherwise they are private to the object */
};

/* Options of a load. */
struct load_options {
	const struct load_environment *environment;
	const char *monitor; /* name of the owner, for messages; NULL: none */
	bool xdp;	     /* load the ingress program for XDP */
	/*
	 * The new generation keeps the loaded object of a direction that both dataplanes share. May
	 * be NULL.
	 */
	const struct generation *previous;
	const struct reusable_maps *reusable_maps; /* maps to reuse if they match; may be NULL */
	struct text *report; /* receives a line for each kept map and each new map; may be NULL */
};

/**
 * generation_load() - load a dataplane into the kernel
 * @dataplane: a reference is taken
 * @options:   the options
 * @ret:       receives the generation with one reference
 * @err:       receives the reason, with the direction named and the verifier log
 *
 * Nothing is attached to an interface.
 *
 * Return: 0; -EOPNOTSUPP if swap-on-read is not possible; another -errno.
 */
int generation_load(struct dataplane *dataplane, const struct load_options *options,
		    struct generation **ret, struct error *err);

#endif
