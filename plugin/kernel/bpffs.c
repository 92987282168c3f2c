/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/bpffs.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

void bpffs_escape(struct text *path, const char *name)
{
	for (; *name; name++)
		if (*name == '.' || *name == '%' || *name == '/')
			text_printf(path, "%%%02x", (unsigned char)*name);
		else
			text_addc(path, *name);
}

/* A "%" that bpffs_escape() did not write is kept. */
void bpffs_unescape(char *name)
{
	char *to = name;

	for (; *name; name++)
		if (*name == '%' && isxdigit((unsigned char)name[1]) &&
		    isxdigit((unsigned char)name[2])) {
			const char digits[] = { name[1], name[2], '\0' };

			*to++ = (char)strtoul(digits, NULL, 16);
			name += 2;
		} else {
			*to++ = *name;
		}
	*to = '\0';
}

void bpffs_remove(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_text_ struct text below = {};
		_cleanup_close_ int fd = -1;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		text_printf(&below, "%s/%s", path, entry->d_name);
		/*
		 * Detach a link explicitly: after the last pin is removed, the kernel frees the
		 * link from a work queue, and the program would run until then.
		 */
		fd = bpf_obj_get(text_str(&below));
		if (fd >= 0)
			bpf_link_detach(fd); /* -EINVAL for a map or a program */
		if (unlink(text_str(&below)) < 0 && errno == EISDIR)
			bpffs_remove(text_str(&below));
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

int bpffs_each(const char *path, int (*take)(void *data, const char *path, const char *name),
	       void *data)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		_cleanup_text_ struct text below = {};

		text_printf(&below, "%s/%s", path, entry->d_name);
		if (*entry->d_name != '.' && text_status(&below) == 0)
			r = take(data, text_str(&below), entry->d_name);
	}
	if (dir)
		closedir(dir);
	return r;
}

int bpffs_make(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return error_set(err, -errno, "cannot create the directory \"%s\": %s", path,
			 strerror(errno));
}

bool bpffs_is(const char *path)
{
	struct statfs stat;

	return statfs(path, &stat) == 0 && (uint32_t)stat.f_type == BPF_FS_MAGIC;
}

int bpffs_pin(const char *path, int fd, struct error *err)
{
	int r = bpf_obj_pin(fd, path);

	return r < 0 ? error_set(err, r, "cannot create the pin \"%s\": %s", path, strerror(-r))
		     : 0;
}
