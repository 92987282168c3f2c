/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/key_walk.h"
#include "base/buffer.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Added to the limit of system calls, because a small map may change several times within one walk.
 */
#define STEPS_SPARE 64

int key_walk_init(struct key_walk *walk, int fd, size_t key_size, uint32_t max_entries, bool taking)
{
	*walk = (struct key_walk){
		.fd = fd,
		.key_size = key_size,
		.taking = taking,
		.steps = KEY_WALK_STEPS_MAX * (uint64_t)max_entries + STEPS_SPARE,
		/* The key, and the number of the record that precedes it in the map. */
		.record_size = key_size + sizeof(uint32_t),
		.next = malloc(key_size),
	};
	return walk->next ? 0 : -ENOMEM;
}

void key_walk_release(struct key_walk *walk)
{
	buffer_free(walk->records, walk->size * walk->record_size);
	free(walk->next);
	index_release(&walk->index);
	*walk = (struct key_walk){};
}

/* Records are numbered from 1; 0 is the position before the first key. */
static char *record_at(const struct key_walk *walk, uint32_t number)
{
	return walk->records + (number - 1) * walk->record_size;
}

static struct index_keys record_keys(const struct key_walk *walk)
{
	return (struct index_keys){
		.first = walk->records,
		.stride = walk->record_size,
		.size = walk->key_size,
	};
}

static int record_add(struct key_walk *walk, const char *key, uint32_t before)
{
	char *record;
	int r;

	if (walk->n == walk->size) {
		size_t size = walk->size ? 2 * walk->size : 64;
		char *records = buffer_resize(walk->records, walk->size * walk->record_size,
					      size * walk->record_size);

		if (!records)
			return -ENOMEM;
		walk->records = records;
		walk->size = size;
	}
	r = index_reserve(&walk->index, record_keys(walk), walk->n, 1);
	if (r < 0)
		return r;
	record = record_at(walk, walk->n + 1);
	memcpy(record, key, walk->key_size);
	memcpy(record + walk->key_size, &before, sizeof(before));
	*index_slot(&walk->index, record_keys(walk), key) = ++walk->n;
	return 0;
}

/*
 * Moves top to the next key that was not returned yet. Returns 1, 0 at the end, or -errno.
 *
 * If the kernel returns a key that was returned before, either the kernel started over because the
 * current key was deleted, or the returned key was deleted and inserted again elsewhere. The walk
 * then tries the keys before the current one in turn. If none of these still exists, the walk
 * starts at the first key and skips the keys that were returned.
 */
static int key_walk_advance(struct key_walk *walk)
{
	uint32_t at = walk->top, found;
	bool onward = !at;
	int r;

	for (;;) {
		if (!walk->steps)
			return -EBUSY;
		walk->steps--;
		r = bpf_map_get_next_key(walk->fd, at ? record_at(walk, at) : NULL, walk->next);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		found = walk->n ? *index_slot(&walk->index, record_keys(walk), walk->next) : 0;
		if (!found)
			break;
		if (onward) {
			at = found;
			continue;
		}
		/* Continue from the record that precedes the current one. */
		memcpy(&at, record_at(walk, at) + walk->key_size, sizeof(at));
		onward = !at;
		if (onward && walk->partial)
			return -EBUSY;
	}
	if (record_add(walk, walk->next, walk->taking ? 0 : at) < 0)
		return -ENOMEM;
	walk->top = walk->n;
	return 1;
}

int key_walk_resume(struct key_walk *walk, const char *keys, uint32_t n)
{
	int r = 0;

	walk->partial = true;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		r = record_add(walk, keys + i * walk->key_size, walk->n);
		walk->top = walk->n;
	}
	return r;
}

int key_walk_next(struct key_walk *walk, char *key)
{
	if (!walk->started)
		walk->ahead = key_walk_advance(walk);
	walk->started = true;
	if (walk->ahead <= 0)
		return walk->ahead;
	memcpy(key, record_at(walk, walk->top), walk->key_size);
	/* Look ahead before the caller deletes the key: after that the kernel would start over. */
	walk->ahead = key_walk_advance(walk);
	return 1;
}
