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

int key_json_reader_init(struct key_json_reader *json_reader, int fd, size_t key_size,
			 uint32_t max_entries, bool taking)
{
	*json_reader = (struct key_json_reader){
		.fd = fd,
		.key_size = key_size,
		.taking = taking,
		.steps = KEY_JSON_READER_STEPS_MAX * (uint64_t)max_entries + STEPS_SPARE,
		/* The key, and the number of the record that precedes it in the map. */
		.record_size = key_size + sizeof(uint32_t),
		.next = malloc(key_size),
	};
	return json_reader->next ? 0 : -ENOMEM;
}

void key_json_reader_release(struct key_json_reader *json_reader)
{
	buffer_free(json_reader->records, json_reader->size * json_reader->record_size);
	free(json_reader->next);
	index_release(&json_reader->index);
	*json_reader = (struct key_json_reader){};
}

/* Records are numbered from 1; 0 is the position before the first key. */
static char *record_at(const struct key_json_reader *json_reader, uint32_t number)
{
	return json_reader->records + (number - 1) * json_reader->record_size;
}

static uint32_t record_before(const struct key_json_reader *json_reader, uint32_t number)
{
	uint32_t before;

	memcpy(&before, record_at(json_reader, number) + json_reader->key_size, sizeof(before));
	return before;
}

static struct index_keys record_keys(const struct key_json_reader *json_reader)
{
	return (struct index_keys){
		.first = json_reader->records,
		.stride = json_reader->record_size,
		.size = json_reader->key_size,
	};
}

/* Returns the number of the record of a key; 0 if the walk has not returned the key. */
static uint32_t record_find(const struct key_json_reader *json_reader, const char *key)
{
	return json_reader->n ? *index_slot(&json_reader->index, record_keys(json_reader), key) : 0;
}

static int record_add(struct key_json_reader *json_reader, const char *key, uint32_t before)
{
	char *record;
	int r;

	if (json_reader->n == json_reader->size) {
		size_t size = json_reader->size ? 2 * json_reader->size : 64;
		char *records = buffer_resize(json_reader->records,
					      json_reader->size * json_reader->record_size,
					      size * json_reader->record_size);

		if (!records)
			return -ENOMEM;
		json_reader->records = records;
		json_reader->size = size;
	}
	r = index_reserve(&json_reader->index, record_keys(json_reader), json_reader->n, 1);
	if (r < 0)
		return r;
	record = record_at(json_reader, json_reader->n + 1);
	memcpy(record, key, json_reader->key_size);
	memcpy(record + json_reader->key_size, &before, sizeof(before));
	*index_slot(&json_reader->index, record_keys(json_reader), key) = ++json_reader->n;
	return 0;
}

/* Stores the key that follows a record in json_reader->next. Returns 1, 0 at the end, or -errno. */
static int key_after(struct key_json_reader *json_reader, uint32_t number)
{
	int r;

	if (!json_reader->steps)
		return -EBUSY;
	json_reader->steps--;
	r = bpf_map_get_next_key(json_reader->fd, number ? record_at(json_reader, number) : NULL,
				 json_reader->next);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/*
 * Moves top to the next key that was not returned yet. Returns 1, 0 at the end, or -errno.
 *
 * If the kernel returns a key that was returned before, either the kernel started over because the
 * current key was deleted, or the returned key was deleted and inserted again elsewhere. The walk
 * then tries the keys before the current one in turn. If none of these still exists, the walk
 * starts at the first key and skips the keys that were returned.
 */
static int json_reader_advance(struct key_json_reader *json_reader)
{
	uint32_t at = json_reader->top, found;
	bool onward = !at;
	int r;

	while ((r = key_after(json_reader, at)) > 0 &&
	       (found = record_find(json_reader, json_reader->next))) {
		if (onward) {
			at = found;
			continue;
		}
		at = record_before(json_reader, at);
		onward = !at;
		if (onward && json_reader->partial)
			return -EBUSY;
	}
	if (r > 0)
		r = record_add(json_reader, json_reader->next, json_reader->taking ? 0 : at) < 0
			    ? -ENOMEM
			    : 1;
	if (r > 0)
		json_reader->top = json_reader->n;
	return r;
}

int key_json_reader_resume(struct key_json_reader *json_reader, const char *keys, uint32_t n)
{
	int r = 0;

	json_reader->partial = true;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		r = record_add(json_reader, keys + i * json_reader->key_size, json_reader->n);
		json_reader->top = json_reader->n;
	}
	return r;
}

int key_json_reader_next(struct key_json_reader *json_reader, char *key)
{
	if (!json_reader->started)
		json_reader->ahead = json_reader_advance(json_reader);
	json_reader->started = true;
	if (json_reader->ahead <= 0)
		return json_reader->ahead;
	memcpy(key, record_at(json_reader, json_reader->top), json_reader->key_size);
	/* Look ahead before the caller deletes the key: after that the kernel would start over. */
	json_reader->ahead = json_reader_advance(json_reader);
	return 1;
}
