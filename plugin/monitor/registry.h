/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry: the set of all monitors, and what they share: the compiler, the feeds and the store
 * of pins. Owned by the collectd module.
 *
 * This file looks monitors up and locks the set. operation.h changes monitors, reload.h applies a
 * configuration.
 *
 * All functions are safe from any thread unless stated otherwise. The registry lock guards the set
 * of monitors and is held only to copy or change the set, so that changes of a monitor do not block
 * readers. The reload lock is the outermost lock.
 */
#ifndef DYNMON_MONITOR_REGISTRY_H
#define DYNMON_MONITOR_REGISTRY_H

#include "dataplane/compiler.h"
#include "feed/feed.h"
#include "monitor/snapshot.h"

/* The callbacks into collectd. A callback that is NULL is not called. */
struct registry_observer {
	/*
	 * Called after a monitor was added or removed. No lock is held, except that a reload holds
	 * the reload lock. Without a lock, several threads may report the same monitor: the last
	 * call is removed() if the monitor no longer exists, and removed() may be repeated.
	 */
	void (*added)(void *data, struct monitor *monitor);
	void (*removed)(void *data, const struct monitor *monitor);
	/*
	 * Reads the configuration again. The caller releases ret. report receives a
	 * line for each warning. Returns -errno if the configuration as a whole is unusable.
	 */
	int (*configure)(void *data, struct settings *ret, struct text *report, struct error *err);
	/*
	 * Dispatches the monitors' metrics to collectd and flushes its write plugins. plugin: only
	 * that plugin, NULL for all. timeout: only values older than this many seconds. identifier:
	 * only that value, NULL for all. Returns 1 for success with a remark in err.
	 */
	int (*flush)(void *data, const char *plugin, double timeout, const char *identifier,
		     struct error *err);
	/*
	 * Lists the rates of one value of the plugin in collectd's cache, a line name=rate each.
	 * identifier NULL: lists the values, one line each: seconds since 1970 and the identifier.
	 * Returns -ENOENT if there is no such value.
	 */
	int (*get_values)(void *data, const char *identifier, struct text *lines,
			  struct error *err);
	void *data;
};

struct registry {
	/* -- immutable once other threads use the registry -- */
	struct compiler compiler;	     /* owns cancel_fd, cache and queue */
	char *program, *include_dir, *clang; /* own the strings of compiler */
	char *dataplane_dir;
	struct registry_observer observer;
	struct pin_store *pins; /* has its own lock */
	struct feeds *feeds;	/* has its own lock */
	char *state_dir;	/* NULL: nothing is saved */
	/*
	 * Eventfds, each read by one thread. change_fd becomes readable after a change of a
	 * monitor's generations is visible; list_fd when a monitor was added or deleted, or begins
	 * to have unattached interfaces.
	 */
	int change_fd, list_fd;

	bool cancelled; /* atomic */

	/* Serializes reloads; the outermost lock. */
	pthread_mutex_t reload;

	pthread_mutex_t lock;
	/* -- protected by lock -- */
	int state_fd; /* of state_dir, locked; -1: the directory does not exist yet */
	struct monitor **monitors;
	size_t n_monitors;
	uint64_t next_serial;
	/* Totals of the monitors that were removed: with them the totals never decrease. */
	uint64_t retired_changes;
	uint64_t retired_failures;
};

/**
 * registry_new() - create a registry without monitors
 * @compiler:      copied
 * @dataplane_dir: copied
 * @observer:      copied; may be NULL
 * @ret:           receives the registry on success
 * @err:           receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret,
		 struct error *err);

/**
 * registry_identify() - set the identity of this collectd on the host
 * @registry:  without monitors, and before other threads use it
 * @state_dir: the StateDir, which no other collectd uses
 * @err:       receives the reason of a failure
 *
 * Pins, and filters on tc, of a collectd with another StateDir are never touched. Without this call
 * the built-in StateDir is the identity.
 *
 * Return: 0 or -ENOMEM.
 */
int registry_identify(struct registry *registry, const char *state_dir, struct error *err);

/**
 * registry_free() - stop all monitors and free the registry
 * @registry: not used by any other thread; may be NULL
 *
 * The programs of monitors with Pin keep running.
 *
 * Return: NULL.
 */
struct registry *registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free);

/**
 * registry_batch_begin() - begin to share compilations among monitors
 * @registry: the registry
 *
 * Until registry_batch_end(), equal code is compiled once. Calls nest.
 */
void registry_batch_begin(struct registry *registry);

/**
 * registry_batch_end() - end a batch
 * @registry: the registry
 */
void registry_batch_end(struct registry *registry);

/**
 * registry_cancel() - make pending and future compilations and reloads fail
 * @registry: the registry
 */
void registry_cancel(struct registry *registry);

/**
 * registry_is_cancelled() - check for a previous registry_cancel()
 * @registry: the registry
 *
 * Return: true if the registry is cancelled.
 */
bool registry_is_cancelled(const struct registry *registry);

/**
 * registry_find() - find a monitor by its name
 * @registry: the registry
 * @name:     the monitor
 * @err:      receives the reason of a failure; may be NULL
 *
 * Return: a reference; NULL if there is no monitor of that name.
 */
struct monitor *registry_find(struct registry *registry, const char *name, struct error *err);

/* The monitors at one moment, in order of creation, with a reference to each. */
struct monitor_list {
	struct monitor **monitors;
	size_t n;
};

/**
 * registry_list() - list monitors
 * @registry: the registry
 * @name:     name of the only monitor to list; NULL: all
 * @ret:      receives the list; then monitor_list_release()
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no monitor of that name; -ENOMEM.
 */
int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err);

/**
 * monitor_list_release() - drop the references of a list
 * @list: may be zeroed; is empty afterwards
 */
void monitor_list_release(struct monitor_list *list);

/**
 * registry_snapshot() - take a snapshot of monitors
 * @registry: the registry
 * @name:     as in registry_list()
 * @ret:      receives the snapshot; then snapshot_release()
 * @err:      receives the reason of a failure
 *
 * Return: as registry_list().
 */
int registry_snapshot(struct registry *registry, const char *name, struct snapshot *ret,
		      struct error *err);

/**
 * registry_create() - create a monitor that is not in the set yet
 * @registry:   the registry
 * @settings:   ownership is taken, also on failure
 * @configured: the monitor is defined in collectd.conf
 * @id:         CUBE_ID; 0 chooses the smallest id that is not in use
 * @ret:        receives the monitor
 * @err:        receives the reason of a failure
 *
 * Return: 0, or -ENOMEM.
 */
int registry_create(struct registry *registry, struct monitor_settings *settings, bool configured,
		    unsigned int id, struct monitor **ret, struct error *err);

/**
 * registry_insert() - add a monitor to the set
 * @registry: the registry
 * @monitor:  a reference is taken
 * @err:      receives the reason of a failure
 *
 * Return: 0; -EEXIST if the name is in use; -E2BIG if there are MONITORS_MAX monitors; -ENOMEM.
 */
int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err);

/**
 * registry_replace() - put another monitor in the place of a monitor, or remove the monitor
 * @registry: the registry
 * @old:      the set's reference is dropped
 * @next:     a reference is taken; NULL: @old is removed, and its counters are added to the
 *            retired totals
 */
void registry_replace(struct registry *registry, struct monitor *old, struct monitor *next);

/**
 * registry_retired() - totals of monitors that were removed
 * @registry: the registry
 * @changes:  receives the number of successful changes
 * @failures: receives the number of failed changes
 *
 * Added to the totals of existing monitors, these make totals that never decrease.
 */
void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures);

/* Report to the threads that watch change_fd, and to the observer. */
void registry_notify_changed(struct registry *registry);
void registry_notify_added(struct registry *registry, struct monitor *monitor);
void registry_notify_removed(struct registry *registry, const struct monitor *monitor);

/**
 * registry_find_map() - find a public map
 * @registry: the registry
 * @asking:   monitors of this name are skipped: asking itself, or the monitor that asking replaces
 * @name:     the map
 *
 * Return: a descriptor that the caller closes, or -ENOENT.
 */
int registry_find_map(struct registry *registry, const struct monitor *asking, const char *name);

/**
 * registry_find_program() - find the program that a monitor runs on an interface
 * @registry:  the registry
 * @asking:    under control; the interface is in its network namespace
 * @name:      the monitor that runs the program
 * @ifindex:   the interface
 * @direction: the direction
 *
 * Return: the program id, or 0 if there is none.
 */
uint32_t registry_find_program(struct registry *registry, const struct monitor *asking,
			       const char *name, int ifindex, enum direction direction);

/**
 * registry_feed() - write a value into the maps of all monitors that are fed with it
 * @registry: the registry
 * @source:   the value
 *
 * Logs a value that cannot be written, once. Does not wait for a change in progress.
 */
void registry_feed(struct registry *registry, const struct feed_source *source);

/**
 * registry_report_feeds() - report new feeds whose monitor does not exist
 * @registry: the registry
 * @report:   receives a line for each feed
 */
void registry_report_feeds(struct registry *registry, struct text *report);

/**
 * registry_feed_stats() - get the statistics of all feeds
 * @registry: the registry
 * @ret:      receives the totals
 * @waits:    receives the number of feeds whose monitor does not exist
 */
void registry_feed_stats(struct registry *registry, struct feed_stats *ret, uint64_t *waits);

/**
 * registry_feeds_json() - append the feeds of a monitor as JSON; see feeds_json()
 * @registry: the registry
 * @name:     the monitor
 * @out:      receives the JSON
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; -ENOMEM.
 */
int registry_feeds_json(struct registry *registry, const char *name, struct text *out,
			struct error *err);

/**
 * registry_flush() - call the observer's flush() without holding a lock
 * @registry:   the registry
 * @plugin:     only this write plugin; NULL: all
 * @timeout:    only values older than this many seconds
 * @identifier: only this value; NULL: all
 * @err:        receives the reason of a failure, or a remark
 *
 * Return: its result; -EOPNOTSUPP if the observer has no such function.
 */
int registry_flush(struct registry *registry, const char *plugin, double timeout,
		   const char *identifier, struct error *err);

/**
 * registry_get_values() - call the observer's get_values()
 * @registry:   the registry
 * @identifier: the value; NULL: list all values
 * @lines:      receives the rates or values
 * @err:        receives the reason of a failure
 *
 * Return: its result; -EOPNOTSUPP if the observer has no such function.
 */
int registry_get_values(struct registry *registry, const char *identifier, struct text *lines,
			struct error *err);

#endif
