/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to read at one moment: a reference to every instance's generation, so that no
 * reload takes anything away under a reader. Embedded in its owner; zeroed is empty.
 */
#ifndef DYNMON_MONITOR_SNAPSHOT_H
#define DYNMON_MONITOR_SNAPSHOT_H

#include "monitor/monitor.h"

struct snapshot_item {
	struct monitor *monitor;       /* NULL: of none, for a generation that runs nowhere */
	char *interface;	       /* in the form of utf8_name(); "" for none, or for all */
	int ifindex;		       /* 0: none */
	bool alone;		       /* the monitor has one instance only */
	struct generation *generation; /* NULL: the empty dataplane */
};

struct registry;

struct snapshot {
	struct snapshot_item *items;
	size_t n;
	struct registry *registry; /* when it is of all its monitors; else NULL */
};

/* Adds the instances of a monitor. -ENOMEM: some may be missing. */
int snapshot_add(struct snapshot *snapshot, struct monitor *monitor);
/* Counts a read to the end of each of its monitors. */
void snapshot_note_read(const struct snapshot *snapshot, enum reader_kind reader);
void snapshot_release(struct snapshot *snapshot);

#endif
