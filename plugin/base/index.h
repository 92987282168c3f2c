/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An index of an array of entries by their keys, which may be a stranger's: packets make them.
 * Embedded in the array's owner, used by one thread at a time; zeroed is empty.
 */
#ifndef DYNMON_BASE_INDEX_H
#define DYNMON_BASE_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* Where the entries' keys lie. */
struct index_keys {
	const char *first;
	size_t stride; /* bytes from one to the next */
	size_t size;   /* bytes of each */
};

struct index {
	uint32_t *slots; /* entry + 1; 0: free */
	size_t n_slots;	 /* 0, or a power of two, at least twice the entries */
	uint64_t seed[2];
};

/* Makes room for more entries beyond the first n. -ENOMEM, or the error of getrandom(). */
int index_reserve(struct index *index, struct index_keys keys, size_t n, size_t more);
/* Starts anew, with the first n entries; no more than there is room for. */
void index_refill(struct index *index, struct index_keys keys, size_t n);
/* The slot of a key: its own, or the free one where it belongs. Only where there is room. */
uint32_t *index_slot(const struct index *index, struct index_keys keys, const char *key);
void index_release(struct index *index);

#endif
