/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing arrays: a pointer and a count, both members of the array's owner.
 *
 * An empty array is NULL with the count 0. All elements must be appended with array_append(), which
 * derives the allocated size from the count. The owner frees the pointer with free().
 */
#ifndef DYNMON_BASE_ARRAY_H
#define DYNMON_BASE_ARRAY_H

#include <stdlib.h>
#include <string.h>

/* Implements array_append(); do not call it directly. Returns the array, or NULL without memory. */
static inline void *array_grow(void *items, size_t n, size_t size)
{
	if (n & (n - 1)) /* the allocated size is the next power of two */
		return items;
	return reallocarray(items, n ? n * 2 : 1, size);
}

/**
 * array_append() - append a zeroed element to an array
 * @items:  the array, an lvalue; may be moved
 * @n:      number of elements, an lvalue; incremented on success
 *
 * Return: the new element, valid until the next call; NULL if memory ran out, with the array
 * unchanged.
 */
#define array_append(items, n)                                                                     \
	({                                                                                         \
		__typeof__(items) array_grown = array_grow((items), (n), sizeof(*(items)));        \
		if (array_grown) {                                                                 \
			(items) = array_grown;                                                     \
			array_grown = memset(&(items)[(n)++], 0, sizeof(*(items)));                \
		}                                                                                  \
		array_grown;                                                                       \
	})

/**
 * array_remove() - remove an element from an array, keeping the order of the others
 * @items:  the array
 * @n:      number of elements, an lvalue; decremented
 * @i:      index of the element, whose contents the caller has released
 */
#define array_remove(items, n, i)                                                                  \
	({                                                                                         \
		size_t array_at = (i);                                                             \
		(n)--;                                                                             \
		memmove(&(items)[array_at], &(items)[array_at + 1],                                \
			((n)-array_at) * sizeof(*(items)));                                        \
	})

#endif
