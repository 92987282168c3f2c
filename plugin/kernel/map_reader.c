/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#define TRIE_PASSES_MAX 8

/*
 * Held while entries are read and then emptied by another call: two of our own readers, each
 * between the other's calls, would both be given what was counted once.
 */
static pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own, for a map type without the call */
#endif

/* Sets the capacity to n entries, at least 1 and at most the map's. */
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

static size_t entry_bytes(const struct map *map)
{
	return map->key_size + map_value_stride(map);
}

int map_reader_init(struct map_reader *reader, const struct map *map, bool empty)
{
	/* The kernel's place is a u32 in hashes and a key elsewhere. */
	size_t cursor = map->key_size > sizeof(uint32_t) ? map->key_size : sizeof(uint32_t);
	size_t n = MAP_BATCH_BYTES / (entry_bytes(map) + 1);
	int r;

	*reader = (struct map_reader){ .map = *map, .empty = empty };
	if (map_kind(map->type) == MAP_UNREADABLE)
		return -EOPNOTSUPP;
	reader->cursor = calloc(1, cursor);
	reader->next_cursor = calloc(1, cursor);
	reader->last = calloc(1, cursor);
	/* A handful fits the common hash bucket, however large the values. */
	if (map_kind(map->type) == MAP_HASH && n < 32)
		n = 32;
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
	*reader = (struct map_reader){};
}

static void reader_advance(struct map_reader *reader)
{
	char *cursor = reader->cursor;

	reader->cursor = reader->next_cursor;
	reader->next_cursor = cursor;
	reader->started = true;
}

static bool not_supported(int code)
{
	return code == -ENOTSUPP || code == -EOPNOTSUPP || code == -EINVAL;
}

/* One batch call. 0 with *count, and reader->done at the end of the map; or -errno. */
static int lookup_batch(struct map_reader *reader, uint32_t *count)
{
	bool take = reader->empty && map_kind(reader->map.type) == MAP_HASH;
	char *from = reader->started ? reader->cursor : NULL;
	int r;

	*count = reader->capacity;
	if (take)
		r = bpf_map_lookup_and_delete_batch(reader->map.fd, from, reader->next_cursor,
						    reader->keys, reader->values, count, NULL);
	else
		r = bpf_map_lookup_batch(reader->map.fd, from, reader->next_cursor, reader->keys,
					 reader->values, count, NULL);
	if (r == -ENOENT) {
		reader->done = true;
		return 0;
	}
	if (r == 0)
		reader_advance(reader);
	return r;
}

/* Takes what was just read out of a map that has no call for both at once. */
static int empty_batch(struct map_reader *reader, uint32_t count)
{
	size_t stride = map_value_stride(&reader->map);
	_cleanup_free_ char *zeros = NULL;
	uint32_t n = count;
	int r = 0;

	if (map_kind(reader->map.type) == MAP_TRIE) {
		/* It stops at a key that somebody else has deleted meanwhile. */
		for (uint32_t at = 0; at < count && r == 0; at += n + 1) {
			n = count - at;
			r = bpf_map_delete_batch(reader->map.fd,
						 reader->keys + (size_t)at * reader->map.key_size,
						 &n, NULL);
			r = r == -ENOENT ? 0 : r;
		}
		/*
		 * The cursor's own key is gone: what is left is found from the start, and an end
		 * must be set to a pass that others fill up again.
		 */
		reader->started = false;
		if (reader->seen + count >= reader->map.max_entries)
			reader->done = true;
		return r;
	}
	zeros = calloc(count, stride);
	if (!zeros)
		return -ENOMEM;
	return bpf_map_update_batch(reader->map.fd, reader->keys, zeros, &n, NULL);
}

/*
 * Whether a key comes after another one in a trie, which is walked children before parents. A key
 * is the number of its bits, and the bits.
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
 * When others delete the key that the kernel has in hand, it starts a trie all over: what has been
 * given is left out.
 */
static void trie_skip_seen(struct map_reader *reader, uint32_t *count)
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
	/* A pass has an end, however often others make it start all over. */
	if (reader->looked_at > TRIE_PASSES_MAX * (uint64_t)reader->map.max_entries)
		reader->done = true;
	*count = to;
}

static int next_by_batch(struct map_reader *reader, uint32_t *count)
{
	bool trie = map_kind(reader->map.type) == MAP_TRIE;
	int r;

	if (reader->empty) /* what was given is gone, and each batch begins at the start */
		reader->has_last = false;

	for (;;) {
		r = lookup_batch(reader, count);
		if (r == 0 && trie)
			trie_skip_seen(reader, count);
		if (r == -ENOSPC) { /* a hash bucket larger than the buffers */
			size_t bytes = 2 * (size_t)reader->capacity * entry_bytes(&reader->map);

			if (bytes > MAP_BATCH_BYTES_MAX ||
			    reader->capacity >= reader->map.max_entries)
				return -ENOTSUPP;
			r = reader_resize(reader, 2 * (size_t)reader->capacity);
			if (r < 0)
				return r;
			continue;
		}
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0 || *count || reader->done)
			break;
	}
	if (r == 0 && *count && reader->empty && map_kind(reader->map.type) != MAP_HASH)
		r = empty_batch(reader, *count);
	return r;
}

/*
 * Key by key, for kernels and map types without batch calls. The key after the one at hand
 * is asked for before that one may be deleted by us; when others delete it, the kernel goes
 * on from the start, and the bound on steps ends the pass.
 */
static int next_by_key(struct map_reader *reader, uint32_t *count)
{
	size_t key_size = reader->map.key_size, stride = map_value_stride(&reader->map);
	int r;

	for (*count = 0; *count < reader->capacity;) {
		char *key = reader->keys + *count * key_size;
		char *value = reader->values + *count * stride;
		bool more;

		if (!reader->started) {
			r = bpf_map_get_next_key(reader->map.fd, NULL, reader->cursor);
			if (r == -ENOENT)
				reader->done = true;
			if (r < 0)
				return r == -ENOENT ? 0 : r;
			reader->started = true;
		}
		if (reader->seen + *count >= reader->map.max_entries) {
			reader->done = true;
			return 0;
		}
		memcpy(key, reader->cursor, key_size);
		r = bpf_map_get_next_key(reader->map.fd, key, reader->next_cursor);
		if (r < 0 && r != -ENOENT)
			return r;
		more = r == 0;
		r = bpf_map_lookup_elem(reader->map.fd, key, value);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0) {
			if (reader->empty && map_kind(reader->map.type) == MAP_ARRAY) {
				_cleanup_free_ char *zero = calloc(1, stride);

				r = zero ? bpf_map_update_elem(reader->map.fd, key, zero, BPF_ANY)
					 : -ENOMEM;
			} else if (reader->empty) {
				r = bpf_map_delete_elem(reader->map.fd, key);
			}
			if (r < 0 && r != -ENOENT)
				return r;
			++*count;
		}
		if (!more) {
			reader->done = true;
			return 0;
		}
		reader_advance(reader);
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

/* A batch of maps that have keys, by the kernel's calls. */
static int next_by_call(struct map_reader *reader, uint32_t *count)
{
	int r = 0;

	if (!reader->by_key) {
		r = next_by_batch(reader, count);
		if (not_supported(r) && !reader->seen) {
			reader->by_key = true;
			reader->started = false;
		}
	}
	return reader->by_key ? next_by_key(reader, count) : r;
}

int map_reader_next(struct map_reader *reader, struct map_batch *batch)
{
	bool queue = map_kind(reader->map.type) == MAP_QUEUE;
	uint32_t count = 0;
	int r = 0;

	if (reader->done)
		return 0;
	if (queue) {
		r = next_by_pop(reader, &count);
	} else if (reader->map.memory && reader->empty) {
		r = next_by_exchange(reader, &count);
	} else if (reader->empty) {
		pthread_mutex_lock(&taking);
		r = next_by_call(reader, &count);
		pthread_mutex_unlock(&taking);
	} else {
		r = next_by_call(reader, &count);
	}
	if (r < 0)
		return r;
	reader->seen += count;
	*batch = (struct map_batch){
		.keys = queue ? NULL : reader->keys,
		.values = reader->values,
		.key_stride = reader->map.key_size,
		.value_stride = map_value_stride(&reader->map),
		.count = count,
	};
	return count > 0;
}
