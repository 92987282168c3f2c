/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of buffers that may become large. Large buffers are mapped and go back to the system when
 * they are freed. malloc() would keep the freed memory in the arena of each thread and would serve
 * ever larger requests from there. A mapped buffer also grows without a copy.
 */
#ifndef DYNMON_BASE_BUFFER_H
#define DYNMON_BASE_BUFFER_H

#include <stddef.h>

/* Buffers of this size and larger are mapped. */
#define BUFFER_MAPPED_MIN (256 * 1024)

/**
 * buffer_resize() - allocate a buffer, or make one larger
 * @buffer:   NULL for a new buffer
 * @old_size: its current size, 0 for a new buffer
 * @size:     the new size, at least old_size and above 0
 *
 * Return: the buffer, which may have moved; NULL if memory ran out; the old buffer then stays
 * valid.
 */
void *buffer_resize(void *buffer, size_t old_size, size_t size);

/* Frees a buffer of that size; it may be NULL. */
void buffer_free(void *buffer, size_t size);

#endif
