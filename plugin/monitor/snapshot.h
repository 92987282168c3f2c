/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot: references to the generation of every instance, so that a reload cannot free what a
 * reader uses. Embedded in its owner and used by one thread. A zeroed snapshot is empty.
 */
#ifndef DYNMON_MONITOR_SNAPSHOT_H
#define DYNMON_MONITOR_SNAPSHOT_H

#include "monitor/monitor.h"

struct snapshot_item {
	struct monitor *monitor;	   /* NULL: a generation that runs nowhere */
	struct monitor_settings *settings; /* of the monitor, at the moment of the snapshot */
	char *interface; /* escaped by text_name(); "" for none or, with Share, for all */
	int ifindex;	 /* 0: none */
	bool alone;	 /* the only item of its monitor */
	struct generation *generation; /* NULL: the empty dataplane */
};

struct registry;

struct snapshot {
	struct snapshot_item *items;
	size_t n;
	struct registry *registry; /* if the snapshot covers all monitors, otherwise NULL */
};

/**
 * snapshot_add() - add the instances of a monitor
 * @snapshot: the snapshot
 * @monitor:  a reference is taken for each item; takes the state lock
 *
 * With Share, all instances are one item.
 *
 * Return: 0; -ENOMEM if some items may be missing.
 */
int snapshot_add(struct snapshot *snapshot, struct monitor *monitor);

/* A metric of a snapshot. Start an iteration with a zeroed one. */
struct snapshot_metric {
	const struct snapshot_item *item;
	enum direction direction;
	const struct metric *metric;
	size_t next; /* index in the direction's metrics */
};

/**
 * snapshot_next_metric() - iterate over the metrics of all items
 * @snapshot: the snapshot
 * @metric:   zeroed before the first call; receives the next metric
 *
 * Return: false at the end.
 */
bool snapshot_next_metric(const struct snapshot *snapshot, struct snapshot_metric *metric);
/* Iterates over the metrics of one item. */
bool snapshot_item_next_metric(const struct snapshot_item *item, struct snapshot_metric *metric);

/**
 * snapshot_note_read() - count a completed read of each monitor
 * @snapshot: the snapshot
 * @reader:   the kind of reader
 */
void snapshot_note_read(const struct snapshot *snapshot, enum reader_kind reader);

/**
 * snapshot_release() - drop all references
 * @snapshot: may be zeroed; is empty afterwards
 */
void snapshot_release(struct snapshot *snapshot);

#endif
