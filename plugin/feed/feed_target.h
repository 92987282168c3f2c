/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target: the map entry that a feed sets in a generation, in all copies of the map. The
 * generation owns the target. The lock of struct feeds guards it, see feed.h.
 */
#ifndef DYNMON_FEED_FEED_TARGET_H
#define DYNMON_FEED_FEED_TARGET_H

#include "config/settings.h"
#include "decode/cell.h"
#include "program/generation.h"

#define FEED_TARGET_COPIES_MAX 2 /* copies of a double-buffered map */

struct feed_target {
	uint64_t feed;	 /* serial number of the feed */
	uint64_t values; /* count of the feed's values at the last update */
	char *map;
	struct cell cells[N_DIRECTIONS * FEED_TARGET_COPIES_MAX];
	bool second[N_DIRECTIONS *
		    FEED_TARGET_COPIES_MAX]; /* the cell belongs to the second copy */
	size_t n;			     /* 0: no such map entry */
	char *error;			     /* why the last update or the lookup failed, or NULL */
	bool error_logged;
};

/* Returns NULL if the generation has no target for the feed. */
struct feed_target *feed_target_find(const struct generation *generation, uint64_t feed);

/**
 * feed_target_add() - look up the map entry that a feed sets
 * @generation:  receives the target; pointers to its other targets become invalid
 * @feed:        serial number of the feed
 * @settings:    name the map entry
 *
 * Return: the target, whose error says why the map entry was not found; NULL if memory ran out.
 */
struct feed_target *feed_target_add(struct generation *generation, uint64_t feed,
				    const struct feed_settings *settings);

/* Removes a target. Pointers to other targets become invalid. */
void feed_target_drop(struct generation *generation, size_t i);

/*
 * Sets all copies. Returns false, with the reason in the target's error, if a copy could not be
 * set.
 */
bool feed_target_set(struct feed_target *target, double value);
/* Sets only the second copies, or only the first copies. */
void feed_target_set_copy(struct feed_target *target, bool second, double value);

#endif
