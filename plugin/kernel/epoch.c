/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/epoch.h"
#include "base/clock.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#define CLOCK_READS 5

/*
 * The thread may be preempted between the two clock reads, so the shortest of several tries counts.
 */
static uint64_t epoch_base(void)
{
	uint64_t base = 0, shortest = UINT64_MAX;

	for (int i = 0; i < CLOCK_READS; i++) {
		uint64_t up = clock_now_ns(), wall = clock_ns(CLOCK_REALTIME);
		uint64_t duration = clock_now_ns() - up;

		if (duration < shortest) {
			shortest = duration;
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

int epoch_set(struct bpf_map *map, const struct btf *btf, uint32_t section_type, struct error *err)
{
	const struct btf_type *section = btf ? btf__type_by_id(btf, section_type) : NULL;
	const uint64_t base = epoch_base();
	_cleanup_free_ char *value = NULL;
	const void *initial;
	int64_t offset;
	size_t size;
	int r;

	if (!section || !btf_is_datasec(section))
		return 0;
	initial = bpf_map__initial_value(map, &size);
	offset = initial ? epoch_offset(btf, section, size) : -1;
	if (offset < 0)
		return 0;
	value = malloc(size);
	if (!value)
		return error_oom(err);
	memcpy(value, initial, size);
	memcpy(value + offset, &base, sizeof(base));
	r = bpf_map__set_initial_value(map, value, size);
	return r < 0 ? error_set(err, r, "cannot set dynmon_epoch_base: %s", strerror(-r)) : 0;
}
