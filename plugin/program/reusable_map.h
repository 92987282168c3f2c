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
struct keepsake {
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

struct keepsakes {
	struct keepsake *items;
	size_t n;
};

/* Adds one; its name is copied. -ENOMEM, and then what it owns is released. */
int keepsakes_add(struct keepsakes *keepsakes, struct keepsake *keepsake);
void keepsakes_release(struct keepsakes *keepsakes);

/* Adds the maps of a loaded object; of the second copy those that are its own. -ENOMEM. */
int keepsakes_add_object(struct keepsakes *keepsakes, const struct object *object, enum path path,
			 bool twin);

/* The one of that name: of the path, or, for maps that both paths see, of either. NULL: none. */
const struct keepsake *keepsakes_find(const struct keepsakes *keepsakes, enum path path, bool twin,
				      const struct object_map *map);

/*
 * Lets a map of an object that is not loaded yet go on with a kept one. 1: it does. 0: it cannot,
 * and why tells the reason. -errno.
 */
int keepsake_use(const struct keepsake *keepsake, const struct object *object,
		 struct object_map *map, struct text *why, struct error *err);

#endif
