/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "persist/pin_store.h"
#include "base/file.h"
#include "kernel/bpffs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_TRIES 10

struct pin_store {
	char *path;
	const char *owner; /* last component of path */
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	unsigned int users;
	int fd; /* of the directory, with its lock; -1 without users */
};

struct pin_store *pin_store_new(const char *state_dir)
{
	struct pin_store *store = calloc(1, sizeof(*store));
	_cleanup_text_ struct text path = {}, plain = {};

	if (!store)
		return NULL;
	for (const char *c = state_dir; *c; c++)
		if (*c != '/' || (c[1] && c[1] != '/'))
			text_addc(&plain, *c);
	text_adds(&path, PIN_STORE_DIR "/");
	bpffs_escape(&path, plain.len ? text_str(&plain) : "/");
	pthread_mutex_init(&store->lock, NULL);
	store->fd = -1;
	store->path = text_status(&plain) == 0 ? text_steal(&path) : NULL;
	if (!store->path)
		return pin_store_free(store);
	store->owner = strrchr(store->path, '/') + 1;
	return store;
}

struct pin_store *pin_store_free(struct pin_store *store)
{
	if (!store)
		return NULL;
	fd_close(&store->fd);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
	return NULL;
}

const char *pin_store_path(const struct pin_store *store)
{
	return store->path;
}

/* Opens a directory, but does not follow a symbolic link. Returns the descriptor or -errno. */
static int directory_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Opens a directory whose pins can be trusted. */
static int private_open(const char *path, struct error *err)
{
	_cleanup_close_ int fd = directory_open(path);
	int r;

	if (fd == -ENOTDIR || fd == -ELOOP)
		return error_set(err, -EPERM,
				 "\"%s\" is a link or a file, not a directory: nothing is pinned "
				 "there; remove the link or file",
				 path);
	r = fd < 0 ? fd : file_is_private(fd);
	if (r < 0)
		return error_set(err, r, "\"%s\": %s", path, strerror(-r));
	if (!r)
		return error_set(err, -EPERM,
				 "\"%s\" belongs to another user or is writable by others: nothing "
				 "is pinned there; remove this directory, or give collectd's user "
				 "its ownership and mode 0700",
				 path);
	return steal_fd(&fd);
}

/* Creates and locks a directory. Its last user may remove it at the same time. */
static int lock_directory(const char *path, struct error *err)
{
	int r = -EBUSY;

	for (int i = 0; i < OPEN_TRIES; i++) {
		_cleanup_close_ int fd = -1;
		struct stat named, opened;

		r = bpffs_make(path, err);
		if (r < 0)
			return r;
		fd = private_open(path, err);
		if (fd < 0)
			return fd;
		r = file_lock(fd, true);
		if (r < 0)
			break;
		if (lstat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
		    named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
			return steal_fd(&fd);
		r = -EBUSY;
	}
	return r == -EBUSY ? error_set(err, r,
				       "\"%s\" is in use by another process; give each collectd "
				       "its own StateDir",
				       path)
			   : error_set(err, r, "\"%s\": %s", path, strerror(-r));
}

/* Creates, checks and locks the directory of the store. Returns its descriptor or -errno. */
static int store_lock(struct pin_store *store, struct error *err)
{
	_cleanup_close_ int base = -1;
	struct stat st;
	int r;

	if (!bpffs_is(OBJECT_PIN_DIR))
		return error_set(err, -ENOTSUP,
				 OBJECT_PIN_DIR " is no BPF file system; mount one there");
	if (strlen(store->owner) > NAME_MAX)
		return error_set(err, -ENAMETOOLONG,
				 "the name of StateDir is too long: \"%.40s...\" has more than %d "
				 "bytes",
				 store->owner, NAME_MAX);
	if (stat(OBJECT_PIN_DIR, &st) < 0)
		return error_set(err, -errno, OBJECT_PIN_DIR ": %s", strerror(errno));
	/* In a sticky directory other users cannot replace the files of this user. */
	if (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX))
		return error_set(err, -EPERM,
				 OBJECT_PIN_DIR " is writable by others: nothing is pinned there; "
						"change its mode to 0700 or 1711");
	r = bpffs_make(PIN_STORE_DIR, err);
	if (r < 0)
		return r;
	base = private_open(PIN_STORE_DIR, err);
	return base < 0 ? base : lock_directory(store->path, err);
}

int pin_store_open(struct pin_store *store, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&store->lock);
	if (!store->users) {
		r = store_lock(store, err);
		store->fd = r < 0 ? -1 : r;
	}
	store->users += r >= 0;
	pthread_mutex_unlock(&store->lock);
	return r < 0 ? r : 0;
}

void pin_store_close(struct pin_store *store)
{
	pthread_mutex_lock(&store->lock);
	if (!--store->users) {
		rmdir(store->path); /* fails if the directory still has pins */
		fd_close(&store->fd);
	}
	pthread_mutex_unlock(&store->lock);
}

int pin_store_take_old(struct pin_store *store, const char *monitor, struct error *err)
{
	_cleanup_text_ struct text old = {}, new = {};
	_cleanup_close_ int fd = -1;

	text_printf(&old, PIN_STORE_DIR "/%s", monitor);
	text_printf(&new, "%s/%s", store->path, monitor);
	if (text_status(&old) < 0 || text_status(&new) < 0)
		return error_oom(err);
	fd = directory_open(text_str(&old));
	if (fd == -ENOENT)
		return 0;
	fd_close(&fd);
	fd = private_open(text_str(&old), err);
	if (fd < 0)
		return fd;
	if (file_lock(fd, false) < 0)
		return error_set(err, -EBUSY, "\"%s\" is in use by another process",
				 text_str(&old));
	if (rename(text_str(&old), text_str(&new)) < 0 && errno != ENOTEMPTY)
		return error_set(err, -errno, "\"%s\" cannot be moved to \"%s\": %s",
				 text_str(&old), text_str(&new), strerror(errno));
	return 0;
}

struct sweep {
	const struct pin_store *store;
	bool (*keep)(void *data, const char *monitor);
	void *data;
	struct text *report;
};

/* Returns true if no process has locked the directory. */
static bool is_abandoned(const char *path)
{
	_cleanup_close_ int fd = directory_open(path);

	return fd >= 0 && file_lock(fd, false) == 0;
}

static int sweep_monitor(void *data, const char *path, const char *escaped)
{
	const struct sweep *sweep = data;
	_cleanup_free_ char *name = strdup(escaped);

	if (!name)
		return 0;
	bpffs_unescape(name);
	if (sweep->keep(sweep->data, name) || !is_abandoned(path))
		return 0;
	bpffs_remove(path);
	text_printf(sweep->report, "monitor %s: its pins were removed\n", name);
	return 0;
}

static int report_other(void *data, const char *path, const char *escaped)
{
	const struct sweep *sweep = data;
	_cleanup_free_ char *name = strdup(escaped);

	if (!name || !strcmp(escaped, sweep->store->owner) || !is_abandoned(path))
		return 0;
	bpffs_unescape(name);
	if (*escaped == '%') /* the escaped leading slash of a StateDir */
		text_printf(sweep->report,
			    "\"%s\": kept pins of the collectd with StateDir \"%s\", which is not "
			    "running; remove this directory if that collectd is gone for good\n",
			    path, name);
	else
		text_printf(sweep->report,
			    "\"%s\": kept pins of monitor \"%s\" from an earlier version; remove "
			    "this directory if no collectd has this monitor\n",
			    path, name);
	return 0;
}

void pin_store_sweep(struct pin_store *store, bool (*keep)(void *data, const char *monitor),
		     void *data, struct text *report)
{
	struct sweep sweep = { store, keep, data, report };
	_cleanup_close_ int base = private_open(PIN_STORE_DIR, NULL);

	if (base < 0 || !bpffs_is(PIN_STORE_DIR))
		return;
	if (access(store->path, F_OK) == 0 && pin_store_open(store, NULL) == 0) {
		bpffs_each(store->path, sweep_monitor, &sweep);
		pin_store_close(store);
	}
	bpffs_each(PIN_STORE_DIR, report_other, &sweep);
}
