/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw reads of eBPF maps: batch by batch into one reused buffer, so that memory is a batch
 * and not the map.
 */
#ifndef DYNMON_KERNEL_MAP_H
#define DYNMON_KERNEL_MAP_H

#include "base/error.h"
#include "kernel/key_walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit of the buffers of a batch, unless one entry or one hash bucket is larger. */
#define MAP_BATCH_BYTES (256 * 1024)
/*
 * Limit of every buffer: maps with a larger entry are refused, a larger hash bucket is read by key.
 */
#define MAP_BATCH_BYTES_MAX (16 * 1024 * 1024)

/* The entries of one map; a mistyped size must not take the machine's memory. */
#define MAP_BYTES_MAX (2ULL * 1024 * 1024 * 1024)

/* The shape of a map, and the descriptor to read it by (owned by its object). */
struct map {
	int fd;
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	char *memory; /* the values, mapped: see map_is_mappable(); NULL: they are not */
	uint32_t id;  /* the kernel's */
};

enum map_kind {
	MAP_UNREADABLE,
	MAP_HASH,  /* any keys, entries come and go */
	MAP_ARRAY, /* keys 0 to max_entries - 1, always there */
	MAP_QUEUE, /* no keys; reading takes out */
	MAP_TRIE,  /* as hash, without the call that looks up and deletes */
};

/* How maps of that type are read. */
enum map_kind map_kind(uint32_t type);
/* Whether the type keeps one value for each possible CPU. */
bool map_is_percpu(uint32_t type);
/* "hash", "percpu_array" ...; "type 99" is answered as "unknown". */
const char *map_type_name(uint32_t type);
/* The readable ones, separated by ", ", for messages. */
const char *map_readable_types(void);
/* Possible CPUs of this machine: values per entry of a per-CPU map. */
unsigned int map_cpus(void);
/* Bytes from one CPU's value to the next in a per-CPU map. */
size_t map_cpu_stride(const struct map *map);
/* Bytes from one entry's value to the next as a read gives them. */
size_t map_value_stride(const struct map *map);

/*
 * Whether the values of such a map can be mapped into memory (BPF_F_MMAPABLE), one machine word
 * each: then emptying is an atomic exchange, which loses nothing that programs add atomically.
 */
bool map_is_mappable(uint32_t type, uint32_t value_size);
/* Bytes from one mapped value to the next: the kernel rounds up to 8, and the whole up to pages. */
#define MAP_MEMORY_STRIDE sizeof(uint64_t)

/* Maps the values of a map with BPF_F_MMAPABLE; NULL: not possible. Then map_memory_unmap(). */
char *map_memory_map(const struct map *map);
void map_memory_unmap(const struct map *map, char *memory);
/*
 * Adds the values of one map, which nothing writes to, to those of one of the same shape whose
 * values are mapped, where programs count meanwhile. -EOPNOTSUPP: they are not mapped; -errno.
 */
int map_add(const struct map *to, const struct map *from);

/* Some entries, valid until the next call on their reader. */
struct map_batch {
	const char *keys; /* NULL for queues; entry i at keys + i * key_stride */
	const char *values;
	size_t key_stride;
	size_t value_stride;
	uint32_t count;
};

/*
 * One pass over a map. Embedded in its owner; used by one thread at a time.
 *
 * An entry inserted or deleted by others during the pass may be missing or present; all
 * others come exactly once. empty: what is read is taken out (arrays: set to zero).
 * Queues and stacks are always emptied, by at most max_entries entries in a pass.
 *
 * A pass always ends, with all entries or with an error, whatever others do to the map.
 */
struct map_reader {
	struct map map;
	bool empty;
	bool by_key; /* batch calls are not possible */
	bool done;
	bool started;
	int error;	   /* -errno that ends the pass */
	uint32_t capacity; /* entries the buffers hold */
	uint32_t count;	   /* entries of the current batch */
	uint64_t seen;	   /* entries given so far */
	char *last;	   /* tries: the last key that was given */
	bool has_last;
	uint64_t looked_at;		    /* tries: entries, given or skipped */
	struct key_json_reader json_reader; /* without batch calls; unused for arrays */
	char *keys;
	char *values;
	char *cursor; /* the kernel's place in the map: two of them, in turn */
	char *next_cursor;
};

/* -ENOMEM; -EOPNOTSUPP for a type that cannot be read. After success: map_reader_release(). */
int map_reader_init(struct map_reader *reader, const struct map *map, bool empty);

/**
 * map_reader_next() - read the next batch of a map
 * @reader: initialized reader, used by one thread
 * @batch:  receives pointers into the reader's buffers, valid until the next call
 *
 * Return: 1 if the batch holds entries, 0 at the end of the map, -EBUSY if others delete entries
 * faster than the reader proceeds, -errno on any other failure. After a failure the pass is over.
 */
int map_reader_next(struct map_reader *reader, struct map_batch *batch);

/* The reason of a failed read, for messages; strerror() does not cover the reader's own errors. */
const char *map_reader_strerror(int code);

void map_reader_release(struct map_reader *reader);

#endif
