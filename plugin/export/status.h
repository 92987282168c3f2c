/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the monitors are, for people and scripts. */
#ifndef DYNMON_EXPORT_STATUS_H
#define DYNMON_EXPORT_STATUS_H

#include "monitor/registry.h"

/*
 * One line: name, state, hook, interfaces separated by commas ("-": none), dataplane (its
 * file, "-": none, "(injected)"), separated by tabs.
 */
void status_line(struct monitor *monitor, struct text *out);

/*
 * The same and the beginning of its last error, as a JSON object: what a list of many monitors
 * shows.
 */
void status_summary_json(struct monitor *monitor, struct text *out);

/*
 * All about a monitor as a JSON object without a newline. all: every monitor's instances, so that
 * the programs beside its own can be called by their monitors. feeds: its feeds, as
 * registry_feeds_json() has them.
 */
void status_json(struct monitor *monitor, const struct snapshot *all, const struct text *feeds,
		 struct text *out);

/* status_json() of the monitor called so. -ENOENT: there is none. */
int status_show(struct registry *registry, const char *name, struct text *out, struct error *err);

/*
 * Appends a line for every monitor that does not run what it should.
 * Returns how many, or -errno.
 */
int status_troubles(struct registry *registry, struct text *out, struct error *err);

#endif
