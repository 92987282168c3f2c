/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/map_reader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Limit of the trie entries that one pass looks at, as a multiple of max_entries. */
#define TRIE_PASSES_MAX 8

/*
 * Limit of consecutive batch calls that return nothing because of contention for locks in the
 * kernel.
 */
#define RETRIES_MAX 1000

/*
 * Serializes passes that empty a map, because some read and remove entries in separate system
 * calls. Otherwise two readers in this process could interleave and both return the same counts.
 */
static pthread_mutex_t emptying = PTHREAD_MUTEX_INITIALIZER;

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* kernel-internal: the map type lacks the call */
#endif

/* Sets the capacity of the buffers to n entries, at least 1 and at most max_entries. */
static int reader_resize(struct map_reader *reader, size_t n)
{
	size_t stride = map_value_stride(&reader->map);
	char *keys, *values;

	if (n > reader->map.max_entries)
		n = reader->map.max_entries;
	if (n < 1)
		n = 1;
	keys = realloc(reader->keys, n * (reader->map.key_size ? reader->map.key_size : 1));
	if (keys)
		reader->keys = keys;
	values = realloc(reader->values, n * stride);
	if (values)
		reader->values = values;
	if (!keys || !values)
		return -ENOMEM;
	reader->capacity = (uint32_t)n;
	return 0;
}

static size_t map_reader_entry_bytes(const struct map *map)
{
	return map->key_size + map_value_stride(map);
}

int map_reader_init(struct map_reader *reader, const struct map *map, bool empty)
{
	/* The kernel's batch cursor is a u32 for hashes and a key for other types. */
	size_t cursor = map->key_size > sizeof(uint32_t) ? map->key_size : sizeof(uint32_t);
	size_t n = MAP_BATCH_BYTES / (map_reader_entry_bytes(map) + 1);
	int r;

	*reader = (struct map_reader){ .map = *map, .empty = empty };
	if (map_kind(map->type) == MAP_UNREADABLE)
		return -EOPNOTSUPP;
	reader->cursor = calloc(1, cursor);
	reader->next_cursor = calloc(1, cursor);
	reader->last = calloc(1, cursor);
	r = reader->cursor && reader->next_cursor && reader->last ? reader_resize(reader, n)
								  : -ENOMEM;
	if (r < 0)
		map_reader_release(reader);
	return r;
}

void map_reader_release(struct map_reader *reader)
{
	free(reader->keys);
	free(reader->values);
	free(reader->cursor);
	free(reader->next_cursor);
	free(reader->last);
	key_walk_release(&reader->walk);
	*reader = (struct map_reader){};
}

static bool not_supported(int code)
{
	return code == -ENOTSUPP || code == -EOPNOTSUPP || code == -EINVAL;
}

static bool is_transient(int code)
{
	return code == -EINTR || code == -EAGAIN || code == -EBUSY;
}

/*
 * Makes one batch call. Returns 0 and sets *count, and reader->done at the end of the map; or
 * -errno.
 */
static int lookup_batch(struct map_reader *reader, uint32_t *count)
{
	bool delete = reader->empty && map_kind(reader->map.type) == MAP_HASH;
	char *from = reader->started ? reader->cursor : NULL;
	int r;

	*count = reader->capacity;
	if (delete)
		r = bpf_map_lookup_and_delete_batch(reader->map.fd, from, reader->next_cursor,
						    reader->keys, reader->values, count, NULL);
	else
		r = bpf_map_lookup_batch(reader->map.fd, from, reader->next_cursor, reader->keys,
					 reader->values, count, NULL);
	if (r == -ENOENT) {
		reader->done = true;
		return 0;
	}
	/* The call stopped early. The entries so far are valid and may have been deleted. */
	if (is_transient(r) && *count && *count < reader->capacity)
		r = 0;
	if (r < 0) {
		*count = 0;
		return r;
	}
	from = reader->cursor;
	reader->cursor = reader->next_cursor;
	reader->next_cursor = from;
	reader->started = true;
	return 0;
}

/*
 * Returns the number of entries that a batch call changed before it failed. A call that is rejected
 * as a whole leaves the number unchanged; a call that fails midway never reaches the last entry.
 */
static uint32_t changed_before_failure(uint32_t n, uint32_t given)
{
	return n < given ? n : 0;
}

/*
 * Deletes the entries that were just read, for map types without lookup-and-delete; array values
 * are set to zero. After a failure *count is the number of deleted entries.
 */
static int empty_batch(struct map_reader *reader, uint32_t *count)
{
	size_t stride = map_value_stride(&reader->map);
	_cleanup_free_ char *zeros = NULL;
	uint32_t n = *count;
	int r = 0;

	if (map_kind(reader->map.type) == MAP_TRIE) {
		/* The kernel stops at a key that was deleted concurrently. */
		for (uint32_t at = 0; at < *count && r == 0; at += n + 1) {
			n = *count - at;
			r = bpf_map_delete_batch(reader->map.fd,
						 reader->keys + (size_t)at * reader->map.key_size,
						 &n, NULL);
			if (r == -ENOENT)
				r = 0;
			else if (r < 0)
				*count = at + changed_before_failure(n, *count - at);
		}
		/*
		 * The key of the cursor was deleted, so the next batch starts at the first key.
		 * Programs may insert entries all the time; end the pass after max_entries entries.
		 */
		reader->started = false;
		if (reader->seen + *count >= reader->map.max_entries)
			reader->done = true;
		return r;
	}
	zeros = calloc(n, stride);
	r = zeros ? bpf_map_update_batch(reader->map.fd, reader->keys, zeros, &n, NULL) : -ENOMEM;
	if (r < 0)
		*count = changed_before_failure(n, *count);
	return r;
}

/*
 * Returns true if a key comes after another one in the kernel's order of a trie: children before
 * parents. A key consists of the number of its bits and the bits.
 */
static bool trie_after(const char *key, const char *other)
{
	uint32_t a, b, bit = 0;

	memcpy(&a, key, sizeof(a));
	memcpy(&b, other, sizeof(b));
	key += sizeof(a);
	other += sizeof(b);
	for (; bit < a && bit < b; bit++) {
		int mask = 0x80 >> bit % 8;

		if ((key[bit / 8] ^ other[bit / 8]) & mask)
			return key[bit / 8] & mask;
	}
	return a < b;
}

/*
 * Drops entries that were returned before: the kernel restarts a trie from the beginning if the key
 * of the cursor was deleted.
 */
static int trie_skip_seen(struct map_reader *reader, uint32_t *count)
{
	size_t key_size = reader->map.key_size, stride = map_value_stride(&reader->map);
	uint32_t to = 0;

	for (uint32_t from = 0; from < *count; from++) {
		const char *key = reader->keys + from * key_size;

		if (reader->has_last && !trie_after(key, reader->last))
			continue;
		memcpy(reader->last, key, key_size);
		reader->has_last = true;
		memmove(reader->keys + to * key_size, key, key_size);
		memmove(reader->values + to * stride, reader->values + from * stride, stride);
		to++;
	}
	reader->looked_at += *count;
	*count = to;
	/* Ends a pass that concurrent deletions restart over and over. */
	if (reader->looked_at <= TRIE_PASSES_MAX * (uint64_t)reader->map.max_entries)
		return 0;
	*count = 0;
	return -EBUSY;
}

/* Returns true if a key of a trie exists: for a deleted key the kernel starts over. */
static bool trie_has(const struct map_reader *reader, const char *key)
{
	int r = bpf_map_get_next_key(reader->map.fd, key, reader->next_cursor);

	return r == -ENOENT || (r == 0 && trie_after(reader->next_cursor, key));
}

/* Lets the next batch begin after the last key of the current batch that still exists. */
static void trie_resume(struct map_reader *reader)
{
	const char *key = reader->last;

	if (!reader->started || !reader->has_last)
		return;
	for (uint32_t i = reader->count; !trie_has(reader, key);) {
		if (!i)
			return;
		key = reader->keys + (size_t)--i * reader->map.key_size;
	}
	memcpy(reader->cursor, key, reader->map.key_size);
}

/*
 * Grows the buffers for a large hash bucket. Returns -ENOTSUPP if the bucket must be read by key.
 */
static int grow_for_bucket(struct map_reader *reader)
{
	size_t n = 2 * (size_t)reader->capacity;

	if (n * map_reader_entry_bytes(&reader->map) > MAP_BATCH_BYTES_MAX ||
	    reader->capacity >= reader->map.max_entries)
		return -ENOTSUPP;
	return reader_resize(reader, n);
}

static int next_by_batch(struct map_reader *reader, uint32_t *count)
{
	bool trie = map_kind(reader->map.type) == MAP_TRIE;
	unsigned int retries = 0;
	int r;

	if (reader->empty) /* returned keys were deleted; each batch begins at the start */
		reader->has_last = false;
	do {
		if (trie)
			trie_resume(reader);
		r = lookup_batch(reader, count);
		if (r == 0 && trie) {
			r = trie_skip_seen(reader, count);
			reader->count = *count;
		} else if (r == -ENOSPC) {
			r = grow_for_bucket(reader);
		} else if (is_transient(r) && ++retries < RETRIES_MAX) {
			r = 0;
		}
	} while (r == 0 && !*count && !reader->done);
	if (r == 0 && *count && reader->empty && map_kind(reader->map.type) != MAP_HASH)
		r = empty_batch(reader, count);
	return r;
}

/*
 * Reads or takes the value of a key. Returns 1, 0 if the key was deleted concurrently, or -errno.
 */
static int read_by_key(const struct map_reader *reader, const char *key, char *value)
{
	int r = -ENOTSUPP;

	if (reader->empty && map_kind(reader->map.type) == MAP_HASH)
		r = bpf_map_lookup_and_delete_elem(reader->map.fd, key, value);
	if (not_supported(r)) {
		r = bpf_map_lookup_elem(reader->map.fd, key, value);
		if (r == 0 && reader->empty)
			r = bpf_map_delete_elem(reader->map.fd, key);
	}
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

/* Reads a hash or trie key by key, where batch calls are not possible. */
static int next_by_key(struct map_reader *reader, uint32_t *count)
{
	size_t key_size = reader->map.key_size, stride = map_value_stride(&reader->map);

	for (*count = 0; *count < reader->capacity;) {
		char *key = reader->keys + *count * key_size;
		int r = key_walk_next(&reader->walk, key);

		if (r == 0)
			reader->done = true;
		if (r <= 0)
			return r;
		r = read_by_key(reader, key, reader->values + *count * stride);
		if (r < 0)
			return r;
		*count += (uint32_t)r;
	}
	return 0;
}

/* Reads an array index by index. Keys of an array never change. */
static int next_by_index(struct map_reader *reader, uint32_t *count)
{
	size_t stride = map_value_stride(&reader->map);
	_cleanup_free_ char *zero = reader->empty ? calloc(1, stride) : NULL;

	if (reader->empty && !zero)
		return -ENOMEM;
	for (*count = 0; *count < reader->capacity; ++*count) {
		uint32_t index = (uint32_t)reader->seen + *count;
		char *key = reader->keys + *count * sizeof(index);
		int r;

		if (index >= reader->map.max_entries) {
			reader->done = true;
			return 0;
		}
		memcpy(key, &index, sizeof(index));
		r = bpf_map_lookup_elem(reader->map.fd, key, reader->values + *count * stride);
		if (r == 0 && reader->empty)
			r = bpf_map_update_elem(reader->map.fd, key, zero, BPF_ANY);
		if (r < 0)
			return r;
	}
	return 0;
}

static int next_by_pop(struct map_reader *reader, uint32_t *count)
{
	for (*count = 0; *count < reader->capacity; ++*count) {
		int r;

		if (reader->seen + *count >= reader->map.max_entries) {
			reader->done = true;
			return 0;
		}
		r = bpf_map_lookup_and_delete_elem(
			reader->map.fd, NULL, reader->values + *count * reader->map.value_size);
		if (r == -ENOENT)
			reader->done = true;
		if (r < 0)
			return r == -ENOENT ? 0 : r;
	}
	return 0;
}

static int next_by_exchange(struct map_reader *reader, uint32_t *count)
{
	uint32_t size = reader->map.value_size;

	for (*count = 0; *count < reader->capacity; ++*count) {
		uint32_t index = (uint32_t)reader->seen + *count;
		char *value = reader->map.memory + index * MAP_MEMORY_STRIDE;
		uint64_t word;

		if (index >= reader->map.max_entries) {
			reader->done = true;
			return 0;
		}
		if (size == sizeof(uint64_t)) {
			word = __atomic_exchange_n((uint64_t *)value, 0, __ATOMIC_ACQ_REL);
			memcpy(reader->values + *count * size, &word, size);
		} else {
			uint32_t half = __atomic_exchange_n((uint32_t *)value, 0, __ATOMIC_ACQ_REL);

			memcpy(reader->values + *count * size, &half, size);
		}
		memcpy(reader->keys + *count * sizeof(index), &index, sizeof(index));
	}
	return 0;
}

/*
 * Begins to read by key. In a hash, batch calls and key walks have the same order, so the keys of
 * the current batch are the last ones that were returned. Keys that were deleted from the map need
 * no record.
 */
static int key_walk_begin(struct map_reader *reader)
{
	const struct map *map = &reader->map;
	int r = key_walk_init(&reader->walk, map->fd, map->key_size, map->max_entries,
			      reader->empty);

	if (r == 0 && reader->seen && !reader->empty)
		r = key_walk_resume(&reader->walk, reader->keys, reader->count);
	return r;
}

/* Reads a batch of a map with keys by system calls. */
static int next_by_call(struct map_reader *reader, uint32_t *count)
{
	int r = 0;

	if (!reader->by_key) {
		r = next_by_batch(reader, count);
		if (r != -ENOTSUPP && (!not_supported(r) || reader->seen))
			return r;
		reader->by_key = true;
	}
	if (map_kind(reader->map.type) == MAP_ARRAY)
		return next_by_index(reader, count);
	r = reader->walk.next ? 0 : key_walk_begin(reader);
	return r < 0 ? r : next_by_key(reader, count);
}

const char *map_reader_strerror(int code)
{
	if (code == -EBUSY)
		return "entries are deleted faster than they can be read";
	if (code == -EFBIG)
		return "the accumulator has reached its memory limit";
	return strerror(-code);
}

int map_reader_next(struct map_reader *reader, struct map_batch *batch)
{
	bool queue = map_kind(reader->map.type) == MAP_QUEUE;
	uint32_t count = 0;
	int r = 0;

	if (reader->error || reader->done)
		return reader->error;
	if (queue) {
		r = next_by_pop(reader, &count);
	} else if (reader->map.memory && reader->empty) {
		r = next_by_exchange(reader, &count);
	} else if (reader->empty) {
		pthread_mutex_lock(&emptying);
		r = next_by_call(reader, &count);
		pthread_mutex_unlock(&emptying);
	} else {
		r = next_by_call(reader, &count);
	}
	/* First return the entries that were read, and possibly deleted, before the failure. */
	reader->error = r < 0 ? r : 0;
	reader->seen += count;
	reader->count = count;
	*batch = (struct map_batch){
		.keys = queue ? NULL : reader->keys,
		.values = reader->values,
		.key_stride = reader->map.key_size,
		.value_stride = map_value_stride(&reader->map),
		.count = count,
	};
	return count ? 1 : r;
}
