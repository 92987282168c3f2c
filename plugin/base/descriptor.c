/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

int descriptors_raise(uint64_t *old, uint64_t *new)
{
	struct rlimit limit;
	rlim_t to;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*old = *new = limit.rlim_cur;
	to = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (limit.rlim_cur >= to)
		return 0;
	limit.rlim_cur = to;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*new = to;
	return 0;
}

int descriptors_check(struct error *err)
{
	int fds[DESCRIPTORS_SPARE], n = 0, r = 0;

	/* Opening the spare descriptors is exact, and cheaper than counting all open ones. */
	while (r == 0 && n < DESCRIPTORS_SPARE) {
		int fd = n ? fcntl(fds[0], F_DUPFD_CLOEXEC, 0)
			   : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			r = -errno;
		else
			fds[n++] = fd;
	}
	while (n)
		close(fds[--n]);
	return r < 0 ? error_set(err, r, "%s", error_text(r)) : 0;
}

int descriptor_move_up(int fd)
{
	int up;

	if (fd < 0 || fd >= DESCRIPTORS_LOW)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_LOW);
	if (up < 0)
		return fd;
	close(fd);
	return up;
}

int descriptor_copy_up(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_LOW);

	if (copy < 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : copy;
}
