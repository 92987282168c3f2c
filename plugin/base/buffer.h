/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of buffers that may become large. Large ones are mapped, so that the system has their
 * memory back as soon as they are freed: malloc() keeps freed memory in the arena of each thread,
 * and serves ever larger requests from there. They also grow without being copied.
 */
#ifndef DYNMON_BASE_BUFFER_H
#define DYNMON_BASE_BUFFER_H

#include <stddef.h>

/* Buffers of this size and larger are mapped. */
#define BUFFER_MAPPED_MIN (256 * 1024)

/**
 * buffer_resize() - allocate a buffer, or make one larger
 * @buffer:   NULL for a new one
 * @old_size: its size until now, 0 for a new one
 * @size:     the new size, at least old_size and above 0
 *
 * Return: the buffer, which may have moved; NULL if memory ran out: the old one stays as it is.
 */
void *buffer_resize(void *buffer, size_t old_size, size_t size);

/* Frees a buffer of that size; it may be NULL. */
void buffer_free(void *buffer, size_t size);

#endif
