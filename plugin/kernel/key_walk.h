/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A JSON reader over the keys of a hash or trie with BPF_MAP_GET_NEXT_KEY while others insert and
 * delete.
 *
 * The kernel returns the first key of the map if the given key was deleted. The JSON reader
 * therefore remembers the keys that it returned: the JSON reader returns no key twice and goes on
 * from the last key that still exists. The memory of a JSON reader grows with the number of keys,
 * so walks are used only where batch calls are not possible.
 *
 * Embedded in its owner; used by one thread at a time. A zeroed JSON reader can be released.
 */
#ifndef DYNMON_KERNEL_KEY_JSON_READER_H
#define DYNMON_KERNEL_KEY_JSON_READER_H

#include "base/index.h"

#include <stdbool.h>

/* Calls to the kernel for each entry that the map can have, before a JSON reader gives up. */
#define KEY_JSON_READER_STEPS_MAX 8

struct key_json_reader {
	int fd;
	size_t key_size;
	bool taking;  /* the owner deletes each key that it is given */
	bool partial; /* keys were given before the JSON reader began, and are not remembered */
	bool started;
	int ahead;	/* 1: top is the next key; 0: the end; -errno */
	uint64_t steps; /* calls that are left */
	/* Records of the keys that were given, and of the next one: see record_at(). */
	char *records;
	size_t record_size;
	uint32_t n;
	size_t size;
	uint32_t top; /* number of the record to go on from; 0: start at the first key */
	struct index index;
	char *next;
};

/**
 * key_json_reader_init() - prepare a JSON reader over a map
 * @JSON reader:        is initialized; release with key_json_reader_release() also after a failure
 * @fd:          of the map, owned by the caller
 * @key_size:    bytes of a key
 * @max_entries: of the map; bounds the number of calls
 * @taking:      the caller deletes each key that it is given
 *
 * Return: 0 or -ENOMEM.
 */
int key_json_reader_init(struct key_json_reader *json_reader, int fd, size_t key_size,
			 uint32_t max_entries, bool taking);

/**
 * key_json_reader_resume() - go on where another kind of read stopped
 * @JSON reader: initialized and not used yet
 * @keys: the last keys that were given, without gaps and in the order of the map
 * @n:    number of keys, at least 1
 *
 * Return: 0 or -ENOMEM.
 */
int key_json_reader_resume(struct key_json_reader *json_reader, const char *keys, uint32_t n);

/**
 * key_json_reader_next() - the next key
 * @JSON reader: an initialized JSON reader
 * @key:  receives the key, which others may have deleted meanwhile
 *
 * Return: 1 with a key, 0 at the end of the map, -EBUSY if others delete keys faster than the JSON
 * reader proceeds, -errno on any other failure.
 */
int key_json_reader_next(struct key_json_reader *json_reader, char *key);

void key_json_reader_release(struct key_json_reader *json_reader);

#endif
