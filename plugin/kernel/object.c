/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/object.h"
#include "base/image_check.h"
#include "kernel/epoch.h"
#include "kernel/libbpf_log.h"
#include "kernel/seal.h"
#include "kernel/section.h"
#include "kernel/type.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <string.h>

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
			 "map %s: the tag \"" TAG_PREFIX "%s\" is none of shared, public, extern, "
			 "pin=PATH",
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
		map->name = strdup(bpf_map__name(bpf) ?: ""); /* a forged map may have no name */
		if (!map->name)
			return error_oom(err);
		object->n_maps++;
		map->key_type = bpf_map__btf_key_type_id(bpf);
		map->value_type = bpf_map__btf_value_type_id(bpf);
	}
	return object_apply_tags(object, err);
}

/* Sets the type for sections that libbpf 1.1 does not know. All are loaded the same way. */
static void program_set_type(struct bpf_program *program)
{
	static const char *const prefixes[] = { "tc/", "tcx/", "classifier/" };
	const char *section = bpf_program__section_name(program);

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(section, prefixes[i], strlen(prefixes[i])))
			bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
}

int object_open(const void *elf, size_t len, const char *name, struct object **ret,
		struct error *err)
{
	_cleanup_(object_unrefp) struct object *object = calloc(1, sizeof(*object));
	_cleanup_text_ struct text said = {};
	struct bpf_program *program;
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "dynmon");
	int r;

	if (!object)
		return error_oom(err);
	object->refs = 1;
	r = image_check(elf, len, err);
	if (r < 0)
		return error_prefix(err, r, "%s: not a usable eBPF object", name);
	libbpf_log_begin(&said);
	object->bpf = bpf_object__open_mem(elf, len, &opts);
	r = object->bpf ? 0 : -errno;
	libbpf_log_end();
	if (r < 0)
		return error_set(err, r == -ENOMEM ? r : -EINVAL,
				 "%s: not a usable eBPF object: %s", name,
				 said.len ? text_str(&said) : error_text(r));
	bpf_object__for_each_program(program, object->bpf) {
		program_set_type(program);
		bpf_program__set_autoload(program, false);
	}
	r = object_list_maps(object, err);
	if (r < 0)
		return error_prefix(err, r, "%s", name);
	*ret = steal_ptr(&object);
	return 0;
}

struct object *object_ref(struct object *object)
{
	if (object)
		__atomic_add_fetch(&object->refs, 1, __ATOMIC_RELAXED);
	return object;
}

static void past_release(struct object_map *map)
{
	if (map->past.fd > 0)
		fd_close(&map->past.fd);
	map->past = (struct map){};
}

struct object *object_unref(struct object *object)
{
	if (!object || __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	object_detach_sections(object);
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];

		if (map->memory)
			map_memory_unmap(&map->shape, map->memory);
		if (!object->kept && map->pinned && map->pin_path)
			unlink(map->pin_path);
	}
	object_unseal(object);
	bpf_object__close(object->bpf);
	for (size_t i = 0; i < object->n_maps; i++) {
		past_release(&object->maps[i]);
		free(object->maps[i].name);
	}
	free(object->maps);
	free(object);
	return NULL;
}

/*
 * Returns true if a section such as "tc/egress" or "tcx/ingress" is for the other direction only.
 */
static bool section_excludes(const char *section, bool egress)
{
	const char *slash = strchr(section, '/');

	return slash && !strcmp(slash + 1, egress ? "ingress" : "egress");
}

static bool program_fits(const struct bpf_program *program, bool xdp, bool egress)
{
	return bpf_program__type(program) == (xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS) &&
	       !section_excludes(bpf_program__section_name(program), egress);
}

int object_select(struct object *object, bool xdp, bool egress, const char *name,
		  struct bpf_program **ret, struct error *err)
{
	const char *kind = xdp ? "xdp" : "tc", *direction = egress ? "egress" : "ingress";
	_cleanup_text_ struct text all = {};
	struct bpf_program *program, *found = NULL;
	size_t fitting = 0;

	bpf_object__for_each_program(program, object->bpf) {
		text_printf(&all, "%s%.80s (SEC \"%.80s\")", all.len ? ", " : "",
			    bpf_program__name(program), bpf_program__section_name(program));
		if (name ? strcmp(bpf_program__name(program), name) != 0
			 : !program_fits(program, xdp, egress))
			continue;
		found = program;
		fitting++;
	}
	if (!fitting && name)
		return error_set(err, -ENOENT, "there is no program \"%s\"; the object has: %s",
				 name, all.len ? text_str(&all) : "none");
	if (!fitting)
		return error_set(err, -ENOENT, "no %s program for %s; the object has: %s", kind,
				 direction, all.len ? text_str(&all) : "none");
	if (fitting > 1)
		return error_set(
			err, -EINVAL,
			"several programs fit the %s direction, \"program\" must name one of: %s",
			direction, text_str(&all));
	if (!program_fits(found, xdp, egress))
		return error_set(err, -EINVAL,
				 "program \"%s\" (SEC \"%s\") is not a %s program for %s",
				 bpf_program__name(found), bpf_program__section_name(found), kind,
				 direction);
	bpf_program__set_autoload(found, true);
	*ret = found;
	return 0;
}

struct object_map *object_find_map(const struct object *object, const char *name)
{
	for (size_t i = 0; i < object->n_maps; i++)
		if (!strcmp(object->maps[i].name, name))
			return &object->maps[i];
	return NULL;
}

static int sizes_agree(const struct object_map *map, uint32_t key_size, uint32_t value_size,
		       struct error *err)
{
	if (bpf_map__key_size(map->bpf) == key_size && bpf_map__value_size(map->bpf) == value_size)
		return 0;
	return error_set(err, -EINVAL,
			 "map %s: key of %u and value of %u bytes here, but %u and %u where it is "
			 "declared",
			 map->name, bpf_map__key_size(map->bpf), bpf_map__value_size(map->bpf),
			 key_size, value_size);
}

int object_map_declare(struct object_map *map, const struct object_map *declaration,
		       struct error *err)
{
	struct map shape = object_map_shape(declaration);
	int r = sizes_agree(map, shape.key_size, shape.value_size, err);

	if (r < 0)
		return r;
	bpf_map__set_type(map->bpf, (enum bpf_map_type)shape.type);
	bpf_map__set_max_entries(map->bpf, shape.max_entries);
	bpf_map__set_map_flags(map->bpf, shape.flags);
	map->resolved = true;
	return 0;
}

int object_map_reuse(struct object_map *map, int fd, struct error *err)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return error_set(err, r, "map %s: %s", map->name, strerror(-r));
	r = sizes_agree(map, info.key_size, info.value_size, err);
	if (r < 0)
		return r;
	r = bpf_map__reuse_fd(map->bpf, fd);
	if (r < 0)
		return error_set(err, r, "map %s: cannot be shared: %s", map->name, error_text(r));
	map->resolved = true;
	map->reused = true;
	return 0;
}

void object_map_make_mappable(struct object_map *map)
{
	uint32_t flags = bpf_map__map_flags(map->bpf);

	if (map->scope == MAP_SCOPE_EXTERN || bpf_map__pin_path(map->bpf) ||
	    flags & (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_INNER_MAP) ||
	    !map_is_mappable(bpf_map__type(map->bpf), bpf_map__value_size(map->bpf)))
		return;
	bpf_map__set_map_flags(map->bpf, flags | BPF_F_MMAPABLE);
}

int object_map_set_past(struct object_map *map, const struct map *past, struct error *err)
{
	int fd = fcntl(past->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return error_set(err, -errno, "map %s: %s", map->name, error_text(-errno));
	map->past = *past;
	map->past.fd = fd;
	return 0;
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
		struct object_map *map = &object->maps[i];
		struct map to;
		int r;

		if (map->past.fd <= 0)
			continue;
		r = object_map_describe(map, &to, err);
		if (r == 0)
			r = map_add(&to, &map->past);
		past_release(map);
		if (r < 0)
			result = error_set(err, r, "map %s: what it had counted is lost: %s",
					   map->name, strerror(-r));
	}
	return result;
}

/*
 * Maps the values of suitable maps into memory. A failure is harmless: reads then use system calls.
 */
static void map_memory(struct object *object)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		struct map shape;

		if (object_map_describe(map, &shape, NULL) == 0)
			map->memory = map_memory_map(&shape);
	}
}

/* Rejects a map that is too large or has a pin path outside OBJECT_PIN_DIR. */
static int map_check(const struct object_map *map, struct error *err)
{
	const char *path = bpf_map__pin_path(map->bpf);
	const struct map shape = {
		.type = bpf_map__type(map->bpf),
		.key_size = bpf_map__key_size(map->bpf),
		.value_size = bpf_map__value_size(map->bpf),
	};
	uint64_t bytes = (uint64_t)bpf_map__max_entries(map->bpf) *
			 (shape.key_size + map_value_stride(&shape));

	if (map_kind(shape.type) != MAP_UNREADABLE && bytes > MAP_BYTES_MAX)
		return error_set(
			err, -EFBIG, "map %s: %llu bytes of entries, at most %llu are possible",
			map->name, (unsigned long long)bytes, (unsigned long long)MAP_BYTES_MAX);
	if (path &&
	    (strncmp(path, OBJECT_PIN_DIR, strlen(OBJECT_PIN_DIR)) != 0 || strstr(path, "/../")))
		return error_set(err, -EINVAL,
				 "map %s: expected a path below " OBJECT_PIN_DIR
				 " to be pinned at, "
				 "found \"%.100s\"",
				 map->name, path);
	return 0;
}

/* Returns true if loading will create a pin that does not exist yet. */
static bool map_will_be_pinned(const struct object_map *map)
{
	const char *path = bpf_map__pin_path(map->bpf);
	_cleanup_close_ int fd = path ? bpf_obj_get(path) : -1;

	return path && fd < 0;
}

int object_load(struct object *object, bool pin, struct error *err)
{
	_cleanup_text_ struct text said = {};
	int r;

	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];

		if (!pin)
			bpf_map__set_pin_path(map->bpf, NULL);
		r = map_check(map, err);
		if (r < 0)
			return r;
		map->pinned = map_will_be_pinned(map);
	}

	for (size_t i = 0; i < object->n_maps; i++)
		if (object->maps[i].scope == MAP_SCOPE_EXTERN && !object->maps[i].resolved)
			return error_set(
				err, -ENOLINK,
				"map %s is \"extern\", and neither the other direction nor any "
				"monitor declares it (with _SHARED or _PUBLIC)",
				object->maps[i].name);
	r = object_set_epoch(object, err);
	if (r < 0)
		return r;
	libbpf_log_begin(&said);
	r = bpf_object__load(object->bpf);
	libbpf_log_end();
	if (r == 0)
		r = object_seal(object);
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return error_set(err, r, "%s", error_text(r));
	if (r < 0)
		return error_set(err, r, "the kernel does not take it: %s%s%s%s", strerror(-r),
				 r == -EPERM ? "; it takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, "
					       "and before Linux 5.11 LimitMEMLOCK=infinity"
					     : "",
				 said.len ? "\n" : "", text_str(&said));
	object->loaded = true;
	map_memory(object);
	return 0;
}

struct map object_map_shape(const struct object_map *map)
{
	if (map->sealed)
		return map->shape;
	return (struct map){
		.fd = -1,
		.type = bpf_map__type(map->bpf),
		.key_size = bpf_map__key_size(map->bpf),
		.value_size = bpf_map__value_size(map->bpf),
		.max_entries = bpf_map__max_entries(map->bpf),
		.flags = bpf_map__map_flags(map->bpf),
	};
}

int object_map_describe(const struct object_map *map, struct map *ret, struct error *err)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int fd, r;

	if (map->sealed) {
		*ret = map->shape;
		ret->memory = map->memory;
		return 0;
	}
	fd = bpf_map__fd(map->bpf);
	r = fd < 0 ? -EBADF : bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return error_set(err, r, "map %s: %s", map->name, error_text(r));
	*ret = (struct map){
		.fd = fd,
		.type = info.type,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.max_entries = info.max_entries,
		/* The kernel does not report the flags of the descriptor, such as BPF_F_WRONLY. */
		.flags = info.map_flags | bpf_map__map_flags(map->bpf),
		.id = info.id,
	};
	return 0;
}
