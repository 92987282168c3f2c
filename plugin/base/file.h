/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing whole files, file locks, and base64 (RFC 4648). The functions keep no state
 * and are safe from any thread.
 */
#ifndef DYNMON_BASE_FILE_H
#define DYNMON_BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

#include <sys/stat.h>

#include <stdbool.h>

/**
 * file_read() - append the contents of a regular file to a text
 * @dir:       directory for a relative name, NULL for the working directory
 * @name:      name of the file
 * @confined:  reject names that leave @dir: absolute names, and ".." or symbolic links that lead
 *             out of @dir
 * @max:       maximum size in bytes
 * @out:       text to append to; may hold a part of the file after a failure
 * @err:       receives the reason for a failure
 *
 * Return: 0, -EFBIG if the file exceeds @max, -EACCES if the name leaves @dir, -EINVAL if it is not
 * a regular file, another -errno on failure.
 */
int file_read(const char *dir, const char *name, bool confined, size_t max, struct text *out,
	      struct error *err);

/**
 * file_read_fd() - append everything that a descriptor yields until its end
 * @fd:    blocking descriptor, open for reading
 * @name:  name for error messages
 * @max:   maximum number of bytes
 * @out:   text to append to; may hold a part of the data after a failure
 * @err:   receives the reason for a failure
 *
 * Return: 0, -EFBIG if there are more than @max bytes, another -errno on failure.
 */
int file_read_fd(int fd, const char *name, size_t max, struct text *out, struct error *err);

/* Writes all n bytes to a blocking descriptor. Retries short writes. Returns 0 or -errno. */
int file_write_fd(int fd, const void *bytes, size_t n);

/**
 * file_is_private() - test if only this user and root can change a file or directory
 * @fd:  descriptor of the file or directory
 *
 * Return: 1 if this user or root owns the file and neither group nor others may write to it, 0
 * otherwise, -errno on failure.
 */
int file_is_private(int fd);

/* Like file_is_private(), for the result of stat(). Returns true if the file is private. */
bool stat_is_private(const struct stat *st);

/**
 * file_lock() - take an exclusive flock() on a file or directory
 * @fd:    descriptor of the file or directory; the lock lasts until all its copies are closed
 * @wait:  retry for two seconds, because a child of a dead process can hold the lock a little
 * longer
 *
 * Return: 0, -EBUSY if another process holds the lock, another -errno on failure.
 */
int file_lock(int fd, bool wait);

/**
 * base64_decode() - append the bytes that a base64 text encodes
 * @from:  the text; white space is ignored
 * @n:     length of the text in bytes
 * @out:   text to append to; may hold a part of the bytes after a failure
 *
 * Return: 0, -EINVAL if the text is not padded base64, -ENOMEM.
 */
int base64_decode(const char *from, size_t n, struct text *out);

/* Appends n bytes in base64 with padding and without line breaks. */
void base64_encode(const void *bytes, size_t n, struct text *out);

#endif
