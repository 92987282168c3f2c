/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What registry.c, registry_*.c and reload.c share, and nobody else. */
#ifndef DYNMON_MONITOR_REGISTRY_PRIVATE_H
#define DYNMON_MONITOR_REGISTRY_PRIVATE_H

#include "feed/feed.h"
#include "monitor/registry.h"

struct registry {
	struct loader loader;
	char *program, *include_dir, *clang; /* the strings of loader.compiler */
	struct monitor_context context;
	struct registry_observer observer;
	struct feeds *feeds;	/* has its own lock */
	struct pin_store *pins; /* has its own lock */
	char *state_dir;	/* set before there are other threads; NULL: nothing is saved */
	int state_fd;		/* of state_dir, locked; -1: the directory does not exist yet */
	int change_fd;
	int list_fd;
	bool cancelled; /* atomic */

	/* Held while monitors are brought in line with the configuration; the outermost lock. */
	pthread_mutex_t reload;

	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct monitor **monitors;
	size_t n_monitors;
	uint64_t next_serial;
	uint64_t retired_changes;
	uint64_t retired_failures;
};

int no_such_monitor(const char *name, struct error *err);

/* Lets its monitors find each other. */
void registry_init_context(struct registry *registry);

/* A reference, or NULL. */
struct monitor *registry_find(struct registry *registry, const char *name);

/* Takes a reference. -EEXIST, -E2BIG. */
int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err);

/*
 * Saves a monitor that was made at runtime, under its control; or forgets it. What was changed
 * stands in any case: a failure is logged and told in the report, which may be NULL.
 */
void registry_keep(struct registry *registry, struct monitor *monitor, struct text *report);
void registry_forget(struct registry *registry, const char *name, struct text *report);

/* A monitor that nobody knows yet. settings are taken. id: 0 for one that no monitor has. */
int registry_make(struct registry *registry, struct monitor_settings *settings, bool configured,
		  unsigned int id, struct monitor **ret, struct error *err);

/* Drops the list's reference, and keeps what the monitor has done among what is retired. */
void registry_remove(struct registry *registry, struct monitor *monitor);

/* Puts next, which is referenced, in the place of old; false: old is not there any more. */
bool registry_replace(struct registry *registry, struct monitor *old, struct monitor *next);

void registry_tell_changed(struct registry *registry);
void registry_tell_added(struct registry *registry, const struct monitor *monitor);
void registry_tell_removed(struct registry *registry, const struct monitor *monitor);

/* Adds a line for each interface that the monitor waits for. */
void registry_report_waiting(struct monitor *monitor, struct text *report);

#endif
