/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/output.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>

static int output_replace(const char *name, const struct text *bytes)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	mode_t mask;
	int r = 0;

	if (asprintf(&temporary, "%s.XXXXXX", name) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mask = umask(0);
	umask(mask);
	r = file_write_fd(fd, bytes->data, bytes->len);
	if (r == 0 && (fchmod(fd, 0666 & ~mask) < 0 || rename(temporary, name) < 0))
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

int output_write(const char *name, const struct text *bytes, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : file_write_fd(fd, bytes->data, bytes->len);
	} else {
		r = output_replace(name, bytes);
	}
	return r < 0 ? error_set(err, r, "%s: %s", name, strerror(-r)) : 0;
}
