/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/reusable_map.h"
#include "base/array.h"
#include "decode/plan.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static void reusable_map_release(struct reusable_map *reusable_map)
{
	free(reusable_map->name);
	if (!reusable_map->owned)
		return;
	fd_close(&reusable_map->map.fd);
	btf__free(reusable_map->owned_btf);
}

int reusable_maps_add(struct reusable_maps *reusable_maps, struct reusable_map *reusable_map)
{
	struct reusable_map *item = NULL;

	reusable_map->name = strdup(reusable_map->name);
	if (reusable_map->name)
		item = array_append(reusable_maps->items, reusable_maps->n);
	if (!item) {
		reusable_map_release(reusable_map);
		return -ENOMEM;
	}
	*item = *reusable_map;
	return 0;
}

void reusable_maps_release(struct reusable_maps *reusable_maps)
{
	for (size_t i = 0; i < reusable_maps->n; i++)
		reusable_map_release(&reusable_maps->items[i]);
	free(reusable_maps->items);
	*reusable_maps = (struct reusable_maps){};
}

int reusable_maps_add_object(struct reusable_maps *reusable_maps, const struct object *object,
			     enum direction direction, bool second)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		struct reusable_map reusable_map = {
			.name = map->name,
			.direction = direction,
			.second = second,
			.swapped = map->swapped,
			.btf = object_btf(object),
			.key_type = map->key_type,
			.value_type = map->value_type,
		};
		int r;

		if (second && !map->swapped) /* shared with the first copy */
			continue;
		r = object_map_describe(map, &reusable_map.map, NULL);
		if (r == 0)
			r = reusable_maps_add(reusable_maps, &reusable_map);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

const struct reusable_map *reusable_maps_find(const struct reusable_maps *reusable_maps,
					      enum direction direction, bool second,
					      const struct object_map *map)
{
	const struct reusable_map *found = NULL;

	for (size_t i = 0; i < reusable_maps->n; i++) {
		const struct reusable_map *reusable_map = &reusable_maps->items[i];

		if (reusable_map->second != second || strcmp(reusable_map->name, map->name) != 0)
			continue;
		if (reusable_map->direction == direction)
			return reusable_map;
		if (map->scope != MAP_SCOPE_PROGRAM)
			found = reusable_map;
	}
	return found;
}

/* Returns 1 if both types decode in the same way, 0 if not, -errno. */
static int same_type(const struct reusable_map *reusable_map, const struct object *object, bool key,
		     const struct object_map *map, struct error *err)
{
	uint32_t size = key ? reusable_map->map.key_size : reusable_map->map.value_size;
	struct plan old, new;
	int r;

	if (!size || !reusable_map->btf)
		return 1;
	/* A type that cannot be decoded is compared by size only. */
	if (plan_init(&old, reusable_map->btf,
		      key ? reusable_map->key_type : reusable_map->value_type, size, NULL) < 0)
		return 1;
	r = plan_init(&new, object_btf(object), key ? map->key_type : map->value_type, size, err);
	if (r == 0) {
		r = plan_equal(&old, &new);
		plan_release(&new);
	}
	plan_release(&old);
	return r;
}

/*
 * Returns true for data that survives a reload: ordinary maps and zero-initialized global
 * variables. Other variables and constants are initialized by the new code or by the document.
 */
static bool map_survives(const struct object_map *map)
{
	const char *name = bpf_map__name(map->bpf);
	size_t len = strlen(name);

	return !map->internal || (!map->preset && len >= 4 && !strcmp(name + len - 4, ".bss"));
}

int reusable_map_use(const struct reusable_map *reusable_map, const struct object *object,
		     struct object_map *map, struct text *why, struct error *err)
{
	/*
	 * These flags do not distinguish maps: access modes of the descriptor, and BPF_F_MMAPABLE,
	 * which only affects reading.
	 */
	const uint32_t ignored = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_MMAPABLE;
	const struct map *old = &reusable_map->map, new = object_map_shape(map);
	int key, value, r;

	if (map_kind(new.type) == MAP_UNREADABLE || !map_survives(map)) {
		text_adds(why, "maps of this kind are made for each program");
		return 0;
	}
	if (old->type != new.type) {
		text_printf(why, "it is a %s now, it was a %s", map_type_name(new.type),
			    map_type_name(old->type));
		return 0;
	}
	if (old->key_size != new.key_size || old->value_size != new.value_size) {
		text_printf(why, "key and value have %u and %u bytes now, they had %u and %u",
			    new.key_size, new.value_size, old->key_size, old->value_size);
		return 0;
	}
	if (old->max_entries != new.max_entries) {
		text_printf(why, "it has room for %u entries now, it had for %u", new.max_entries,
			    old->max_entries);
		return 0;
	}
	if ((old->flags & ~ignored) != (new.flags & ~ignored)) {
		text_printf(why, "its flags are %#x now, they were %#x", new.flags & ~ignored,
			    old->flags & ~ignored);
		return 0;
	}
	if (reusable_map->swapped && !map->swapped) {
		text_adds(why, "it is not swapped on read any more");
		return 0;
	}
	key = same_type(reusable_map, object, true, map, err);
	value = key < 0 ? key : same_type(reusable_map, object, false, map, err);
	if (value < 0)
		return value;
	if (!key || !value) {
		text_printf(why, "the type of its %s is another one", key ? "value" : "key");
		return 0;
	}
	/*
	 * Taking counts out of a map is exact only in mapped memory. If the old map is not
	 * mappable, create a new map and add the old counts. A public map is reused in any case,
	 * because other monitors use it.
	 */
	if (map->counted && map->scope != MAP_SCOPE_PUBLIC && !(old->flags & BPF_F_MMAPABLE) &&
	    new.flags &BPF_F_MMAPABLE)
		r = object_map_set_past(map, old, err);
	else
		r = object_map_reuse(map, old->fd, err);
	return r < 0 ? r : 1;
}
