/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the maps of a running dataplane were, so that the next one can go on with them: those with
 * the same name, type, sizes and meaning of keys and values.
 */
#ifndef DYNMON_PROGRAM_REUSABLE_MAP_H
#define DYNMON_PROGRAM_REUSABLE_MAP_H

#include "base/text.h"
#include "dataplane/document.h"
#include "kernel/object.h"

/* A map that may be kept. What it points to belongs to somebody else, unless owned. */
struct reusable_map {
	char *name;
	enum path path;
	bool twin;    /* of the second copy, which swap-on-read has */
	bool swapped; /* there is a second copy */
	struct map map;
	const struct btf *btf; /* NULL: without types */
	uint32_t key_type, value_type;
	bool owned;	       /* owns map.fd and owned_btf; otherwise owned_btf is NULL */
	struct btf *owned_btf; /* the BTF of btf, if owned */
};

struct reusable_maps {
	struct reusable_map *items;
	size_t n;
};

/* Adds one; its name is copied. -ENOMEM, and then what it owns is released. */
int reusable_maps_add(struct reusable_maps *reusable_maps, struct reusable_map *reusable_map);
void reusable_maps_release(struct reusable_maps *reusable_maps);

/* Adds the maps of a loaded object; of the second copy those that are its own. -ENOMEM. */
int reusable_maps_add_object(struct reusable_maps *reusable_maps, const struct object *object,
			     enum path path, bool twin);

/* The one of that name: of the path, or, for maps that both paths see, of either. NULL: none. */
const struct reusable_map *reusable_maps_find(const struct reusable_maps *reusable_maps,
					      enum path path, bool twin,
					      const struct object_map *map);

/*
 * Lets a map of an object that is not loaded yet go on with a kept one. 1: it does. 0: it cannot,
 * and why tells the reason. -errno.
 */
int reusable_map_use(const struct reusable_map *reusable_map, const struct object *object,
		     struct object_map *map, struct text *why, struct error *err);

#endif
