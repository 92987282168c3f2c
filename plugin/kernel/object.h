/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled ELF object and, once loaded, its programs and maps in the kernel.
 *
 * The way: object_open(), object_select() for each path that uses it, decide about the maps
 * it shares with others, object_load(). Until it is loaded an object belongs to one thread;
 * afterwards it is read-only and reference counted.
 */
#ifndef DYNMON_KERNEL_OBJECT_H
#define DYNMON_KERNEL_OBJECT_H

#include "base/error.h"
#include "kernel/map.h"

#include <stdbool.h>

struct bpf_link;
struct bpf_map;
struct bpf_program;
struct btf;

/* Who sees a map; declaration tags "dynmon:..." in the object's BTF say so. */
enum map_scope {
	MAP_SCOPE_PROGRAM, /* the default: the object's own */
	MAP_SCOPE_SHARED,  /* both paths of a monitor */
	MAP_SCOPE_PUBLIC,  /* all monitors */
	MAP_SCOPE_EXTERN,  /* declared elsewhere: refers to one of the above */
};

struct object_map {
	struct bpf_map *bpf; /* owned by the object; NULL once it is loaded, see object_map_fd() */
	char *name;	     /* as the code calls it; libbpf renames a map that reuses another */
	uint32_t key_type;   /* in the object's BTF; libbpf forgets them when the kernel does not */
	uint32_t value_type; /* take them, as for tries with a plain integer as their key */
	enum map_scope scope;
	bool resolved;	  /* an extern map that has found its declaration */
	bool reused;	  /* an existing map is used */
	bool pinned;	  /* by us, just now */
	bool kept;	  /* goes on from the generation before */
	bool swapped;	  /* has a second copy; the two take turns */
	bool dialect;	  /* declared in Dynmon's dialect, whose log2 slots are those of BCC */
	bool counted;	  /* reads take counts out of it */
	char *memory;	  /* the mapped values; NULL: not mapped */
	bool internal;	  /* made by the compiler: global variables and constants */
	bool sealed;	  /* loaded; the following members are set */
	struct map shape; /* the fd is owned */
	char *pin_path;	  /* NULL: not to be pinned */
	struct map past;  /* its counts are still to be added; the fd is owned; 0: none */
};

/* A program of a loaded object. */
struct object_program {
	const struct bpf_program *bpf; /* only for comparison: may be freed */
	char *name;
	unsigned int size; /* instructions */
	int fd;		   /* owned; -1: not loaded */
};

struct shared_btf;

struct object {
	unsigned int refs;	/* atomic */
	struct bpf_object *bpf; /* NULL once loaded, unless it has sections to attach */
	struct object_map *maps;
	size_t n_maps;
	bool loaded;
	struct object_program *programs;
	size_t n_programs;
	struct shared_btf *shared_btf; /* NULL: no BTF, or not loaded */
	struct bpf_link **links;       /* of programs that are attached by their section */
	size_t n_links;
	bool kept; /* in use: what it has pinned stays */
};

/* Where maps may be pinned. */
#define OBJECT_PIN_DIR "/sys/fs/bpf/"

#define OBJECT_MAPS_MAX 1024 /* maps of one object */
#define OBJECT_TAGS_MAX 4096 /* tags "dynmon:..." of one object */

/**
 * object_open() - check an untrusted ELF object and open it with libbpf
 * @elf:   the object, which is copied
 * @len:   number of bytes
 * @name:  name of the object in messages
 * @ret:   receives the object, owned by the caller
 * @err:   receives the reason, with libbpf's messages
 *
 * Return: 0, -EINVAL if the object is not usable, -E2BIG over a limit, -ENOMEM.
 */
int object_open(const void *elf, size_t len, const char *name, struct object **ret,
		struct error *err);

struct object *object_ref(struct object *object);
struct object *object_unref(struct object *object);
DEFINE_CLEANUP(struct object *, object_unref);

/*
 * Picks the program for a path: the one called name, or, where that is NULL, the only one that
 * fits. xdp: it must be an XDP program, else one for tc. egress: it must not be marked for
 * ingress alone, and the other way round. The pick belongs to the object.
 * -ENOENT, -EINVAL: no or several programs fit; the message lists what there is.
 */
int object_select(struct object *object, bool xdp, bool egress, const char *name,
		  struct bpf_program **ret, struct error *err);

/* The map of that name, or NULL. */
struct object_map *object_find_map(const struct object *object, const char *name);

/* Gives an extern map the shape of its declaration; before both are loaded. */
int object_map_declare(struct object_map *map, const struct object_map *declaration,
		       struct error *err);

/*
 * Makes the map use an existing one (fd is not taken) instead of creating its own.
 * -EINVAL when key or value sizes differ.
 */
int object_map_reuse(struct object_map *map, int fd, struct error *err);

/*
 * Creates the maps and loads the selected programs. pin: maps that are to be pinned are; without it
 * they are new ones, as all others.
 * -ENOENT: an extern map without a declaration. Otherwise the kernel's -errno, with the
 * verifier's log in the message. After a failure the object can only be freed.
 */
int object_load(struct object *object, bool pin, struct error *err);

/* From now on what the object has pinned stays when it is freed. */
static inline void object_keep(struct object *object)
{
	if (object)
		object->kept = true;
}

/*
 * Asks for a map whose values can be mapped into memory, where that is possible and nobody else has
 * a say in the map; before the object is loaded.
 */
void object_map_make_mappable(struct object_map *map);

/*
 * Lets a map begin with the counts of another one of its shape, which stays as it is: they are
 * added by object_add_past(). For what cannot be mapped, and so not be used itself. -errno.
 */
int object_map_set_past(struct object_map *map, const struct map *past, struct error *err);

/* Whether there are such counts. object may be NULL. */
bool object_has_past(const struct object *object);

/* Adds them, once nothing writes to the other maps any more. -errno: not all of them. */
int object_add_past(struct object *object, struct error *err);

/* The shape of a map, before and after the object is loaded. */
struct map object_map_shape(const struct object_map *map);

/* The shape and descriptor of a loaded map; the descriptor is the object's. */
int object_map_describe(const struct object_map *map, struct map *ret, struct error *err);

/* The descriptor of a map, owned by the object; -1 if the object is not loaded. */
static inline int object_map_fd(const struct object_map *map)
{
	return map->sealed ? map->shape.fd : -1;
}

/**
 * object_prog_fd() - the descriptor of a loaded program
 * @object:   loaded object
 * @program:  the result of object_select()
 *
 * Return: the descriptor, owned by the object; -1 if the program is not loaded.
 */
int object_prog_fd(const struct object *object, const struct bpf_program *program);

/* The kernel's id of a loaded program; 0 when it does not tell. */
uint32_t object_program_id(int prog_fd);

/* Name and number of instructions of a loaded program of the object. */
const char *object_program_name(const struct object *object, int prog_fd);
unsigned int object_program_size(const struct object *object, int prog_fd);

/* The object's type information; NULL when it has none. Valid as long as the object. */
const struct btf *object_btf(const struct object *object);

#endif
