/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds put values of collectd into maps of monitors, so that dataplanes can react to the values.
 *
 * Each generation has a target for each feed of its monitor. The target is looked up once, when the
 * generation is loaded or the feed is configured, and is set with each value. A generation gets the
 * last values before its programs run. The code that publishes a generation calls feeds_put() again
 * afterwards, because a value may have arrived in between.
 *
 * The registry owns struct feeds. One lock inside guards all feeds and targets. Only the log's lock
 * may be taken while that lock is held. No function blocks under the lock: it covers only the
 * update of a few map entries. All functions but feeds_new() and feeds_free() may be called from
 * any thread.
 */
#ifndef DYNMON_FEED_FEED_H
#define DYNMON_FEED_FEED_H

#include "config/settings.h"
#include "program/generation.h"

struct feeds;

/* A value list of collectd. */
struct feed_source {
	const char *id; /* host/plugin[-instance]/type[-instance] */
	bool own;	/* originates from this host, not received over the network */
	double time;	/* seconds since 1970 */
	/*
	 * Returns the value of a data source, NULL for the first. NaN if there is no value now.
	 * -ENOENT if there is no such data source. Called without locks.
	 */
	int (*get)(void *data, const char *data_source, double *ret, struct error *err);
	void *data;
};

/* Returns NULL if memory ran out. */
struct feeds *feeds_new(void);
/* No other thread may use the feeds any more. Accepts NULL. */
struct feeds *feeds_free(struct feeds *feeds);

/**
 * feeds_set() - replace all feeds
 * @settings:  the new feeds; the function moves the settings of new and changed feeds
 * @report:    receives a line for each feed that is added, changed or removed; may be NULL
 *
 * An unchanged feed keeps its state. A changed feed keeps its last value if Match and DataSource
 * are unchanged. Calls must be serialized.
 *
 * Return: 0; -ENOMEM, and nothing has changed.
 */
int feeds_set(struct feeds *feeds, struct settings *settings, struct text *report,
	      struct error *err);

/*
 * Returns false if no feed takes values of this plugin. Takes no lock; may return true without
 * need.
 */
bool feeds_want(const struct feeds *feeds, const char *plugin);

/**
 * feeds_take() - take a value for all feeds that match
 * @source:   the value
 * @deliver:  called without locks with the monitor of each feed that took the value, to bring the
 *            monitor's generations up to date
 * @data:     for @deliver
 * @report:   receives a line for each feed that cannot take a value, if the reason is new
 */
void feeds_take(struct feeds *feeds, const struct feed_source *source,
		void (*deliver)(void *data, const char *monitor), void *data, struct text *report);

/**
 * feeds_put() - write the last values that a generation does not have yet
 * @monitor:     name of the generation's monitor
 * @generation:  may be NULL
 * @report:      receives a line for each feed whose map cannot be set, if the reason is new; NULL
 *               for a generation that may never be used
 */
void feeds_put(struct feeds *feeds, const char *monitor, struct generation *generation,
	       struct text *report);

/*
 * Writes the last values again to one copy of the generation's maps. Called after a read has
 * emptied the copy and before the copy is used again.
 */
void feeds_refill(struct feeds *feeds, const char *monitor, struct generation *generation,
		  bool second);

/**
 * feeds_each() - call a function for each feed
 * @fresh:  only feeds for which no earlier call had @fresh set
 * @each:   receives the names of the feed and of its monitor; called without locks
 * @data:   for @each
 */
void feeds_each(struct feeds *feeds, bool fresh,
		void (*each)(void *data, const char *feed, const char *monitor), void *data);

/* Totals since the start. */
struct feed_stats {
	uint64_t feeds;
	uint64_t values; /* values taken */
	uint64_t errors; /* values that could not be read or written, per map */
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
