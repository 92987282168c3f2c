/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/compile.h"
#include "base/file.h"
#include "dataplane/bundle.h"
#include "kernel/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Writes a temporary file and renames it, so that no reader sees an incomplete file. */
static int compile_replace_file(const char *name, const struct text *bytes)
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

/* A device or a pipe is opened for writing and not replaced. */
static int compile_write_file(const char *name, const struct text *bytes, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : file_write_fd(fd, bytes->data, bytes->len);
	} else {
		r = compile_replace_file(name, bytes);
	}
	return r < 0 ? error_set(err, r, "%s: %s", name, strerror(-r)) : 0;
}

int compile_file(const char *file, const char *output, const char *hook, const char *log_level,
		 unsigned int cube_id, const struct compiler *compiler, struct error *err)
{
	const struct compile_target target = {
		.xdp = hook_find(hook)->xdp,
		.log_level = log_level,
		.cube_id = cube_id,
	};
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_document_ struct document *document = NULL;
	_cleanup_text_ struct text bundle = {};
	int r = document_load(NULL, file, false, &document, err);

	if (r == 0)
		r = dataplane_build(steal_ptr(&document), NULL, compiler, &target, &dataplane, err);
	if (r == 0) {
		fputs(text_str(&dataplane->warnings), stderr);
		r = bundle_pack(dataplane, &target, &bundle, err);
		if (r < 0)
			error_prefix(err, r, "%s", file);
	}
	return r < 0 ? r : compile_write_file(output, &bundle, err);
}
