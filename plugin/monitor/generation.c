/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/generation.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static bool same_code(const struct path_code *a, const struct path_code *b)
{
	return a->elf.len == b->elf.len && !memcmp(a->elf.data, b->elf.data, a->elf.len);
}

/* A path that goes on as it is keeps its object; two paths of one object share one. */
static int path_open(struct generation *generation, enum path path, bool xdp,
		     const struct generation *previous, struct bpf_program *programs[PATH_COUNT],
		     struct error *err)
{
	struct path_code *code = generation->dataplane->paths[path];
	struct generation_path *to = &generation->paths[path];
	int r;

	if (!code)
		return 0;
	if (previous && previous->dataplane->paths[path] == code) {
		to->object = object_ref(previous->paths[path].object);
		to->prog_fd = previous->paths[path].prog_fd;
		return 0;
	}
	for (int other = 0; other < (int)path && !to->object; other++)
		if (generation->paths[other].object && !generation->paths[other].object->loaded &&
		    same_code(generation->dataplane->paths[other], code))
			to->object = object_ref(generation->paths[other].object);
	if (!to->object) {
		r = object_open(code->elf.data, code->elf.len, code->config->origin, &to->object,
				err);
		if (r < 0)
			return r;
	}
	r = object_select(to->object, xdp && path == PATH_INGRESS, path == PATH_EGRESS,
			  code->config->program, &programs[path], err);
	return r < 0 ? error_prefix(err, r, "%s", code->config->origin) : 0;
}

static bool is_within_monitor(const struct object_map *map)
{
	return map->scope != MAP_SCOPE_PROGRAM;
}

/* Lets the maps that one path's object shares with others be those of the other path. */
static int maps_share(struct object *object, const struct object *other, struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		const struct object_map *theirs;
		int r = 0;

		if (!is_within_monitor(map) || map->resolved)
			continue;
		theirs = object_find_map(other, map->name);
		if (!theirs || !is_within_monitor(theirs))
			continue;
		if (other->loaded)
			r = object_map_reuse(map, bpf_map__fd(theirs->bpf), err);
		else if (map->scope == MAP_SCOPE_EXTERN && theirs->scope != MAP_SCOPE_EXTERN)
			r = object_map_declare(map, theirs, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Finds what is still extern among other monitors; refuses a public name that is taken. */
static int maps_find_public(struct object *object, const struct surroundings *around,
			    struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		_cleanup_close_ int fd = -1;
		int r;

		if (map->resolved ||
		    (map->scope != MAP_SCOPE_EXTERN && map->scope != MAP_SCOPE_PUBLIC))
			continue;
		fd = around->find_map(around->data, map->name);
		if (fd < 0)
			continue;
		if (map->scope == MAP_SCOPE_PUBLIC)
			return error_set(
				err, -EEXIST,
				"map %s is public, and another monitor has a public map of "
				"that name; declare it \"extern\" to use that one",
				map->name);
		r = object_map_reuse(map, fd, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int path_load(struct generation *generation, enum path path,
		     const struct surroundings *around, struct error *err)
{
	struct object *object = generation->paths[path].object;
	const struct object *other = generation->paths[!path].object;
	int r = 0;

	if (object->loaded)
		return 0;
	if (other && other != object)
		r = maps_share(object, other, err);
	if (r == 0)
		r = maps_find_public(object, around, err);
	return r == 0 ? object_load(object, around->pin, err) : r;
}

static int path_bind(struct generation_path *path, const struct path_config *config,
		     struct error *err)
{
	path->metrics = calloc(config->n_metrics + 1, sizeof(*path->metrics));
	if (!path->metrics)
		return error_oom(err);
	for (size_t i = 0; i < config->n_metrics; i++) {
		int r = metric_init(&path->metrics[i], &config->metrics[i], path->object, err);

		if (r < 0)
			return r;
		path->n_metrics++;
	}
	return 0;
}

int generation_load(struct dataplane *dataplane, bool xdp, const struct generation *previous,
		    const struct surroundings *around, struct generation **ret, struct error *err)
{
	_cleanup_(generation_unrefp) struct generation *generation = calloc(1, sizeof(*generation));
	struct bpf_program *programs[PATH_COUNT] = {};
	int path, r;

	if (!generation)
		return error_oom(err);
	generation->refs = 1;
	generation->dataplane = dataplane_ref(dataplane);
	for (path = 0; path < PATH_COUNT; path++) {
		r = path_open(generation, (enum path)path, xdp, previous, programs, err);
		if (r < 0)
			return r;
	}
	for (path = 0; path < PATH_COUNT; path++) {
		struct generation_path *this = &generation->paths[path];

		if (!this->object)
			continue;
		r = path_load(generation, (enum path)path, around, err);
		if (r == 0 && programs[path])
			this->prog_fd = bpf_program__fd(programs[path]);
		if (r == 0)
			r = path_bind(this, dataplane->paths[path]->config, err);
		if (r < 0)
			return error_prefix(err, r, "%s-path", path_name((enum path)path));
	}
	*ret = steal_ptr(&generation);
	return 0;
}

void generation_keep(struct generation *generation)
{
	for (int path = 0; generation && path < PATH_COUNT; path++)
		object_keep(generation->paths[path].object);
}

struct generation *generation_ref(struct generation *generation)
{
	if (generation)
		__atomic_add_fetch(&generation->refs, 1, __ATOMIC_RELAXED);
	return generation;
}

struct generation *generation_unref(struct generation *generation)
{
	if (!generation || __atomic_sub_fetch(&generation->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (int path = 0; path < PATH_COUNT; path++) {
		struct generation_path *this = &generation->paths[path];

		for (size_t i = 0; i < this->n_metrics; i++)
			metric_release(&this->metrics[i]);
		free(this->metrics);
		object_unref(this->object);
	}
	dataplane_unref(generation->dataplane);
	free(generation);
	return NULL;
}
