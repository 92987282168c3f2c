/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tally: what reads have taken out of a map, added up by key, so that a counter whose map is
 * emptied goes on growing for everybody who looks.
 *
 * An entry is kept in two ways: as numbers of 64 bits since the beginning, and as the map's own
 * bytes since the last one who took these. Reference counted: it goes on with its map when a
 * reload keeps that. Safe from any thread.
 */
#ifndef DYNMON_METRIC_TALLY_H
#define DYNMON_METRIC_TALLY_H

#include "kernel/map.h"
#include "metric/number.h"

struct metric;
struct tally;

/*
 * Keys that nobody counts any more are forgotten, the longest unused first, when there are more
 * than twice as many as the map can hold, and never below this. What the last two passes have seen
 * stays in any case.
 */
#define TALLY_ENTRIES_MIN 1024

/*
 * For a metric's map, which must have keys. The metric's plans are copied where they are needed.
 * NULL: out of memory.
 */
struct tally *tally_new(const struct metric *metric);
/* Whether it can go on for a metric of the same map: its samples are as many. */
bool tally_suits(const struct tally *tally, const struct metric *metric);
struct tally *tally_ref(struct tally *tally);
struct tally *tally_unref(struct tally *tally);

/*
 * Whoever takes out of the map has the turn, from before the first entry is taken until the last
 * one is added: who reads then has all that was counted before it began.
 */
void tally_turn_begin(struct tally *tally);
void tally_turn_end(struct tally *tally);

/* Starts a pass over the map: what is not seen in it, or later, may be forgotten first. */
void tally_begin(struct tally *tally);

/* Adds entries as the map gave them; a gauge's take the place of older ones. -ENOMEM: not all. */
int tally_add(struct tally *tally, const struct metric *metric, const struct map_batch *batch);

/* Copies of entries; freed with tally_entries_release(). Zeroed is empty. */
struct tally_entries {
	char *keys;
	char *values;
	struct number *numbers; /* of all time, one for each column of the metric */
	uint32_t count;
};

/*
 * Copies all entries, or with recent those that were added since the last call with recent, whose
 * values then start at zero again. In the order in which they came first. -ENOMEM.
 */
int tally_take(struct tally *tally, bool recent, struct tally_entries *ret);
void tally_entries_release(struct tally_entries *entries);

#endif
