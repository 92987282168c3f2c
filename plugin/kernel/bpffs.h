/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories and pins in the BPF file system. Pinned objects outlive the process that pinned them.
 *
 * The functions keep no state; any thread may call them.
 */
#ifndef DYNMON_KERNEL_BPFFS_H
#define DYNMON_KERNEL_BPFFS_H

#include "base/error.h"
#include "base/text.h"

/**
 * bpffs_is() - test whether a path is in a BPF file system
 * @path:  an existing path
 *
 * Return: true if it is, false if it is not or if statfs() fails.
 */
bool bpffs_is(const char *path);

/**
 * bpffs_escape() - append a file name to a path, escaped for the BPF file system
 * @path:  receives the escaped name
 * @name:  the name, for example of an interface
 *
 * The BPF file system reserves names with a dot. The function replaces ".", "%" and "/" by "%" and
 * two hexadecimal digits: "eth0.5" becomes "eth0%2e5".
 */
void bpffs_escape(struct text *path, const char *name);
/**
 * bpffs_unescape() - undo bpffs_escape() in place
 * @name:  the name; a "%" without two hexadecimal digits is kept
 */
void bpffs_unescape(char *name);

/**
 * bpffs_make() - create a directory with mode 0700
 * @path:  path of the directory; its parent exists
 * @err:   receives a message that names the path
 *
 * Return: 0 if the directory exists now, even if it existed before; -errno on failure.
 */
int bpffs_make(const char *path, struct error *err);
/**
 * bpffs_remove() - remove a directory with all its contents
 * @path:  path of the directory; need not exist
 *
 * Links that are pinned in the directory are detached, even if other processes hold references to
 * them. Failures are ignored.
 */
void bpffs_remove(const char *path);

/**
 * bpffs_each() - call a function for each name in a directory
 * @path:  path of the directory; a missing directory counts as empty
 * @take:  receives @data, the path of an entry and its name; a result other than 0 ends the
 * iteration
 * @data:  passed to @take
 *
 * Names that begin with a dot are skipped.
 *
 * Return: the last result of @take, 0 if it was never called.
 */
int bpffs_each(const char *path, int (*take)(void *data, const char *path, const char *name),
	       void *data);

/**
 * bpffs_pin() - pin a BPF object
 * @path:  path of the new pin
 * @fd:    descriptor of the object, owned by the caller
 * @err:   receives a message that names the path
 *
 * Return: 0 on success, -errno on failure.
 */
int bpffs_pin(const char *path, int fd, struct error *err);

#endif
