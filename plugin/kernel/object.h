/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled ELF object and, once loaded, its programs and maps in the kernel.
 *
 * Sequence of calls: object_open(); object_select() for each direction; object_map_declare() or
 * object_map_reuse() for shared maps; object_load(). An object belongs to one thread until it is
 * loaded. A loaded object is reference counted and read-only, except for object_keep(),
 * object_add_past() and the section links; callers serialize those.
 */
#ifndef DYNMON_KERNEL_OBJECT_H
#define DYNMON_KERNEL_OBJECT_H

#include "kernel/object_map.h"
#include "kernel/section.h"

struct btf;

/* A program of a loaded object. */
struct object_program {
	const struct bpf_program *bpf; /* only for comparison, may dangle */
	char *name;
	unsigned int size; /* instructions */
	int fd;		   /* owned; -1: not loaded */
};

struct object {
	unsigned int refs;	/* atomic */
	struct bpf_object *bpf; /* NULL once loaded, unless programs attach by section */
	struct object_map *maps;
	size_t n_maps;
	bool loaded;
	struct object_program *programs;
	size_t n_programs;
	const struct btf *shared_btf; /* NULL: no BTF, or not loaded */
	struct section_links links;   /* of programs that attach by section */
	bool kept;		      /* pins that this object created outlive it */
};

#define OBJECT_MAPS_MAX 1024 /* maps of one object */
#define OBJECT_TAGS_MAX 4096 /* tags "dynmon:..." of one object */

/**
 * object_open() - check an untrusted ELF object and open it with libbpf
 * @elf:   the object; copied
 * @len:   number of bytes
 * @name:  name of the object in messages
 * @ret:   receives the object with one reference, owned by the caller
 * @err:   receives the reason, with libbpf's messages
 *
 * Return: 0, -EINVAL if the object is not usable, -E2BIG over a limit, -ENOMEM.
 */
int object_open(const void *elf, size_t len, const char *name, struct object **ret,
		struct error *err);

/*
 * object_ref() returns @object and object_unref() returns NULL; both accept NULL. Any thread may
 * call them. The last object_unref() detaches section programs, removes pins unless object_keep()
 * was called, and frees the object.
 */
struct object *object_ref(struct object *object);
struct object *object_unref(struct object *object);
DEFINE_CLEANUP(struct object *, object_unref);

/**
 * object_select() - select the program of a direction for loading
 * @object:  opened, but not loaded
 * @xdp:     select an XDP program; otherwise a tc program
 * @egress:  direction; programs in a section of the other direction do not fit
 * @name:    name of the program; NULL: the only program that fits
 * @ret:     receives the program, owned by the object
 * @err:     receives a message that lists the programs
 *
 * Return: 0 on success, -ENOENT if no program fits or none has the name, -EINVAL if several fit or
 * the named one does not.
 */
int object_select(struct object *object, bool xdp, bool egress, const char *name,
		  struct bpf_program **ret, struct error *err);

/* Returns the map with this name in the source, or NULL. */
struct object_map *object_find_map(const struct object *object, const char *name);

/**
 * object_load() - create the maps and load the selected programs
 * @object:  opened, with all extern maps resolved
 * @pin:     pin maps that request it; false: all maps are new and unpinned
 * @err:     receives the reason, with the verifier log
 *
 * Return: 0 on success, -ENOLINK if an extern map has no declaration, -EFBIG if a map exceeds
 * MAP_BYTES_MAX, -EINVAL if a pin path is outside OBJECT_PIN_DIR, otherwise -errno of the kernel.
 * After a failure the object can only be freed.
 */
int object_load(struct object *object, bool pin, struct error *err);

/* Lets the pins that loading this object created outlive the object. */
static inline void object_keep(struct object *object)
{
	if (object)
		object->kept = true;
}

/* Returns true if object_add_past() has work to do. Accepts NULL. */
bool object_has_past(const struct object *object);

/**
 * object_add_past() - add the counts of all maps passed to object_map_set_past()
 * @object:  loaded object
 * @err:     receives the reason of a failure
 *
 * Call when no program writes to the old maps any more. The old maps are released in any case.
 *
 * Return: 0 on success, -errno if the counts of at least one map are lost.
 */
int object_add_past(struct object *object, struct error *err);

/**
 * object_prog_fd() - get the descriptor of a loaded program
 * @object:   loaded object
 * @program:  the result of object_select()
 *
 * Return: the descriptor, owned by the object; -1 if the program is not loaded.
 */
int object_prog_fd(const struct object *object, const struct bpf_program *program);

/* Returns the kernel id of a loaded program; 0 if the kernel does not reveal it. */
uint32_t object_program_id(int prog_fd);

/* Returns true if a loaded program uses a map. Programs that it calls by a prog map do not count.
 */
bool object_program_uses(int prog_fd, uint32_t map_id);

/* Returns the loaded program with this descriptor; one with the name "?" if there is none. */
const struct object_program *object_find_program(const struct object *object, int prog_fd);

/* Returns the object's BTF, valid as long as the object; NULL if it has none. */
const struct btf *object_btf(const struct object *object);

#endif
