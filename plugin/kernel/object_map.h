/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map of an object, before and after it is loaded. Embedded in struct object, which defines the
 * sequence of calls.
 */
#ifndef DYNMON_KERNEL_OBJECT_MAP_H
#define DYNMON_KERNEL_OBJECT_MAP_H

#include "base/error.h"
#include "kernel/map.h"

struct bpf_map;

/* Directory of all pins of maps. */
#define OBJECT_PIN_DIR "/sys/fs/bpf/"

/* Visibility of a map, from the declaration tags "dynmon:..." in the object's BTF. */
enum map_scope {
	MAP_SCOPE_PROGRAM, /* default: private to the object */
	MAP_SCOPE_SHARED,  /* both directions of a monitor */
	MAP_SCOPE_PUBLIC,  /* all monitors */
	MAP_SCOPE_EXTERN,  /* declared elsewhere: refers to a shared or public map */
};

struct object_map {
	struct bpf_map *bpf; /* owned by libbpf's object; NULL once that is closed */
	char *name;	     /* as in the source; libbpf renames a reused map */
	uint32_t key_type;   /* ids in the object's BTF, saved because libbpf */
	uint32_t value_type; /* clears them if the kernel rejects the BTF of a map */
	enum map_scope scope;
	bool resolved;	  /* an extern map whose declaration was found */
	bool reused;	  /* uses an existing kernel map */
	bool pinned;	  /* loading this object created the pin */
	bool pin_by_name; /* declared with LIBBPF_PIN_BY_NAME, which is ignored */
	bool kept;	  /* carried over from the previous generation (map reuse) */
	bool swapped;	  /* double-buffered: has a second copy */
	bool dialect;	  /* declared in Dynmon's dialect: log2 slots as in BCC */
	bool counted;	  /* a metric with empty-on-read takes counts out of it */
	bool inner;	  /* a map of maps has it from the start: its flags must agree */
	bool internal;	  /* made by the compiler: global variables and constants */
	bool preset;	  /* the document sets initial values of its variables */
	bool loaded;	  /* shape and pin_path are set */
	struct map shape; /* owns the descriptor and the memory */
	char *pin_path;	  /* NULL: not pinned */
	struct map past;  /* counts to be added, see object_map_set_past(); owns the fd */
};

/**
 * object_map_declare() - copy the shape of a declaration to an extern map
 * @map:          an extern map of an object that is not loaded
 * @declaration:  the declaring map
 * @err:          receives the reason of a failure
 *
 * Return: 0 on success, -EINVAL if the sizes of keys or values differ.
 */
int object_map_declare(struct object_map *map, const struct object_map *declaration,
		       struct error *err);

/**
 * object_map_reuse() - use an existing kernel map instead of a new one
 * @map:  a map of an object that is not loaded
 * @fd:   descriptor of the existing map, owned by the caller
 * @err:  receives the reason of a failure
 *
 * Return: 0 on success, -EINVAL if the sizes of keys or values differ, -errno on any other failure.
 */
int object_map_reuse(struct object_map *map, int fd, struct error *err);

/* Rejects a map that is too large or has a pin path outside OBJECT_PIN_DIR. */
int object_map_check(const struct object_map *map, struct error *err);

/**
 * object_map_take_over() - replace libbpf's data about a map that was just loaded by own data
 * @map:  its libbpf object can be closed after success; @map->bpf is then invalid
 *
 * The descriptor is duplicated above DESCRIPTORS_LOW. Values are mapped into memory if the map
 * allows it; a failure of that is harmless, because reads then use system calls.
 *
 * Return: 0 on success, -errno on failure.
 */
int object_map_take_over(struct object_map *map);

/* Closes and frees what the map owns. */
void object_map_release(struct object_map *map);

/*
 * Requests BPF_F_MMAPABLE for a map of an object that is not loaded. Does nothing if the map type
 * does not allow it, or if others depend on the flags: extern, pinned, read-only and inner maps.
 */
void object_map_make_mappable(struct object_map *map);

/**
 * object_map_set_past() - remember a map whose counts are to be added to this one
 * @map:   map that receives the counts
 * @past:  map of the same shape; its descriptor is duplicated, the map itself is not changed
 * @err:   receives the reason of a failure
 *
 * Used for map reuse instead of object_map_reuse() when the old map lacks BPF_F_MMAPABLE and the
 * new map gets it.
 *
 * Return: 0 on success, -errno on failure.
 */
int object_map_set_past(struct object_map *map, const struct map *past, struct error *err);

/* Does the work of object_add_past() for one map. */
int object_map_add_past(struct object_map *map, struct error *err);

/* Returns the shape of a map, before or after its object is loaded; fd is -1 before. */
struct map object_map_shape(const struct object_map *map);

/**
 * object_map_describe() - get shape, descriptor and memory of a loaded map
 * @map:  map of a loaded object
 * @ret:  receives the description; the object keeps ownership
 * @err:  receives the reason of a failure
 *
 * Return: 0 on success, -errno on failure.
 */
int object_map_describe(const struct object_map *map, struct map *ret, struct error *err);

/* Returns the descriptor of a map, owned by the object; -1 if the object is not loaded. */
static inline int object_map_fd(const struct object_map *map)
{
	return map->loaded ? map->shape.fd : -1;
}

#endif
