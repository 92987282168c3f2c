/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry: all monitors, and the operations on them. Owned by the collectd module.
 *
 * All functions are safe from any thread unless stated otherwise. The registry lock guards the list
 * of monitors and is held only to copy or change the list, so that readers are not blocked by
 * changes. The reload lock is the outermost lock and serializes reloads. Functions that change a
 * monitor take its control lock and may wait for a compilation.
 */
#ifndef DYNMON_MONITOR_REGISTRY_H
#define DYNMON_MONITOR_REGISTRY_H

#include "feed/feed.h"
#include "monitor/loader.h"
#include "monitor/snapshot.h"

struct registry;

/* The callbacks into collectd. A callback that is NULL is not called. */
struct registry_observer {
	/*
	 * Called after a monitor was added or removed. No lock is held, except that a reload holds
	 * the reload lock.
	 */
	void (*added)(void *data, const struct monitor *monitor);
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
	 * List the plugin's values in collectd's cache, one line each: seconds since 1970 and the
	 * identifier; and the rates of one value, a line name=rate each. -ENOENT if there is no
	 * such value.
	 */
	int (*list_values)(void *data, struct text *lines, struct error *err);
	int (*get_value)(void *data, const char *identifier, struct text *lines, struct error *err);
	void *data;
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
 * registry_sweep_pins() - remove the pins of unwanted monitors
 * @registry: the registry
 * @keep:     returns true for a monitor whose pins stay
 * @data:     passed to @keep
 * @report:   receives a line for each removal; see pin_store_sweep()
 */
void registry_sweep_pins(struct registry *registry, bool (*keep)(void *data, const char *monitor),
			 void *data, struct text *report);

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
 * registry_add() - add a monitor and load its dataplane
 * @registry:   the registry
 * @settings:   ownership is taken, also on failure
 * @configured: the monitor is defined in collectd.conf
 * @report:     receives a line for each warning, with the monitor's name
 * @err:        receives the reason of a failure
 *
 * If the dataplane of a configured monitor fails, the monitor stays in the state failed and the
 * error is returned.
 *
 * Return: 0; -EEXIST if the name is in use; -E2BIG if there are MONITORS_MAX monitors; another
 * -errno.
 */
int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err);

/**
 * registry_restore() - restore saved monitors and save run-time changes from now on
 * @registry: with the configured monitors, and before other threads use it
 * @dir:      StateDir, copied
 * @report:   receives a line for each monitor that could not be restored
 * @err:      receives the reason of a failure
 *
 * A monitor stays even if its dataplane fails.
 *
 * Return: 0; -EBUSY if another process uses the directory: nothing is restored or saved; another
 * -errno.
 */
int registry_restore(struct registry *registry, const char *dir, struct text *report,
		     struct error *err);

/**
 * registry_try_again() - load monitors that failed because another monitor was missing
 * @registry: the registry
 * @report:   receives a line for each monitor that runs now, and for each warning
 *
 * The missing monitor is a neighbour on a hook or declares a public map. Repeats until no further
 * monitor can be loaded.
 */
void registry_try_again(struct registry *registry, struct text *report);

/**
 * registry_delete() - delete a monitor and its saved file
 * @registry: the registry
 * @name:     the monitor
 * @report:   receives a line if the change could not be saved; may be NULL
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor.
 */
int registry_delete(struct registry *registry, const char *name, struct text *report,
		    struct error *err);

/**
 * registry_attach() - attach a monitor to further interfaces
 * @registry:  the registry
 * @name:      the monitor
 * @interface: as in the settings
 * @position:  as in the settings; may be NULL
 * @report:    as in registry_delete()
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; an error of monitor_switch().
 */
int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, struct text *report, struct error *err);

/**
 * registry_attach_one() - attach a monitor that must have no other interface
 * @registry:  the registry
 * @name:      the monitor
 * @interface: as in the settings
 * @position:  as in the settings; may be NULL
 * @report:    as in registry_delete()
 * @err:       receives the reason of a failure
 *
 * Return: as registry_attach(); -EISCONN if the monitor already has an interface.
 */
int registry_attach_one(struct registry *registry, const char *name, const char *interface,
			const char *position, struct text *report, struct error *err);

/**
 * registry_detach() - detach a monitor
 * @registry:  the registry
 * @name:      the monitor
 * @interface: as in monitor_detach(); NULL: all
 * @report:    as in registry_delete()
 * @err:       receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; an error of monitor_detach().
 */
int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct text *report, struct error *err);

/**
 * registry_eject() - remove the dataplane of a monitor
 * @registry: the registry
 * @name:     the monitor
 * @direction:     an enum direction; -1: both
 * @report:   as in registry_delete()
 * @err:      receives the reason of a failure
 *
 * Return: 0; -ENOENT if there is no such monitor; another -errno.
 */
int registry_eject(struct registry *registry, const char *name, int direction, struct text *report,
		   struct error *err);

/**
 * registry_inject() - replace the dataplane of a monitor, creating the monitor if requested
 * @registry:  the registry
 * @injection: the request
 * @warnings:  replaced by a line for each warning, kept map, or failure to save
 * @err:       receives the reason of a failure
 *
 * A failure changes nothing and creates no monitor.
 *
 * Return: 0; -EUSERS if too many compilations wait, the client should retry (HTTP: 503 with
 * Retry-After); another -errno.
 */
int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err);

/**
 * registry_try_document() - validate a document as registry_inject() would parse it
 * @registry: the registry
 * @bytes:    the document
 * @len:      its length in bytes
 * @err:      receives the reason of a failure
 *
 * Return: 0, or -errno.
 */
int registry_try_document(struct registry *registry, const char *bytes, size_t len,
			  struct error *err);

/**
 * registry_apply() - bring the monitors in line with new settings and changed documents
 * @registry: the registry
 * @new:      new settings, from which monitors are taken; NULL: unchanged settings
 * @only:     name of the only monitor to update; NULL: all
 * @force:    switch to documents that have not changed, too
 * @report:   receives a line for each change and each warning
 * @err:      receives the messages of all failures
 *
 * Monitors that are no longer configured are deleted, new monitors are added, and changed settings
 * are applied, with the same programs where possible. The documents of all other monitors are read
 * again. A document has changed if its text or a file that it names has changed. A monitor whose
 * new document or new settings fail keeps its old dataplane. Failures do not affect other monitors.
 *
 * Return: 0, or the error code of the last failure.
 */
int registry_apply(struct registry *registry, struct settings *new, const char *only, bool force,
		   struct text *report, struct error *err);

/**
 * registry_reload() - read the configuration again and apply it
 * @registry: the registry
 * @name:     name of the only monitor to update; NULL: all
 * @force:    as in registry_apply()
 * @report:   as in registry_apply()
 * @err:      receives the messages of all failures
 *
 * Reloads are serialized. An error in the configuration changes nothing. Without the observer's
 * configure(), only documents are read again.
 *
 * Return: as registry_apply().
 */
int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err);

/**
 * registry_list_values() - call the observer's list_values()
 * @registry: the registry
 * @lines:    receives the values
 * @err:      receives the reason of a failure
 *
 * Return: its result; -EOPNOTSUPP if the observer has no such function.
 */
int registry_list_values(struct registry *registry, struct text *lines, struct error *err);

/**
 * registry_get_value() - call the observer's get_value()
 * @registry:   the registry
 * @identifier: the value
 * @lines:      receives the rates
 * @err:        receives the reason of a failure
 *
 * Return: its result; -EOPNOTSUPP if the observer has no such function.
 */
int registry_get_value(struct registry *registry, const char *identifier, struct text *lines,
		       struct error *err);

/**
 * registry_retired() - totals of monitors that were removed
 * @registry: the registry
 * @changes:  receives the number of successful changes
 * @failures: receives the number of failed changes
 *
 * Added to the totals of existing monitors, these make totals that never decrease.
 */
void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures);

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
 * registry_change_fd() - the descriptor that reports new generations
 * @registry: the registry, which owns the descriptor
 *
 * Return: an eventfd that becomes readable after a change of a monitor's generations is visible.
 * One thread reads its value.
 */
int registry_change_fd(const struct registry *registry);

/**
 * registry_list_fd() - the descriptor that reports changes of the list of monitors
 * @registry: the registry, which owns the descriptor
 *
 * Return: an eventfd that becomes readable when a monitor was added or deleted, or begins to have
 * unattached interfaces. One thread reads its value.
 */
int registry_list_fd(const struct registry *registry);

/**
 * registry_refresh() - call monitor_refresh() for all monitors
 * @registry: the registry
 */
void registry_refresh(struct registry *registry);

/**
 * registry_retry() - scan the interfaces of monitors with unattached interfaces again
 * @registry:  called by the thread that watches interfaces
 *
 * The cause of a failure may end without an event, for example when descriptors or memory become
 * free.
 *
 * Return: true if there were such monitors, false if there is nothing to retry.
 */
bool registry_retry(struct registry *registry);

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
 * registry_set_feeds() - replace all feeds; see feeds_set()
 * @registry: the registry
 * @settings: their feeds are taken
 * @report:   receives a line for each change; may be NULL
 * @err:      receives the reason of a failure
 *
 * A reload calls this function with the new settings.
 *
 * Return: 0; -ENOMEM if nothing was changed.
 */
int registry_set_feeds(struct registry *registry, struct settings *settings, struct text *report,
		       struct error *err);

/**
 * registry_wants() - check whether a feed may want values of a plugin; see feeds_want()
 * @registry: the registry
 * @plugin:   name of the plugin
 *
 * Return: true if a feed may want them. Mostly false, and then no lock is taken.
 */
bool registry_wants(const struct registry *registry, const char *plugin);

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

#endif
