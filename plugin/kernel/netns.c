/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#define OWN_NETNS "/proc/thread-self/ns/net"

/* Retries of setns() when the kernel is out of memory, and the pause in ns between them. */
#define LEAVE_TRIES    100
#define LEAVE_PAUSE_NS 10000000L

/* Descriptor of the namespace to return to, while the thread is lost; otherwise -1. Owned. */
static _Thread_local int lost_home = -1;

/* Converts a name to a path. Returns -EINVAL if the name is malformed or too long. */
static int netns_path(const char *name, char path[PATH_MAX])
{
	bool plain = *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
	int n;

	if (*name != '/' && !plain)
		return -EINVAL;
	n = snprintf(path, PATH_MAX, "%s%s", plain ? NETNS_DIR : "", name);
	return n < PATH_MAX ? 0 : -EINVAL;
}

static bool is_namespace(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

int netns_open(const char *name, struct error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;

	if (netns_path(name, path) < 0)
		return error_set(err, -EINVAL,
				 "network namespace \"%.100s\": expected a name below " NETNS_DIR
				 " or an absolute path",
				 name);
	/* O_NONBLOCK: the file may be a FIFO. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, -errno, "network namespace %s: %s", path,
				 errno == ENOENT ? "does not exist" : error_text(-errno));
	/* Check the file system first: for a device the ioctl number may have another meaning. */
	if (is_namespace(fd) && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		return steal_fd(&fd);
	/* "ip netns add" creates an empty file and mounts the namespace on it a moment later. */
	if (!is_namespace(fd) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		return error_set(err, -ENOENT,
				 "network namespace %s: the file is empty, not mounted yet", path);
	return error_set(err, -EINVAL, "%s is not a network namespace", path);
}

bool netns_is(int fd, const char *name)
{
	struct stat held, named;
	char path[PATH_MAX];

	return fd >= 0 && netns_path(name, path) == 0 && fstat(fd, &held) == 0 &&
	       stat(path, &named) == 0 && held.st_dev == named.st_dev &&
	       held.st_ino == named.st_ino;
}

uint64_t netns_inode(int fd)
{
	struct stat st;

	if ((fd < 0 ? stat(OWN_NETNS, &st) : fstat(fd, &st)) < 0)
		return 0;
	return st.st_ino;
}

/* Retries because setns() allocates memory and may fail with a temporary ENOMEM. */
static int netns_set(int fd)
{
	const struct timespec pause = { .tv_nsec = LEAVE_PAUSE_NS };

	for (int i = 0; setns(fd, CLONE_NEWNET) < 0; i++) {
		if (errno != ENOMEM || i == LEAVE_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int netns_enter(int fd, struct netns_visit *visit)
{
	_cleanup_close_ int home = -1;

	*visit = (struct netns_visit){ .home_fd = -1 };
	if (lost_home >= 0) {
		if (netns_set(lost_home) < 0)
			return -ESTALE;
		fd_close(&lost_home);
	}
	if (fd < 0)
		return 0;
	home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	visit->home_fd = steal_fd(&home);
	return 0;
}

const char *netns_strerror(int code)
{
	return code == -EPERM ? "Operation not permitted; this needs CAP_SYS_ADMIN"
			      : error_text(code);
}

void netns_leave(struct netns_visit *visit)
{
	if (visit->home_fd < 0)
		return;
	visit->code = netns_set(visit->home_fd);
	/*
	 * If an inner visit could not return, forget its home: the thread is home again now, or is
	 * lost with the home of this visit as the namespace to return to.
	 */
	fd_close(&lost_home);
	if (visit->code < 0)
		lost_home = steal_fd(&visit->home_fd);
	fd_close(&visit->home_fd);
}
