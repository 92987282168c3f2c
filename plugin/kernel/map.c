/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static const struct map_type {
	uint32_t type;
	const char *name;
	enum map_kind kind;
	bool percpu;
} map_types[] = {
	{ BPF_MAP_TYPE_HASH, "hash", MAP_HASH, false },
	{ BPF_MAP_TYPE_ARRAY, "array", MAP_ARRAY, false },
	{ BPF_MAP_TYPE_PERCPU_HASH, "percpu_hash", MAP_HASH, true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, "percpu_array", MAP_ARRAY, true },
	{ BPF_MAP_TYPE_LRU_HASH, "lru_hash", MAP_HASH, false },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, "lru_percpu_hash", MAP_HASH, true },
	{ BPF_MAP_TYPE_LPM_TRIE, "lpm_trie", MAP_TRIE, false },
	{ BPF_MAP_TYPE_QUEUE, "queue", MAP_QUEUE, false },
	{ BPF_MAP_TYPE_STACK, "stack", MAP_QUEUE, false },
};

static const struct map_type *map_type_find(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_types); i++)
		if (map_types[i].type == type)
			return &map_types[i];
	return NULL;
}

enum map_kind map_kind(uint32_t type)
{
	const struct map_type *known = map_type_find(type);

	return known ? known->kind : MAP_UNREADABLE;
}

bool map_is_percpu(uint32_t type)
{
	const struct map_type *known = map_type_find(type);

	return known && known->percpu;
}

const char *map_type_name(uint32_t type)
{
	const struct map_type *known = map_type_find(type);
	const char *name = known ? known->name : libbpf_bpf_map_type_str((enum bpf_map_type)type);

	return name ? name : "unknown";
}

const char *map_readable_types(void)
{
	return "hash, array, percpu_hash, percpu_array, lru_hash, lru_percpu_hash, lpm_trie, "
	       "queue, stack";
}

static unsigned int possible_cpus;

static void map_count_cpus(void)
{
	int n = libbpf_num_possible_cpus();

	possible_cpus = n > 0 ? (unsigned int)n : 1;
}

unsigned int map_cpus(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, map_count_cpus);
	return possible_cpus;
}

size_t map_cpu_stride(const struct map *map)
{
	return ((size_t)map->value_size + 7) & ~(size_t)7;
}

size_t map_value_stride(const struct map *map)
{
	return map_is_percpu(map->type) ? map_cpu_stride(map) * map_cpus() : map->value_size;
}

bool map_is_mappable(uint32_t type, uint32_t value_size)
{
	return type == BPF_MAP_TYPE_ARRAY &&
	       (value_size == sizeof(uint32_t) || value_size == sizeof(uint64_t));
}

char *map_memory_map(const struct map *map)
{
	char *memory;

	if (!(map->flags & BPF_F_MMAPABLE) || !map_is_mappable(map->type, map->value_size))
		return NULL;
	memory = mmap(NULL, map->max_entries * MAP_MEMORY_STRIDE, PROT_READ | PROT_WRITE,
		      MAP_SHARED, map->fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void map_memory_unmap(const struct map *map, char *memory)
{
	if (memory)
		munmap(memory, map->max_entries * MAP_MEMORY_STRIDE);
}

static void add_word(char *memory, const char *value, uint32_t size)
{
	uint64_t word;
	uint32_t half;

	if (size == sizeof(word)) {
		memcpy(&word, value, sizeof(word));
		__atomic_fetch_add((uint64_t *)memory, word, __ATOMIC_RELAXED);
	} else {
		memcpy(&half, value, sizeof(half));
		__atomic_fetch_add((uint32_t *)memory, half, __ATOMIC_RELAXED);
	}
}

int map_add(const struct map *to, const struct map *from)
{
	struct map_reader reader;
	struct map_batch batch;
	int r = to->memory ? map_reader_init(&reader, from, false) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	while ((r = map_reader_next(&reader, &batch)) > 0)
		for (uint32_t i = 0; i < batch.count; i++) {
			uint32_t index;

			memcpy(&index, batch.keys + i * batch.key_stride, sizeof(index));
			if (index < to->max_entries)
				add_word(to->memory + index * MAP_MEMORY_STRIDE,
					 batch.values + i * batch.value_stride, to->value_size);
		}
	map_reader_release(&reader);
	return r;
}
