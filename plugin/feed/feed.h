/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds: values of collectd's that are put into maps of monitors, so that dataplanes can react to
 * them.
 *
 * Every generation has a target for each feed of its monitor: found once, when the generation is
 * loaded or the feed is configured, and set with each value. A generation gets the last value
 * before its programs run, and whoever makes a generation public brings it up to date after that.
 *
 * One lock guards it all. It is the innermost, but for the log's: nothing else is taken, and
 * nothing is waited for, while a few entries of maps are set with it held.
 */
#ifndef DYNMON_FEED_FEED_H
#define DYNMON_FEED_FEED_H

#include "config/settings.h"
#include "program/generation.h"

struct feeds;

/* A value list of collectd's. */
struct feed_source {
	const char *id; /* host/plugin[-instance]/type[-instance] */
	bool own;	/* collectd got it on this host, not over the network */
	double time;	/* seconds since 1970 */
	/* The value of a data source, NULL for the first; NaN: there is none now. Called without
	 * locks. -ENOENT, with words: there is no such data source. */
	int (*get)(void *data, const char *data_source, double *ret, struct error *err);
	void *data;
};

/* NULL: out of memory. */
struct feeds *feeds_new(void);
/* No other thread may use them any more. Takes NULL. */
struct feeds *feeds_free(struct feeds *feeds);

/*
 * Replaces them all by those of the settings, which are taken. One that has not changed goes on,
 * and so does the last value of one that is fed by the same as before.
 * report: a line for each that was added, changed or removed; may be NULL. -ENOMEM: all is as it
 * was.
 */
int feeds_set(struct feeds *feeds, struct settings *settings, struct text *report,
	      struct error *err);

/* Whether values of that plugin may be for a feed: mostly not, and then this takes no lock. */
bool feeds_want(const struct feeds *feeds, const char *plugin);

/*
 * Takes a value for all feeds that it is for; deliver is called, without locks, with the monitor of
 * each, to have its generations brought up to date. news: a line for each feed that gets no value
 * out of it, when that is new.
 */
void feeds_take(struct feeds *feeds, const struct feed_source *source,
		void (*deliver)(void *data, const char *monitor), void *data, struct text *news);

/*
 * Brings a generation of that monitor up to date: sets what has not got the last value yet.
 * news: a line for each feed that cannot be put there, when that is new; NULL for a generation that
 * may come to nothing.
 */
void feeds_put(struct feeds *feeds, const char *monitor, struct generation *generation,
	       struct text *news);

/*
 * Sets the last values again in one copy of the maps of a generation, which a read has emptied and
 * which runs next.
 */
void feeds_refill(struct feeds *feeds, const char *monitor, struct generation *generation,
		  bool twin);

/*
 * Calls each with the name of every feed's monitor; fresh: only of those of which that was never
 * asked before.
 */
void feeds_each(struct feeds *feeds, bool fresh,
		void (*each)(void *data, const char *feed, const char *monitor), void *data);

/* Totals since the start. */
struct feed_stats {
	uint64_t feeds;
	uint64_t values; /* taken */
	uint64_t errors; /* values that could not be put into a map, for each map */
};

void feeds_stats(struct feeds *feeds, struct feed_stats *ret);

/**
 * feeds_json() - append the feeds of a monitor as a JSON array
 * @feeds:        all feeds
 * @monitor:      name of the monitor
 * @generations:  what the monitor's instances run; an element may be NULL
 * @n:            number of generations
 * @out:          receives the array
 */
void feeds_json(struct feeds *feeds, const char *monitor,
		const struct generation *const *generations, size_t n, struct text *out);

#endif
