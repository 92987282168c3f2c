/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "persist/state_files.h"
#include "base/file.h"
#include "config/option.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SUFFIX	 ".json"
#define TEMPORARY_SUFFIX ".new" /* in ".NAME.new": names of monitors do not start with a dot */

#define FILE_NAME_SIZE (MONITOR_NAME_MAX + 8)

/* -- writing -- */

static void file_name(char *to, const char *prefix, const char *name, const char *suffix)
{
	snprintf(to, FILE_NAME_SIZE, "%s%s%s", prefix, name, suffix);
}

/* Replaces the file of a monitor atomically. Creates StateDir with mode 0700 if it is missing. */
static int replace_file(const char *dir, const char *name, const struct text *bytes)
{
	char temporary[FILE_NAME_SIZE], final[FILE_NAME_SIZE];
	_cleanup_close_ int dir_fd = -1, fd = -1;
	int r;

	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 && errno == ENOENT && (mkdir(dir, 0700) == 0 || errno == EEXIST))
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	file_name(temporary, ".", name, TEMPORARY_SUFFIX);
	file_name(final, "", name, FILE_SUFFIX);
	unlinkat(dir_fd, temporary, 0);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_fd(fd, bytes->data, bytes->len);
	if (r == 0 && (fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, final) < 0))
		r = -errno;
	if (r < 0) {
		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return fsync(dir_fd) < 0 ? -errno : 0;
}

static bool is_full(int code)
{
	return code == -ENOSPC || code == -EDQUOT;
}

/* The file was written, but the next start would ignore it. */
static int check_trust(const char *dir, const char *name, struct error *err)
{
	struct stat st;

	if (stat(dir, &st) < 0 || stat_is_private(&st))
		return 0;
	return error_set(err, -EPERM,
			 "monitor %s is lost at the next restart: StateDir %s (owner %u, mode "
			 "%04o) is writable by others, and nothing is restored from there; before "
			 "the restart, run chown %u %s and chmod 0700 %s",
			 name, dir, (unsigned int)st.st_uid, (unsigned int)st.st_mode & 07777,
			 (unsigned int)geteuid(), dir, dir);
}

int state_save(const char *dir, const char *name, const struct text *bytes, struct error *err)
{
	int r = bytes ? text_status(bytes) : -EINVAL;
	bool removed = false;
	const char *remedy;

	if (r == 0)
		r = replace_file(dir, name, bytes);
	if (r < 0) {
		removed = state_remove(dir, name, NULL) == 0;
		if (removed && is_full(r)) /* there may be room now */
			r = replace_file(dir, name, bytes);
	}
	if (r == 0)
		return check_trust(dir, name, err);
	/* A directory that cannot be read cannot be restored from. */
	if (faccessat(AT_FDCWD, dir, R_OK | X_OK, AT_EACCESS) < 0)
		removed = true;
	remedy = is_full(r)	? "make room in"
		 : r == -ENOENT ? "create"
				: "let collectd's user write to";
	return error_set(err, r,
			 "monitor %s: its state could not be saved: %s; %s: %s StateDir %s, and "
			 "change the monitor again",
			 name, strerror(-r),
			 removed ? "the monitor is lost at the next restart"
				 : "the next restart restores its previous settings",
			 remedy, dir);
}

int state_remove(const char *dir, const char *name, struct error *err)
{
	_cleanup_close_ int dir_fd = -1;
	char file[FILE_NAME_SIZE];
	struct stat st;
	int r = 0;

	file_name(file, "", name, FILE_SUFFIX);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* On a read-only file system unlinkat() fails with EROFS even for a missing file. */
	if (dir_fd < 0 || fstatat(dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    unlinkat(dir_fd, file, 0) < 0)
		r = errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	else if (fsync(dir_fd) < 0)
		r = -errno;
	if (r < 0)
		return error_set(err, r,
				 "monitor %s: its state could not be removed: %s; it may come back "
				 "after a restart",
				 name, strerror(-r));
	return 0;
}

/* -- reading -- */

/* Extracts the monitor's name from a file name. Returns false for other files. */
static bool name_of_file(const char *file, char *name)
{
	size_t len = strlen(file), suffix = strlen(FILE_SUFFIX);

	if (len <= suffix || len - suffix > MONITOR_NAME_MAX ||
	    strcmp(file + len - suffix, FILE_SUFFIX) != 0)
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	return monitor_name_check(name, NULL) == 0;
}

int state_load(const char *dir,
	       int (*take)(void *data, const char *name, const char *bytes, size_t len,
			   struct error *err),
	       void *data, struct text *report, struct error *err)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int n, r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, -errno, "StateDir %s: %s", dir, strerror(errno));
	r = file_is_private(fd);
	if (r < 0)
		return error_set(err, r, "StateDir %s: %s", dir, strerror(-r));
	if (!r)
		return error_set(err, -EPERM,
				 "StateDir %s: others may write to it, nothing is restored; "
				 "expected mode 0700 and collectd's own user",
				 dir);
	n = scandirat(fd, ".", &entries, NULL, alphasort);
	if (n < 0)
		return error_set(err, -errno, "StateDir %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct dirent *entry = entries[i];
		_cleanup_text_ struct text bytes = {};
		_cleanup_error_ struct error why = {};
		const char *dot = strrchr(entry->d_name, '.');
		char name[MONITOR_NAME_MAX + 1];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (*entry->d_name == '.' && dot != entry->d_name && !strcmp(dot, TEMPORARY_SUFFIX))
			unlinkat(fd, entry->d_name, 0);
		else if (!name_of_file(entry->d_name, name))
			text_printf(report, "%s/%s: not the state file of a monitor, ignored\n",
				    dir, entry->d_name);
		else if (file_read(dir, entry->d_name, true, STATE_MAX, &bytes, &why) < 0 ||
			 take(data, name, text_str(&bytes), bytes.len, &why) < 0)
			text_printf(report, "%s/%s: not restored: %s\n", dir, entry->d_name,
				    error_message(&why));
	}
	free(entries);
	return 0;
}
