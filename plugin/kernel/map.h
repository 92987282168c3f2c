/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shape of an eBPF map. A struct map is a description without ownership: its object owns the
 * descriptor and the memory mapping.
 */
#ifndef DYNMON_KERNEL_MAP_H
#define DYNMON_KERNEL_MAP_H

#include "kernel/map_type.h"

#include <stddef.h>

/*
 * Limit in bytes of what the kernel allocates for the entries of one map when it creates the map,
 * so that a mistyped size cannot exhaust the memory.
 */
#define MAP_BYTES_MAX (2ULL * 1024 * 1024 * 1024)

/* Shape of a map, and the descriptor to read from, which the map's object owns. */
struct map {
	int fd;
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	char *memory; /* mapped values, see map_is_mappable(); NULL: not mapped */
	uint32_t id;  /* kernel id */
};

/* Returns the number of possible CPUs: the number of values per entry of a per-CPU map. */
unsigned int map_cpus(void);
/* Returns the distance in bytes between the values of two CPUs in an entry. */
size_t map_cpu_stride(const struct map *map);
/* Returns the distance in bytes between the values of two entries in a batch. */
size_t map_value_stride(const struct map *map);

/*
 * Returns true if values of this type and size can be mapped into memory (BPF_F_MMAPABLE): arrays
 * with 4- or 8-byte integer values. A mapped value can be emptied with an atomic exchange, which
 * loses no update that programs make with atomic additions.
 */
bool map_is_mappable(uint32_t type, uint32_t value_size);
/* Distance in bytes between mapped values: the kernel rounds values up to 8 bytes. */
#define MAP_MEMORY_STRIDE sizeof(uint64_t)

/**
 * map_memory_map() - map the values of a map into memory
 * @map:  a map with BPF_F_MMAPABLE
 *
 * Return: the memory, to be released with map_memory_unmap(); NULL if it cannot be mapped.
 */
char *map_memory_map(const struct map *map);
void map_memory_unmap(const struct map *map, char *memory);

#endif
