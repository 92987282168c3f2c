/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw reads of eBPF maps. A pass reads batch by batch into one reused buffer, so that memory is
 * bounded by a batch and not by the map.
 */
#ifndef DYNMON_KERNEL_MAP_READER_H
#define DYNMON_KERNEL_MAP_READER_H

#include "kernel/key_walk.h"
#include "kernel/map.h"

/* Limit in bytes of the buffers of a batch, unless one entry or one hash bucket is larger. */
#define MAP_BATCH_BYTES (256 * 1024)
/*
 * Limit in bytes of a buffer. Larger hash buckets are read key by key; metric/metric.c rejects maps
 * with a larger entry.
 */
#define MAP_BATCH_BYTES_MAX (16 * 1024 * 1024)

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
