/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State files: each monitor created at run time is saved as NAME.json in StateDir, so that the
 * monitor survives a restart. A file is replaced atomically and therefore always complete.
 */
#ifndef DYNMON_PERSIST_STATE_FILES_H
#define DYNMON_PERSIST_STATE_FILES_H

#include "base/error.h"
#include "base/text.h"

#define STATE_MAX (64 * 1024 * 1024) /* maximum size of a file in bytes */

/**
 * state_save() - write the monitor's file, replacing an existing one
 * @dir:      StateDir; created if its parent exists
 * @name:     the monitor
 * @bytes:    the content; NULL: the monitor has no valid form
 * @err:      describes the effect on the next restart, and the remedy
 *
 * A failed write removes the monitor's file: a restart must not restore settings that an operator
 * has changed.
 *
 * Return: 0 if the next start restores the monitor; -EPERM if the file was written, but nothing is
 * restored because the folder is writable by others; -errno if it was not written.
 */
int state_save(const char *dir, const char *name, const struct text *bytes, struct error *err);

/**
 * state_remove() - remove the file of a monitor
 * @dir:  StateDir
 * @name: the monitor
 * @err:  receives the reason of a failure
 *
 * Return: 0, also if there is no such file; -errno if the file may still exist.
 */
int state_remove(const char *dir, const char *name, struct error *err);

/**
 * state_load() - read all state files in order of their names
 * @dir:    StateDir
 * @take:   called with the monitor's name and the content of each file; returns -errno if the
 *          content is not valid
 * @data:   passed to @take
 * @report: receives a line for each file that is damaged or not a state file
 * @err:    receives the reason of a failure
 *
 * Removes temporary files that a crash has left.
 *
 * Return: 0, also if the directory does not exist; -EPERM if others may write to the directory;
 * another -errno.
 */
int state_load(const char *dir,
	       int (*take)(void *data, const char *name, const char *bytes, size_t len,
			   struct error *err),
	       void *data, struct text *report, struct error *err);

#endif
