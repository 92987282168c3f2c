/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files in and out of memory, and base64 (RFC 4648). */
#ifndef DYNMON_BASE_FILE_H
#define DYNMON_BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

#include <sys/stat.h>

#include <stdbool.h>

/*
 * Appends a regular file's contents to out.
 * dir: what a relative name is relative to; NULL is the working directory.
 * confined: the name must stay below dir: no "..", no absolute name, no link out of it.
 * max: -EFBIG for a file of more bytes.
 */
int file_read(const char *dir, const char *name, bool confined, size_t max, struct text *out,
	      struct error *err);

/* Appends what fd gives until its end, at most max bytes (-EFBIG). name: for messages. */
int file_read_fd(int fd, const char *name, size_t max, struct text *out, struct error *err);

/* Writes all bytes; retries short writes. -errno on failure. */
int file_write_fd(int fd, const void *bytes, size_t n);

/**
 * file_is_private() - test if only this user and root can change a file or directory
 * @fd:  of the file or directory
 *
 * Return: 1 if it belongs to this user or root and neither group nor others may write to it, 0
 * otherwise, -errno.
 */
int file_is_private(int fd);

/* As file_is_private(), for the result of stat(): true if private. */
bool stat_is_private(const struct stat *st);

/**
 * file_lock() - lock a file or directory for as long as the descriptor is open
 * @fd:    its descriptor
 * @wait:  try for two seconds: a child of a dead process may hold the lock for a moment longer
 *
 * Return: 0, -EBUSY when another process has the lock, -errno.
 */
int file_lock(int fd, bool wait);

/* Appends the bytes that base64 text stands for; white space is skipped. -EINVAL for any other. */
int base64_decode(const char *from, size_t n, struct text *out);
void base64_encode(const void *bytes, size_t n, struct text *out);

#endif
