/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES    20
#define LOCK_PAUSE_NS 100000000L

static int open_confined(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int file_read_fd(int fd, const char *name, size_t max, struct text *out, struct error *err)
{
	size_t start = out->len;

	for (;;) {
		char *to = text_reserve(out, 64 * 1024);
		ssize_t n;

		if (!to)
			return error_oom(err);
		n = read(fd, to, 64 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, -errno, "%s: %s", name, strerror(errno));
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len - start > max)
			return error_set(err, -EFBIG, "%s: larger than the limit of %zu bytes",
					 name, max);
	}
}

int file_read(const char *dir, const char *name, bool confined, size_t max, struct text *out,
	      struct error *err)
{
	_cleanup_close_ int dir_fd = AT_FDCWD, fd = -1;
	struct stat st;

	if (dir) {
		dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd < 0)
			return error_set(err, -errno, "directory %s: %s", dir, strerror(errno));
	}
	if (confined) {
		fd = open_confined(dir_fd, name);
		if (fd == -EXDEV)
			return error_set(err, -EACCES, "%s: not below the directory %s", name,
					 dir ? dir : ".");
	} else {
		fd = openat(dir ? dir_fd : AT_FDCWD, name,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	if (fd < 0) {
		int code = fd;

		if (dir && name[0] != '/')
			return error_set(err, code, "%s/%s: %s", dir, name, strerror(-code));
		return error_set(err, code, "%s: %s", name, strerror(-code));
	}
	if (fstat(fd, &st) < 0)
		return error_set(err, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s: not a regular file", name);
	return file_read_fd(fd, name, max, out, err);
}

int file_write_fd(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t written = write(fd, at, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		n -= (size_t)written;
	}
	return 0;
}

bool stat_is_private(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

int file_is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -errno : stat_is_private(&st);
}

int file_lock(int fd, bool wait)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (!wait || i == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_decode(const char *from, size_t n, struct text *out)
{
	unsigned int bits = 0, have = 0;
	size_t digits = 0, padding = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digit;

		if (strchr(" \t\r\n", from[i]) && from[i])
			continue;
		if (from[i] == '=') {
			padding++;
			continue;
		}
		digit = from[i] ? strchr(base64_digits, from[i]) : NULL;
		if (!digit || padding)
			return -EINVAL;
		digits++;
		bits = bits << 6 | (unsigned int)(digit - base64_digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			text_addc(out, (char)(bits >> have));
			bits &= (1u << have) - 1;
		}
	}
	if ((digits + padding) % 4 || padding > 2 || bits)
		return -EINVAL;
	return text_status(out);
}

void base64_encode(const void *bytes, size_t n, struct text *out)
{
	const unsigned char *from = bytes;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned int bits = (unsigned int)from[i] << 16;

		if (left > 1)
			bits |= (unsigned int)from[i + 1] << 8;
		if (left > 2)
			bits |= from[i + 2];
		text_addc(out, base64_digits[bits >> 18]);
		text_addc(out, base64_digits[bits >> 12 & 63]);
		text_addc(out, left > 1 ? base64_digits[bits >> 6 & 63] : '=');
		text_addc(out, left > 2 ? base64_digits[bits & 63] : '=');
	}
}
