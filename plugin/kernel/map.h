/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw reads of eBPF maps. A pass reads batch by batch into one reused buffer, so that memory is
 * bounded by a batch and not by the map.
 *
 * A struct map is a description without ownership: its object owns the descriptor and the memory
 * mapping. A struct map_reader is embedded in its owner and used by one thread at a time.
 */
#ifndef DYNMON_KERNEL_MAP_H
#define DYNMON_KERNEL_MAP_H

#include "base/error.h"
#include "kernel/key_walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit in bytes of the buffers of a batch, unless one entry or one hash bucket is larger. */
#define MAP_BATCH_BYTES (256 * 1024)
/*
 * Limit in bytes of a buffer. Larger hash buckets are read key by key; metric/metric.c rejects maps
 * with a larger entry.
 */
#define MAP_BATCH_BYTES_MAX (16 * 1024 * 1024)

/* Limit in bytes of the entries of one map, so that a mistyped size cannot exhaust the memory. */
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

enum map_kind {
	MAP_UNREADABLE,
	MAP_HASH,  /* arbitrary keys; entries come and go */
	MAP_ARRAY, /* keys 0 to max_entries - 1 always exist */
	MAP_QUEUE, /* no keys; a read removes the entry */
	MAP_TRIE,  /* like a hash, but without lookup-and-delete */
};

/* Returns how maps of a type (enum bpf_map_type) are read. */
enum map_kind map_kind(uint32_t type);
/* Returns true if the type has one value for each possible CPU. */
bool map_is_percpu(uint32_t type);
/* Returns the name of a map type, such as "percpu_array"; "unknown" if there is none. */
const char *map_type_name(uint32_t type);
/* Returns the names of the readable map types, separated by ", ", for messages. */
const char *map_readable_types(void);
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
/**
 * map_add() - add the values of one array to another one
 * @to:    map with mapped values; programs may write to it concurrently
 * @from:  map of the same shape that nothing writes to
 *
 * Return: 0 on success, -EOPNOTSUPP if @to is not mapped, -errno on failure.
 */
int map_add(const struct map *to, const struct map *from);

/* Entries of a map, valid until the next call on their reader. */
struct map_batch {
	const char *keys; /* NULL for queues; entry i is at keys + i * key_stride */
	const char *values;
	size_t key_stride;
	size_t value_stride;
	uint32_t count;
};

/*
 * One pass over a map. Embedded in its owner; used by one thread at a time.
 *
 * An entry that others insert or delete during the pass may be missing or present. All other
 * entries are returned exactly once. With @empty set, entries are removed as they are read; array
 * values are set to zero. A pass over a queue or stack always removes what it reads, at most
 * max_entries entries.
 *
 * A pass always terminates, with all entries or with an error, whatever others do to the map.
 */
struct map_reader {
	struct map map;
	bool empty;
	bool by_key; /* batch calls are not possible */
	bool done;
	bool started;
	int error;	   /* -errno that ended the pass */
	uint32_t capacity; /* entries that the buffers hold */
	uint32_t count;	   /* entries of the current batch */
	uint64_t seen;	   /* entries returned so far */
	char *last;	   /* tries: last key returned */
	bool has_last;
	uint64_t looked_at;   /* tries: entries returned or skipped */
	struct key_walk walk; /* if by_key; unused for arrays */
	char *keys;
	char *values;
	char *cursor; /* cursors of the kernel's batch calls, used in turn */
	char *next_cursor;
};

/**
 * map_reader_init() - prepare a pass over a map
 * @reader:  is initialized; release with map_reader_release() after success
 * @map:     the map; copied, its descriptor and memory must stay valid during the pass
 * @empty:   remove entries, or set array values to zero, as they are read
 *
 * Return: 0 on success, -EOPNOTSUPP if the map type is not readable, -ENOMEM.
 */
int map_reader_init(struct map_reader *reader, const struct map *map, bool empty);

/**
 * map_reader_next() - read the next batch of a map
 * @reader:  initialized reader, used by one thread
 * @batch:   receives pointers into the reader's buffers, valid until the next call
 *
 * Return: 1 if the batch holds entries, 0 at the end of the map, -EBUSY if others delete entries
 * faster than the reader proceeds, -errno on any other failure. A failure ends the pass.
 */
int map_reader_next(struct map_reader *reader, struct map_batch *batch);

/* Returns the text of a map_reader_next() error; strerror() does not cover all of them. */
const char *map_reader_strerror(int code);

void map_reader_release(struct map_reader *reader);

#endif
