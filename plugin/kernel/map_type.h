/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traits of the eBPF map types. A new type is a row of the table in map_type.c. */
#ifndef DYNMON_KERNEL_MAP_TYPE_H
#define DYNMON_KERNEL_MAP_TYPE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* How the entries of a map are read. Unreadable maps are not reused, pinned, or set by feeds. */
enum map_kind {
	MAP_UNREADABLE,
	MAP_HASH,  /* arbitrary keys; entries come and go */
	MAP_ARRAY, /* keys 0 to max_entries - 1 always exist */
	MAP_QUEUE, /* no keys; a read removes the entry */
	MAP_TRIE,  /* like a hash, but without lookup-and-delete */
};

struct map_type {
	const char *name; /* NULL: libbpf knows the name */
	enum map_kind kind;
	bool percpu;   /* one value for each possible CPU */
	bool fills;    /* a full map rejects new entries */
	bool mappable; /* values can be mapped into memory, see map_is_mappable() */
	bool refers;   /* values refer to programs or maps of the object that has the map */
};

/* Returns the traits of a type (enum bpf_map_type), never NULL. */
const struct map_type *map_type_get(uint32_t type);

static inline enum map_kind map_kind(uint32_t type)
{
	return map_type_get(type)->kind;
}

static inline bool map_is_percpu(uint32_t type)
{
	return map_type_get(type)->percpu;
}

/* Returns the name of a map type, such as "percpu_array"; "unknown" if there is none. */
const char *map_type_name(uint32_t type);

/* Appends the names of the readable map types, separated by ", ". */
void map_type_list_readable(struct text *out);

#endif
