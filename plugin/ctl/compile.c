/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl compile: convert a document with its code to a bundle, for hosts without a compiler. */
#include "base/file.h"
#include "ctl/offline.h"
#include "ctl/subcommand.h"
#include "dataplane/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Writes a temporary file and renames it, so that no reader sees an incomplete file. */
static int replace_bundle(const char *name, const struct text *bytes)
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

int ctl_compile(const struct options *options, char **words, size_t n, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_text_ struct text bundle = {};
	_cleanup_close_ int fd = -1;
	struct compile_target target;
	struct stat st;
	int r;

	(void)n;
	if (!options->output)
		return EXIT_USAGE;
	r = offline_compile(options, words[0], &target, &dataplane, err);
	if (r < 0)
		return r;
	r = bundle_pack(dataplane, &target, &bundle, err);
	if (r < 0)
		return error_prefix(err, r, "%s", words[0]);
	/* A device or a pipe is opened for writing and not replaced. */
	if (stat(options->output, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(options->output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : file_write_fd(fd, bundle.data, bundle.len);
	} else {
		r = replace_bundle(options->output, &bundle);
	}
	return r < 0 ? error_set(err, r, "%s: %s", options->output, strerror(-r)) : 0;
}
