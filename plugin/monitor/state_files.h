/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitors made at runtime on disk, so that they survive a restart: a file each, NAME.json,
 * that is complete whenever it is there.
 */
#ifndef DYNMON_MONITOR_STATE_FILES_H
#define DYNMON_MONITOR_STATE_FILES_H

#include "monitor/saved.h"

#define STATE_MAX (64 * 1024 * 1024) /* bytes of a file */

/**
 * state_save() - write the monitor's file, replacing an existing one
 * @dir:      StateDir; created if its parent exists
 * @monitor:  under control
 * @err:      describes the effect on the next restart, and the remedy
 *
 * A failed write removes the monitor's file: a restart must not restore settings that an operator
 * has changed.
 *
 * Return: 0 if the next start restores the monitor; -EPERM if the file was written, but nothing is
 * restored because the folder is writable by others; -errno if it was not written.
 */
int state_save(const char *dir, struct monitor *monitor, struct error *err);

/* Forgets the monitor of that name. 0 also when there is no file of it. */
int state_remove(const char *dir, const char *name, struct error *err);

/*
 * Reads all files, by name, and gives each to take, which may take what is in it. Temporary files
 * that a crash has left are removed. report: a line for each file that is damaged or not ours.
 * 0 also when there is no such folder; -EPERM: others may write to it.
 */
int state_load(const char *dir, void (*take)(void *data, struct saved *saved), void *data,
	       struct text *report, struct error *err);

#endif
