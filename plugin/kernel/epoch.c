/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/epoch.h"
#include "kernel/object.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <time.h>

#define LOOKS 5

static uint64_t epoch_look(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/*
 * The thread may be preempted between the two clock reads, so the shortest of several tries counts.
 */
static uint64_t epoch_base(void)
{
	uint64_t base = 0, shortest = UINT64_MAX;

	for (int i = 0; i < LOOKS; i++) {
		uint64_t up = epoch_look(CLOCK_MONOTONIC), wall = epoch_look(CLOCK_REALTIME);
		uint64_t took = epoch_look(CLOCK_MONOTONIC) - up;

		if (took < shortest) {
			shortest = took;
			base = wall - up;
		}
	}
	return base;
}

/*
 * Returns the offset of the constant in the section; -1 if it is missing, not a u64 or out of
 * bounds.
 */
static int64_t epoch_offset(const struct btf *btf, const struct btf_type *section, size_t size)
{
	const struct btf_var_secinfo *vars = btf_var_secinfos(section);

	for (uint32_t i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *var = btf__type_by_id(btf, vars[i].type);

		if (!var || !btf_is_var(var) ||
		    strcmp(type_name(btf, var->name_off), "dynmon_epoch_base") != 0)
			continue;
		return vars[i].size == sizeof(uint64_t) && size >= sizeof(uint64_t) &&
				       vars[i].offset <= size - sizeof(uint64_t)
			       ? (int64_t)vars[i].offset
			       : -1;
	}
	return -1;
}

int object_set_epoch(struct object *object, struct error *err)
{
	const struct btf *btf = object_btf(object);

	for (size_t i = 0; btf && i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		const struct btf_type *section = btf__type_by_id(btf, map->value_type);
		const uint64_t base = epoch_base();
		_cleanup_free_ char *value = NULL;
		const void *initial;
		int64_t offset;
		size_t size;
		int r;

		/* A reused map already has its values: the second copy of a program shares it. */
		if (!map->internal || map->reused || !section || !btf_is_datasec(section))
			continue;
		initial = bpf_map__initial_value(map->bpf, &size);
		offset = initial ? epoch_offset(btf, section, size) : -1;
		if (offset < 0)
			continue;
		value = malloc(size);
		if (!value)
			return error_oom(err);
		memcpy(value, initial, size);
		memcpy(value + offset, &base, sizeof(base));
		r = bpf_map__set_initial_value(map->bpf, value, size);
		if (r < 0)
			return error_set(err, r, "setting dynmon_epoch_base: %s", strerror(-r));
	}
	return 0;
}
