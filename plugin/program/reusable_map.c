/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/reusable_map.h"
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
	struct reusable_map *items = realloc(
		reusable_maps->items, (reusable_maps->n + 1) * sizeof(*reusable_maps->items));

	reusable_map->name = strdup(reusable_map->name);
	if (items)
		reusable_maps->items = items;
	if (!items || !reusable_map->name) {
		reusable_map_release(reusable_map);
		return -ENOMEM;
	}
	items[reusable_maps->n++] = *reusable_map;
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
 * Removes flags that do not distinguish maps: access modes of the descriptor, and BPF_F_MMAPABLE,
 * which only affects reading.
 */
static uint32_t map_flags(uint32_t flags)
{
	return flags & ~(uint32_t)(BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_MMAPABLE);
}

/*
 * Returns true for data that survives a reload: ordinary maps and zero-initialized global
 * variables. Other variables and constants are initialized by the new code.
 */
static bool is_data(const struct object_map *map)
{
	const char *name = bpf_map__name(map->bpf);
	size_t len = strlen(name);

	return !bpf_map__is_internal(map->bpf) || (len >= 4 && !strcmp(name + len - 4, ".bss"));
}

int reusable_map_use(const struct reusable_map *reusable_map, const struct object *object,
		     struct object_map *map, struct text *why, struct error *err)
{
	const struct bpf_map *bpf = map->bpf;
	const struct map *old = &reusable_map->map;
	int key, value, r;

	if (map_kind(bpf_map__type(bpf)) == MAP_UNREADABLE || !is_data(map)) {
		text_adds(why, "maps of this kind are made for each program");
		return 0;
	}
	if (old->type != bpf_map__type(bpf)) {
		text_printf(why, "it is a %s now, it was a %s", map_type_name(bpf_map__type(bpf)),
			    map_type_name(old->type));
		return 0;
	}
	if (old->key_size != bpf_map__key_size(bpf) ||
	    old->value_size != bpf_map__value_size(bpf)) {
		text_printf(why, "key and value have %u and %u bytes now, they had %u and %u",
			    bpf_map__key_size(bpf), bpf_map__value_size(bpf), old->key_size,
			    old->value_size);
		return 0;
	}
	if (old->max_entries != bpf_map__max_entries(bpf)) {
		text_printf(why, "it has room for %u entries now, it had for %u",
			    bpf_map__max_entries(bpf), old->max_entries);
		return 0;
	}
	if (map_flags(old->flags) != map_flags(bpf_map__map_flags(bpf))) {
		text_printf(why, "its flags are %#x now, they were %#x",
			    map_flags(bpf_map__map_flags(bpf)), map_flags(old->flags));
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
	    bpf_map__map_flags(bpf) & BPF_F_MMAPABLE)
		r = object_map_set_past(map, old, err);
	else
		r = object_map_reuse(map, old->fd, err);
	return r < 0 ? r : 1;
}
