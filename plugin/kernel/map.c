/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

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
	return map_type_get(type)->mappable &&
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
