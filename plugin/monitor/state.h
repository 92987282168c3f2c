/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitors made at runtime on disk, so that they survive a restart: a file each, NAME.json,
 * that is complete whenever it is there.
 *
 * {
 *   "version": 1, "name": "probe", "hook": "auto", "loglevel": "off",
 *   "netns": "blue", "position": "first", "share": false, "pin": false,
 *   "interfaces": ["eth0", "/^veth/", "br1:port1"],
 *   "dataplanes": [ { "leave": ["egress"], "file": "probe.json" } ]
 * }
 *
 * dataplanes are the documents in the order in which they were injected; each has one of
 * "file", a name below the dataplane directory, "document", the JSON that came in, and
 * "document-data", what came in in base64.
 */
#ifndef DYNMON_MONITOR_STATE_H
#define DYNMON_MONITOR_STATE_H

#include "monitor/monitor.h"

#define STATE_MAX (64 * 1024 * 1024) /* bytes of a file */

/* A monitor as it was saved. Zeroed is empty; saved_release(). */
struct saved {
	struct monitor_settings settings;
	struct recipe recipe;
};

void saved_release(struct saved *saved);

/*
 * Puts the monitor's file in the place of the one that is there; the folder is made if only it is
 * missing. Under the monitor's control. On failure there is no file of that monitor any more:
 * what an operator has changed must not come back as it was before. The message says what a restart
 * will bring.
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

/* What is in such a file. -EINVAL. */
int state_parse(const char *bytes, size_t len, const char *name, struct saved *ret,
		struct text *warnings, struct error *err);

#endif
