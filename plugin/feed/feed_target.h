/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target: where a feed goes in a generation, in all copies of its map. The generation owns it;
 * the lock of the feeds guards it, see feed.h.
 */
#ifndef DYNMON_FEED_FEED_TARGET_H
#define DYNMON_FEED_FEED_TARGET_H

#include "config/settings.h"
#include "decode/cell.h"
#include "program/generation.h"

#define FEED_TARGET_COPIES_MAX 2 /* of a map that is swapped */

struct feed_target {
	uint64_t feed;	 /* its serial */
	uint64_t values; /* of the feed, when this was set last */
	char *map;
	struct cell cells[PATH_COUNT * FEED_TARGET_COPIES_MAX];
	bool twin[PATH_COUNT * FEED_TARGET_COPIES_MAX]; /* the cell is one of the second copies */
	size_t n;					/* 0: there is no such place */
	char *error; /* why it cannot be set; NULL: it can, or nothing was tried */
	bool told;   /* that was */
};

/* NULL: there is none. */
struct feed_target *feed_target_find(const struct generation *generation, uint64_t feed);

/*
 * Finds the place that the settings name; when there is none the target's error says why.
 * Others move. NULL: out of memory.
 */
struct feed_target *feed_target_add(struct generation *generation, uint64_t feed,
				    const struct feed_settings *settings);

/* Others move. */
void feed_target_drop(struct generation *generation, size_t i);

/* Sets all copies. false: not all could be set, and the target's error says why. */
bool feed_target_set(struct feed_target *target, double value);
/* Sets the second copies alone, or all but those. */
void feed_target_set_copy(struct feed_target *target, bool twin, double value);

#endif
