/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/object.h"
#include "base/array.h"
#include "base/descriptor.h"
#include "base/image.h"
#include "base/image_check.h"
#include "kernel/epoch.h"
#include "kernel/libbpf_log.h"
#include "kernel/shared_btf.h"
#include "kernel/type.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <string.h>

#define OBJECT_PROGRAM_MAPS_MAX 64 /* of one program: MAX_USED_MAPS of the kernel */

#define TAG_PREFIX "dynmon:"

static int map_apply_tag(struct object_map *map, const char *tag, struct error *err)
{
	static const char *const scopes[] = {
		[MAP_SCOPE_SHARED] = "shared",
		[MAP_SCOPE_PUBLIC] = "public",
		[MAP_SCOPE_EXTERN] = "extern",
	};
	int r;

	if (!strncmp(tag, "metric", 6)) /* read by dataplane/elf_metadata.c */
		return 0;
	if (!strcmp(tag, "dialect")) { /* set by bpf/dynmon/methods.h */
		map->dialect = true;
		return 0;
	}
	if (!strncmp(tag, "pin=", 4)) {
		r = bpf_map__set_pin_path(map->bpf, tag + 4);
		if (r < 0)
			return error_set(err, r, "map %s: cannot be pinned at \"%s\": %s",
					 map->name, tag + 4, strerror(-r));
		return 0;
	}
	for (size_t i = MAP_SCOPE_SHARED; i < ARRAY_SIZE(scopes); i++)
		if (!strcmp(tag, scopes[i])) {
			/* A map that is also extern is declared elsewhere. */
			if (map->scope != MAP_SCOPE_EXTERN)
				map->scope = (enum map_scope)i;
			return 0;
		}
	return error_set(err, -EINVAL,
			 "map %s: unknown tag \"" TAG_PREFIX "%s\": expected shared, public, "
			 "extern or pin=PATH",
			 map->name, tag);
}

/* Applies the declaration tags "dynmon:..." of the maps' variables. */
static int object_apply_tags(struct object *object, struct error *err)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	size_t tags = 0;

	for (uint32_t id = 1, n = btf ? btf__type_cnt(btf) : 1; id < n; id++) {
		const struct btf_type *tag = btf__type_by_id(btf, id), *var;
		struct object_map *map;
		const char *text;
		int r;

		if (!tag || !btf_is_decl_tag(tag) || btf_decl_tag(tag)->component_idx != -1)
			continue;
		text = type_name(btf, tag->name_off);
		var = btf__type_by_id(btf, tag->type);
		if (!var || !btf_is_var(var) || strncmp(text, TAG_PREFIX, strlen(TAG_PREFIX)) != 0)
			continue;
		if (++tags > OBJECT_TAGS_MAX)
			return error_set(err, -E2BIG,
					 "more than %d tags \"" TAG_PREFIX
					 "...\", which is the limit",
					 OBJECT_TAGS_MAX);
		map = object_find_map(object, type_name(btf, var->name_off));
		r = map ? map_apply_tag(map, text + strlen(TAG_PREFIX), err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int object_list_maps(struct object *object, struct error *err)
{
	struct bpf_map *bpf;
	size_t n = 0;

	bpf_object__for_each_map(bpf, object->bpf)
		n++;
	if (n > OBJECT_MAPS_MAX)
		return error_set(err, -E2BIG, "%zu maps, at most %d are possible", n,
				 OBJECT_MAPS_MAX);
	object->maps = calloc(n + 1, sizeof(*object->maps));
	if (!object->maps)
		return error_oom(err);
	bpf_object__for_each_map(bpf, object->bpf) {
		struct object_map *map = &object->maps[object->n_maps];

		map->bpf = bpf;
		map->internal = bpf_map__is_internal(bpf);
		/* Its pin would share the map with all monitors that have a map of this name. */
		map->pin_by_name = bpf_map__pin_path(bpf);
		bpf_map__set_pin_path(bpf, NULL);
		map->name = strdup(bpf_map__name(bpf) ?: ""); /* a forged map may have no name */
		if (!map->name)
			return error_oom(err);
		object->n_maps++;
		map->key_type = bpf_map__btf_key_type_id(bpf);
		map->value_type = bpf_map__btf_value_type_id(bpf);
	}
	return object_apply_tags(object, err);
}

/*
 * Sets the type for sections that libbpf 1.1 does not know. All are loaded the same way. In objects
 * of ebpf_exporter the name of an interface follows "xdp/".
 */
static void program_set_type(struct bpf_program *program)
{
	static const struct {
		const char *prefix;
		enum bpf_prog_type type;
	} sections[] = {
		{ "tc/", BPF_PROG_TYPE_SCHED_CLS },
		{ "tcx/", BPF_PROG_TYPE_SCHED_CLS },
		{ "classifier/", BPF_PROG_TYPE_SCHED_CLS },
		{ "xdp/", BPF_PROG_TYPE_XDP },
	};
	const char *section = bpf_program__section_name(program);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (bpf_program__type(program) == BPF_PROG_TYPE_UNSPEC &&
		    !strncmp(section, sections[i].prefix, strlen(sections[i].prefix)))
			bpf_program__set_type(program, sections[i].type);
}

/*
 * Prepares what statically initialized maps refer to. Their programs are loaded in any case,
 * because libbpf writes descriptors of the programs into the maps.
 */
static void object_prepare_references(struct object *object, const void *elf, size_t len)
{
	struct image_reference reference = {};
	struct image image;
	const char *name;

	if (image_init(&image, elf, len, NULL) < 0)
		return;
	while ((name = image_next_reference(&image, &reference))) {
		struct bpf_program *program = bpf_object__find_program_by_name(object->bpf, name);
		struct object_map *map = object_find_map(object, name);

		if (map)
			map->inner = true;
		if (!program)
			continue;
		bpf_program__set_autoattach(program, false);
		bpf_program__set_autoload(program, true);
	}
}

/*
 * Loads nothing until it is selected. A program without autoattach is only selected by its name:
 * one in a section SEC("?...") or in a PROG_ARRAY.
 */
static void object_prepare_programs(struct object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf) {
		program_set_type(program);
		bpf_program__set_autoattach(program, bpf_program__autoload(program));
		bpf_program__set_autoload(program, false);
	}
}

int object_open(const void *elf, size_t len, const char *name, struct object **ret,
		struct error *err)
{
	_cleanup_(object_unrefp) struct object *object = calloc(1, sizeof(*object));
	_cleanup_text_ struct text output = {};
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "dynmon");
	int r;

	if (!object)
		return error_oom(err);
	object->refs = 1;
	r = image_check(elf, len, err);
	if (r < 0)
		return error_prefix(err, r, "%s: not a usable eBPF object", name);
	libbpf_log_begin(&output);
	object->bpf = bpf_object__open_mem(elf, len, &opts);
	r = object->bpf ? 0 : -errno;
	libbpf_log_end();
	if (r < 0)
		return error_set(err, r == -ENOMEM ? r : -EINVAL,
				 "%s: not a usable eBPF object: %s", name,
				 output.len ? text_str(&output) : error_text(r));
	object_prepare_programs(object);
	r = object_list_maps(object, err);
	if (r < 0)
		return error_prefix(err, r, "%s", name);
	object_prepare_references(object, elf, len);
	*ret = steal_ptr(&object);
	return 0;
}

struct object *object_ref(struct object *object)
{
	if (object)
		__atomic_add_fetch(&object->refs, 1, __ATOMIC_RELAXED);
	return object;
}

struct object *object_unref(struct object *object)
{
	if (!object || __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	sections_detach(&object->links);
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];

		if (!object->kept && map->pinned && map->pin_path)
			unlink(map->pin_path);
		object_map_release(map);
	}
	free(object->maps);
	for (size_t i = 0; i < object->n_programs; i++) {
		fd_close(&object->programs[i].fd);
		free(object->programs[i].name);
	}
	free(object->programs);
	shared_btf_put(object->shared_btf);
	bpf_object__close(object->bpf);
	free(object);
	return NULL;
}

struct object_map *object_find_map(const struct object *object, const char *name)
{
	for (size_t i = 0; i < object->n_maps; i++)
		if (!strcmp(object->maps[i].name, name))
			return &object->maps[i];
	return NULL;
}

bool object_has_past(const struct object *object)
{
	for (size_t i = 0; object && i < object->n_maps; i++)
		if (object->maps[i].past.fd > 0)
			return true;
	return false;
}

int object_add_past(struct object *object, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < object->n_maps; i++) {
		int r = object->maps[i].past.fd > 0 ? object_map_add_past(&object->maps[i], err)
						    : 0;

		result = r < 0 ? r : result;
	}
	return result;
}

static int object_prepare_maps(struct object *object, bool pin, struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		const char *path;
		int r;

		r = object_map_check(map, err);
		if (r < 0)
			return r;
		if (!pin)
			bpf_map__set_pin_path(map->bpf, NULL);
		path = bpf_map__pin_path(map->bpf);
		if (path) {
			_cleanup_close_ int fd = bpf_obj_get(path);

			map->pinned = fd < 0;
		}
		if (map->scope == MAP_SCOPE_EXTERN && !map->resolved)
			return error_set(
				err, -ENOLINK,
				"map %s is \"extern\", and neither the other direction nor "
				"any monitor declares it (with _SHARED or _PUBLIC)",
				map->name);
		/* A reused map already has its values: the second copy of a program shares it. */
		if (map->internal && !map->reused)
			r = epoch_set(map->bpf, bpf_object__btf(object->bpf), map->value_type, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Replaces libbpf's copy of a loaded object by the data that the plugin needs, and closes the copy
 * unless programs attach by their sections: libbpf attaches those. The kernel holds the BTF of
 * programs and maps. After a failure the object can only be freed.
 */
static int object_take_over(struct object *object)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	struct bpf_program *bpf;
	bool sections = false;
	uint32_t size = 0;
	const void *data = btf ? btf__raw_data(btf, &size) : NULL;

	object->shared_btf = data ? shared_btf_get(data, size) : NULL;
	if (btf && !object->shared_btf)
		return -ENOMEM;
	for (size_t i = 0; i < object->n_maps; i++) {
		int r = object_map_take_over(&object->maps[i]);

		if (r < 0)
			return r;
	}
	bpf_object__for_each_program(bpf, object->bpf) {
		struct object_program *program = array_append(object->programs, object->n_programs);
		enum bpf_prog_type type = bpf_program__type(bpf);
		int fd = bpf_program__fd(bpf);

		if (!program)
			return -ENOMEM;
		*program = (struct object_program){
			.bpf = bpf,
			.name = strdup(bpf_program__name(bpf)),
			.size = (unsigned int)bpf_program__insn_cnt(bpf),
			.fd = fd < 0 ? -1 : descriptor_copy_up(fd),
		};
		if (!program->name)
			return -ENOMEM;
		if (fd >= 0 && program->fd < 0)
			return program->fd;
		sections |= bpf_program__autoload(bpf) && type != BPF_PROG_TYPE_SCHED_CLS &&
			    type != BPF_PROG_TYPE_XDP;
	}
	if (sections)
		return 0;
	bpf_object__close(object->bpf);
	object->bpf = NULL;
	for (size_t i = 0; i < object->n_maps; i++)
		object->maps[i].bpf = NULL;
	return 0;
}

int object_load(struct object *object, bool pin, struct error *err)
{
	_cleanup_text_ struct text output = {};
	int r = object_prepare_maps(object, pin, err);

	if (r < 0)
		return r;
	libbpf_log_begin(&output);
	r = bpf_object__load(object->bpf);
	libbpf_log_end();
	if (r == 0)
		r = object_take_over(object);
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return error_set(err, r, "%s", error_text(r));
	if (r < 0)
		return error_set(err, r, "the kernel rejects the program: %s%s%s%s", strerror(-r),
				 r == -EPERM
					 ? "; this needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, "
					   "and before Linux 5.11 LimitMEMLOCK=infinity"
					 : "",
				 output.len ? "\n" : "", text_str(&output));
	object->loaded = true;
	return 0;
}

const struct btf *object_btf(const struct object *object)
{
	return object->shared_btf ? object->shared_btf : bpf_object__btf(object->bpf);
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

bool object_program_uses(int prog_fd, uint32_t map_id)
{
	uint32_t ids[OBJECT_PROGRAM_MAPS_MAX] = {};
	struct bpf_prog_info info = { .nr_map_ids = ARRAY_SIZE(ids), .map_ids = (uintptr_t)ids };
	uint32_t len = sizeof(info);

	if (prog_fd < 0 || bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		return false;
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids); i++)
		if (ids[i] == map_id)
			return true;
	return false;
}

const struct object_program *object_find_program(const struct object *object, int prog_fd)
{
	static const struct object_program unknown = { .name = (char *)"?", .fd = -1 };

	for (size_t i = 0; prog_fd >= 0 && i < object->n_programs; i++)
		if (object->programs[i].fd == prog_fd)
			return &object->programs[i];
	return &unknown;
}
