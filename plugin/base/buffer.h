/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for buffers that can become large.
 *
 * Large buffers are mapped with mmap(), so that freeing them returns the memory to the kernel.
 * malloc() would keep the freed memory in per-thread arenas. A mapped buffer also grows without a
 * copy. The caller tracks the size of a buffer. Different buffers can be used by different threads.
 */
#ifndef DYNMON_BASE_BUFFER_H
#define DYNMON_BASE_BUFFER_H

#include <stddef.h>

/* Buffers of this many bytes or more are mapped. */
#define BUFFER_MAPPED_MIN (256 * 1024)

/**
 * buffer_resize() - allocate or enlarge a buffer
 * @buffer:   buffer to enlarge, or NULL to allocate one
 * @old_size: current size in bytes, 0 if @buffer is NULL
 * @size:     new size in bytes, at least @old_size and above 0
 *
 * New bytes are uninitialized.
 *
 * Return: the buffer, which may have moved, or NULL if memory ran out. On failure @buffer stays
 * valid.
 */
void *buffer_resize(void *buffer, size_t old_size, size_t size);

/**
 * buffer_free() - free a buffer
 * @buffer: buffer from buffer_resize(), may be NULL
 * @size:   current size in bytes, as last passed to buffer_resize()
 */
void buffer_free(void *buffer, size_t size);

#endif
