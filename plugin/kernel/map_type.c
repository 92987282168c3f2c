/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/map_type.h"

#include <bpf/libbpf.h>

static const struct map_type map_types[] = {
	[BPF_MAP_TYPE_HASH] = { "hash", MAP_HASH, .fills = true },
	[BPF_MAP_TYPE_ARRAY] = { "array", MAP_ARRAY, .mappable = true },
	[BPF_MAP_TYPE_PROG_ARRAY] = { "prog_array", .refers = true },
	[BPF_MAP_TYPE_PERCPU_HASH] = { "percpu_hash", MAP_HASH, .percpu = true, .fills = true },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { "percpu_array", MAP_ARRAY, .percpu = true },
	[BPF_MAP_TYPE_LRU_HASH] = { "lru_hash", MAP_HASH },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { "lru_percpu_hash", MAP_HASH, .percpu = true },
	[BPF_MAP_TYPE_LPM_TRIE] = { "lpm_trie", MAP_TRIE, .fills = true },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { "array_of_maps", .refers = true },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { "hash_of_maps", .refers = true },
	[BPF_MAP_TYPE_QUEUE] = { "queue", MAP_QUEUE, .fills = true },
	[BPF_MAP_TYPE_STACK] = { "stack", MAP_QUEUE, .fills = true },
};

const struct map_type *map_type_get(uint32_t type)
{
	static const struct map_type unreadable = {};

	return type < ARRAY_SIZE(map_types) ? &map_types[type] : &unreadable;
}

const char *map_type_name(uint32_t type)
{
	const char *name = map_type_get(type)->name;

	if (!name)
		name = libbpf_bpf_map_type_str((enum bpf_map_type)type);
	return name ? name : "unknown";
}

void map_type_list_readable(struct text *out)
{
	const char *separator = "";

	for (uint32_t type = 0; type < ARRAY_SIZE(map_types); type++) {
		if (map_kind(type) == MAP_UNREADABLE)
			continue;
		text_printf(out, "%s%s", separator, map_types[type].name);
		separator = ", ";
	}
}
