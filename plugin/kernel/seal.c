/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/seal.h"
#include "base/descriptor.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

/* -- BTF -- */

/* A reference-counted BTF that all objects with equal BTF share. Guarded by all_btf.lock. */
struct shared_btf {
	struct shared_btf *next;
	size_t refs;
	struct btf *btf;
	const void *data;
	uint32_t size;
};

static struct {
	pthread_mutex_t lock; /* innermost lock: no other lock is taken inside */
	struct shared_btf *first;
} all_btf = { .lock = PTHREAD_MUTEX_INITIALIZER };

/*
 * Finds or creates an entry, without a reference for the caller. Caller holds all_btf.lock. NULL:
 * no memory.
 */
static struct shared_btf *shared_btf_find(const void *data, uint32_t size)
{
	struct shared_btf *shared = all_btf.first;

	while (shared && (shared->size != size || memcmp(shared->data, data, size) != 0))
		shared = shared->next;
	if (shared)
		return shared;
	shared = calloc(1, sizeof(*shared));
	if (!shared)
		return NULL;
	shared->btf = btf__new(data, size);
	shared->data = shared->btf ? btf__raw_data(shared->btf, &shared->size) : NULL;
	if (!shared->data) {
		btf__free(shared->btf);
		free(shared);
		return NULL;
	}
	shared->next = all_btf.first;
	all_btf.first = shared;
	return shared;
}

static int seal_btf(struct object *object)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	uint32_t size = 0;
	const void *data = btf ? btf__raw_data(btf, &size) : NULL;

	if (!btf)
		return 0;
	if (!data)
		return -ENOMEM;
	pthread_mutex_lock(&all_btf.lock);
	object->shared_btf = shared_btf_find(data, size);
	if (object->shared_btf)
		object->shared_btf->refs++;
	pthread_mutex_unlock(&all_btf.lock);
	return object->shared_btf ? 0 : -ENOMEM;
}

static void unseal_btf(struct object *object)
{
	struct shared_btf *shared = object->shared_btf, **at = &all_btf.first;

	if (!shared)
		return;
	pthread_mutex_lock(&all_btf.lock);
	if (--shared->refs == 0) {
		while (*at != shared)
			at = &(*at)->next;
		*at = shared->next;
		btf__free(shared->btf);
		free(shared);
	}
	pthread_mutex_unlock(&all_btf.lock);
	object->shared_btf = NULL;
}

const struct btf *object_btf(const struct object *object)
{
	return object->shared_btf ? object->shared_btf->btf : bpf_object__btf(object->bpf);
}

/* -- maps and programs -- */

/* Duplicates a descriptor above DESCRIPTORS_LOW if possible. Returns the copy or -errno. */
static int copy_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_LOW);

	if (copy < 0) /* the limit of descriptors is lower */
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : copy;
}

static int seal_map(struct object_map *map)
{
	const char *pin_path = bpf_map__pin_path(map->bpf);
	struct map shape;
	int r = object_map_describe(map, &shape, NULL);

	if (r < 0)
		return r;
	map->pin_path = pin_path ? strdup(pin_path) : NULL;
	if (pin_path && !map->pin_path)
		return -ENOMEM;
	r = copy_fd(shape.fd);
	if (r < 0)
		return r;
	map->shape = shape;
	map->shape.fd = r;
	map->sealed = true;
	return 0;
}

static int seal_program(struct object_program *sealed, const struct bpf_program *program)
{
	int fd = bpf_program__fd(program), copy = fd < 0 ? -1 : copy_fd(fd);

	*sealed = (struct object_program){
		.bpf = program,
		.name = strdup(bpf_program__name(program)),
		.size = (unsigned int)bpf_program__insn_cnt(program),
		.fd = copy,
	};
	if (fd >= 0 && copy < 0)
		return copy;
	return sealed->name ? 0 : -ENOMEM;
}

static int seal_programs(struct object *object)
{
	struct bpf_program *program;
	size_t n = 0;
	int r = 0;

	bpf_object__for_each_program(program, object->bpf)
		n++;
	object->programs = calloc(n + 1, sizeof(*object->programs));
	if (!object->programs)
		return -ENOMEM;
	bpf_object__for_each_program(program, object->bpf)
		if (r == 0)
			r = seal_program(&object->programs[object->n_programs++], program);
	return r;
}

/* Returns true if a program attaches by its section. libbpf attaches those and needs its object. */
static bool has_sections(const struct object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf) {
		enum bpf_prog_type type = bpf_program__type(program);

		if (bpf_program__autoload(program) && type != BPF_PROG_TYPE_SCHED_CLS &&
		    type != BPF_PROG_TYPE_XDP)
			return true;
	}
	return false;
}

int object_seal(struct object *object)
{
	int r = seal_btf(object);

	for (size_t i = 0; r == 0 && i < object->n_maps; i++)
		r = seal_map(&object->maps[i]);
	if (r == 0)
		r = seal_programs(object);
	if (r < 0 || has_sections(object))
		return r;
	bpf_object__close(object->bpf);
	object->bpf = NULL;
	for (size_t i = 0; i < object->n_maps; i++)
		object->maps[i].bpf = NULL;
	return 0;
}

void object_unseal(struct object *object)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		if (object->maps[i].sealed)
			fd_close(&object->maps[i].shape.fd);
		free(object->maps[i].pin_path);
	}
	for (size_t i = 0; i < object->n_programs; i++) {
		fd_close(&object->programs[i].fd);
		free(object->programs[i].name);
	}
	free(object->programs);
	unseal_btf(object);
}

int object_prog_fd(const struct object *object, const struct bpf_program *program)
{
	for (size_t i = 0; i < object->n_programs; i++)
		if (object->programs[i].bpf == program)
			return object->programs[i].fd;
	return -1;
}

uint32_t object_program_id(int prog_fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0 ? 0 : info.id;
}

static const struct object_program *seal_program_of(const struct object *object, int prog_fd)
{
	for (size_t i = 0; prog_fd >= 0 && i < object->n_programs; i++)
		if (object->programs[i].fd == prog_fd)
			return &object->programs[i];
	return NULL;
}

const char *object_program_name(const struct object *object, int prog_fd)
{
	const struct object_program *program = seal_program_of(object, prog_fd);

	return program ? program->name : "?";
}

unsigned int object_program_size(const struct object *object, int prog_fd)
{
	const struct object_program *program = seal_program_of(object, prog_fd);

	return program ? program->size : 0;
}
