/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Map reuse: the maps of a running dataplane that the next one can keep. A map is reusable if name,
 * type, sizes, and the meaning of keys and values agree.
 *
 * struct reusable_maps is embedded in its owner and used by one thread. A zeroed object is empty.
 */
#ifndef DYNMON_PROGRAM_REUSABLE_MAP_H
#define DYNMON_PROGRAM_REUSABLE_MAP_H

#include "base/text.h"
#include "dataplane/document.h"
#include "kernel/object.h"

/* A map that may be kept. Pointers are borrowed, unless owned is true. */
struct reusable_map {
	char *name;
	enum direction direction;
	bool second;  /* belongs to the second copy of swap-on-read */
	bool swapped; /* a second copy exists */
	struct map map;
	const struct btf *btf; /* NULL: no type information */
	uint32_t key_type, value_type;
	bool owned;	       /* owns map.fd and owned_btf; otherwise owned_btf is NULL */
	struct btf *owned_btf; /* the BTF of btf if owned, otherwise NULL */
};

struct reusable_maps {
	struct reusable_map *items;
	size_t n;
};

/**
 * reusable_maps_add() - add a map
 * @reusable_maps: the list
 * @reusable_map:  its name is copied; what it owns is moved to the list, or released on failure
 *
 * Return: 0, or -ENOMEM.
 */
int reusable_maps_add(struct reusable_maps *reusable_maps, struct reusable_map *reusable_map);

/**
 * reusable_maps_release() - free the content of a list
 * @reusable_maps: may be zeroed; is empty afterwards
 */
void reusable_maps_release(struct reusable_maps *reusable_maps);

/**
 * reusable_maps_add_object() - add the maps of a loaded object
 * @reusable_maps: the list
 * @object:        must outlive the list
 * @direction:          the direction of the object
 * @second:          the object is the second copy: add only its swapped maps
 *
 * Return: 0, or -ENOMEM.
 */
int reusable_maps_add_object(struct reusable_maps *reusable_maps, const struct object *object,
			     enum direction direction, bool second);

/**
 * reusable_maps_find() - find a map by name
 * @reusable_maps: the list
 * @direction:          the direction of the new map
 * @second:          search the maps of the second copy
 * @map:           the new map; if both directions see it, a map of either direction matches
 *
 * Return: the map, borrowed from the list; NULL if there is none.
 */
const struct reusable_map *reusable_maps_find(const struct reusable_maps *reusable_maps,
					      enum direction direction, bool second,
					      const struct object_map *map);

/**
 * reusable_map_use() - make a new map reuse a kept one
 * @reusable_map: the kept map
 * @object:       not loaded yet
 * @map:          a map of @object
 * @why:          receives the reason if the map cannot be reused
 * @err:          receives the reason of a failure
 *
 * Return: 1 if the map is reused; 0 if the maps do not match; -errno.
 */
int reusable_map_use(const struct reusable_map *reusable_map, const struct object *object,
		     struct object_map *map, struct text *why, struct error *err);

#endif
