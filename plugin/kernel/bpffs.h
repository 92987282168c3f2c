/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders in the BPF file system, where what is pinned outlives its process. */
#ifndef DYNMON_KERNEL_BPFFS_H
#define DYNMON_KERNEL_BPFFS_H

#include "base/error.h"
#include "base/text.h"

/* Whether a path is in such a file system. */
bool bpffs_is(const char *path);

/* A dot in a name is reserved there: "eth0.5" becomes "eth0%2e5". Appends to path. */
void bpffs_escape(struct text *path, const char *name);
/* In place: the other way round. */
void bpffs_unescape(char *name);

/* Makes a folder, for its owner alone; one that is there is fine. -errno, with its name. */
int bpffs_make(const char *path, struct error *err);
/* Removes a folder and its contents. Links in the folder are detached even if others hold them. */
void bpffs_remove(const char *path);

/* Calls take for every name in a folder, until it returns other than 0, which is returned. */
int bpffs_each(const char *path, int (*take)(void *data, const char *path, const char *name),
	       void *data);

/* Pins a descriptor. -errno, with the path. */
int bpffs_pin(const char *path, int fd, struct error *err);

#endif
