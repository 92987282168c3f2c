/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table that finds the entries of an array by key.
 *
 * Keys may come from packets, so the table uses a hash with a random secret. An index is embedded
 * in the owner of the array and used by one thread at a time. A zeroed index is empty. The index
 * stores positions in the array, not keys or pointers, so the array may move.
 */
#ifndef DYNMON_BASE_INDEX_H
#define DYNMON_BASE_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* The location of the keys in the array. */
struct index_keys {
	const char *first;
	size_t stride; /* bytes from one key to the next */
	size_t size;   /* bytes of a key */
};

struct index {
	uint32_t *slots; /* number of the entry + 1; 0 if the slot is free */
	size_t n_slots;	 /* 0, or a power of two and at least twice the number of entries */
	uint64_t seed[2];
};

/**
 * index_reserve() - make room for more entries
 * @index:  the index
 * @keys:   the keys of the array
 * @n:      current number of entries; index_reserve() may insert them into a new table
 * @more:   number of entries that the caller wants to add
 *
 * Pointers from index_slot() become invalid.
 *
 * Return: 0, -ENOMEM, or the error of getrandom(). On failure the index is unchanged.
 */
int index_reserve(struct index *index, struct index_keys keys, size_t n, size_t more);

/**
 * index_refill() - replace the contents by the first entries of the array
 * @index:  the index
 * @keys:   the keys of the array, all different
 * @n:      number of entries, at most as many as reserved
 */
void index_refill(struct index *index, struct index_keys keys, size_t n);

/**
 * index_slot() - find the slot of a key
 * @index:  the index; index_reserve() must have succeeded before
 * @keys:   the keys of the array
 * @key:    key to find
 *
 * Return: the slot of the key, or, if the key is not in the index, the free slot (value 0) to which
 * the caller assigns the number of the new entry + 1. Never NULL; valid until the next
 * index_reserve().
 */
uint32_t *index_slot(const struct index *index, struct index_keys keys, const char *key);

/* Frees the table; the index is then empty. */
void index_release(struct index *index);

#endif
