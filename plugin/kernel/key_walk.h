/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key walk: iterates over the keys of a hash or trie with BPF_MAP_GET_NEXT_KEY while other threads
 * and programs insert and delete.
 *
 * The kernel returns the first key of the map if the given key was deleted. The walk therefore
 * records the keys that it returned: it returns no key twice and continues from the last key that
 * still exists. Its memory grows with the number of keys, so walks are used only where batch calls
 * are not possible.
 *
 * Embedded in its owner; used by one thread at a time. A zeroed walk can be released.
 */
#ifndef DYNMON_KERNEL_KEY_WALK_H
#define DYNMON_KERNEL_KEY_WALK_H

#include "base/index.h"

#include <stdbool.h>

/* Limit of system calls per walk, as a multiple of max_entries. */
#define KEY_WALK_STEPS_MAX 8

struct key_walk {
	int fd;
	size_t key_size;
	bool taking;  /* the owner deletes each key that is returned */
	bool partial; /* keys were returned before the walk began and have no record */
	bool started;
	int ahead;	/* 1: top is the next key; 0: the end; -errno */
	uint64_t steps; /* remaining system calls */
	/* Records of the returned keys and of the next one, see record_at(). */
	char *records;
	size_t record_size;
	uint32_t n;
	size_t size;
	uint32_t top; /* number of the record to continue from; 0: first key */
	struct index index;
	char *next;
};

/**
 * key_walk_init() - prepare a walk over a map
 * @walk:  is initialized; release with key_walk_release() also after a failure
 * @fd:           descriptor of the map, owned by the caller, open as long as the walk
 * @key_size:     bytes of a key
 * @max_entries:  of the map; bounds the number of system calls
 * @taking:       the caller deletes each key that is returned
 *
 * Return: 0 or -ENOMEM.
 */
int key_walk_init(struct key_walk *walk, int fd, size_t key_size, uint32_t max_entries,
		  bool taking);

/**
 * key_walk_resume() - continue a pass that began with batch calls
 * @walk:  initialized and not used yet
 * @keys:         the last keys that were returned, without gaps and in the order of the map
 * @n:            number of keys, at least 1
 *
 * Return: 0 or -ENOMEM.
 */
int key_walk_resume(struct key_walk *walk, const char *keys, uint32_t n);

/**
 * key_walk_next() - get the next key
 * @walk:  an initialized walk
 * @key:          receives the key; it may be deleted concurrently
 *
 * Return: 1 with a key, 0 at the end of the map, -EBUSY if keys are deleted faster than the walk
 * proceeds, -errno on any other failure.
 */
int key_walk_next(struct key_walk *walk, char *key);

void key_walk_release(struct key_walk *walk);

#endif
