/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by registry.c, registry_*.c and reload.c only. */
#ifndef DYNMON_MONITOR_REGISTRY_PRIVATE_H
#define DYNMON_MONITOR_REGISTRY_PRIVATE_H

#include "feed/feed.h"
#include "monitor/registry.h"
#include "monitor/tracking.h"

struct registry {
	struct loader loader;
	char *program, *include_dir, *clang; /* own the strings of loader.compiler */
	struct monitor_context context;
	struct registry_observer observer;
	struct feeds *feeds;	/* has its own lock */
	struct pin_store *pins; /* has its own lock */
	char *state_dir;	/* immutable once threads run; NULL: nothing is saved */
	int state_fd;		/* of state_dir, locked; -1: the directory does not exist yet */
	int change_fd;
	int list_fd;
	bool cancelled; /* atomic */

	/* Serializes reloads; the outermost lock. */
	pthread_mutex_t reload;

	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct monitor **monitors;
	size_t n_monitors;
	uint64_t next_serial;
	uint64_t retired_changes;
	uint64_t retired_failures;
};

/* Sets an -ENOENT error that names the monitor. Returns -ENOENT. */
int no_such_monitor(const char *name, struct error *err);

/* Sets the callbacks through which monitors find each other. */
void registry_init_context(struct registry *registry);

/* Returns a reference, or NULL if there is no monitor of that name. */
struct monitor *registry_find(struct registry *registry, const char *name);

/* Adds a monitor to the list and takes a reference. Errors: -EEXIST, -E2BIG, -ENOMEM. */
int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err);

/*
 * Save a monitor that was created at run time, under its control lock, or remove its file. A
 * failure does not undo the change: the error is logged and added to the report, which may be NULL.
 */
void registry_keep(struct registry *registry, struct monitor *monitor, struct text *report);
void registry_forget(struct registry *registry, const char *name, struct text *report);

/*
 * Creates a monitor that is not in the list. Ownership of settings is taken. id: CUBE_ID; 0 chooses
 * the smallest id that is not in use.
 */
int registry_make(struct registry *registry, struct monitor_settings *settings, bool configured,
		  unsigned int id, struct monitor **ret, struct error *err);

/*
 * Removes a monitor from the list, drops the list's reference, and adds the monitor's counters to
 * the retired totals.
 */
void registry_remove(struct registry *registry, struct monitor *monitor);

/*
 * Replaces old by next in the list and takes a reference to next. Returns false if old is not in
 * the list any more.
 */
bool registry_replace(struct registry *registry, struct monitor *old, struct monitor *next);

void registry_tell_changed(struct registry *registry);
void registry_tell_added(struct registry *registry, const struct monitor *monitor);
void registry_tell_removed(struct registry *registry, const struct monitor *monitor);

/* Adds a line for each missing interface of the monitor. */
void registry_report_waiting(struct monitor *monitor, struct text *report);

#endif
