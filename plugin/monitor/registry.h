/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All monitors, and what can be done to them.
 *
 * Every function is safe from any thread. Nothing here blocks a reader for longer than it takes to
 * copy a list of pointers.
 */
#ifndef DYNMON_MONITOR_REGISTRY_H
#define DYNMON_MONITOR_REGISTRY_H

#include "feed/feed.h"
#include "monitor/loader.h"
#include "monitor/snapshot.h"

struct registry;

/* Who stands between the registry and collectd. What is NULL is not called. */
struct registry_observer {
	/* Told about monitors after they came and after they went; called without locks but, in
	 * a reload, that which keeps another reload from running. */
	void (*added)(void *data, const struct monitor *monitor);
	void (*removed)(void *data, const struct monitor *monitor);
	/* Reads the configuration again; then ret is the caller's to release. report: warnings,
	 * a line each. -errno: it cannot be used as a whole. */
	int (*configure)(void *data, struct settings *ret, struct text *report, struct error *err);
	/*
	 * Hands what the monitors count to collectd now, and has its write plugins write it out.
	 * plugin: only that one, NULL for all; timeout: only what is older than so many seconds;
	 * identifier: only that value, NULL for all. 1: done, with a remark in err.
	 */
	int (*flush)(void *data, const char *plugin, double timeout, const char *identifier,
		     struct error *err);
	/*
	 * The plugin's values that collectd has at hand: lines of seconds since 1970 and the
	 * identifier; and of one of them lines of name=rate. -ENOENT: it has no such value.
	 */
	int (*list_values)(void *data, struct text *lines, struct error *err);
	int (*get_value)(void *data, const char *identifier, struct text *lines, struct error *err);
	void *data;
};

/*
 * compiler and dataplane_dir are copied. observer may be NULL.
 */
int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret,
		 struct error *err);
/**
 * registry_identify() - set the identity of this collectd on the host
 * @registry:   without monitors, and before other threads use it
 * @state_dir:  the StateDir, which no other collectd uses
 * @err:        receives the reason of a failure
 *
 * Pins, and filters on tc, of a collectd with another StateDir are never touched. Without this call
 * the built-in StateDir is the identity.
 *
 * Return: 0 or -ENOMEM.
 */
int registry_identify(struct registry *registry, const char *state_dir, struct error *err);
/* Removes the pins of monitors that keep does not want, see pin_store_sweep(). */
void registry_sweep_pins(struct registry *registry, bool (*keep)(void *data, const char *monitor),
			 void *data, struct text *report);
/* Between these, what many monitors have in common is compiled once. They nest. */
void registry_batch_begin(struct registry *registry);
void registry_batch_end(struct registry *registry);
/* Ends compilations and reloads that are under way, with errors, and all further ones. */
void registry_cancel(struct registry *registry);
bool registry_is_cancelled(const struct registry *registry);
/* Stops all monitors. No other thread may use the registry any more. */
struct registry *registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free);

/*
 * Adds a monitor; settings are taken, also on failure. Its dataplane is loaded; when that fails
 * and the monitor is configured, it stays, in the state failed, and the error is returned.
 * report: warnings are appended, a line each, with the monitor's name.
 * -EEXIST: the name is taken. -E2BIG: too many monitors.
 */
int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err);

/*
 * Restores the monitors that were saved in the folder, and from now on saves there what is made and
 * changed at runtime. Before there are other threads, after the configured monitors. A monitor
 * whose dataplane fails stays. report: receives a line for each monitor that could not be restored.
 * -EBUSY: another process uses the folder; nothing is restored or saved.
 */
int registry_restore(struct registry *registry, const char *dir, struct text *report,
		     struct error *err);

/*
 * Loads those that failed because another monitor was not there, their neighbour on a hook or the
 * one that declares a public map, as long as one more of them can be loaded.
 * report: a line for each that runs now, and warnings.
 */
void registry_try_again(struct registry *registry, struct text *report);

/*
 * -ENOENT: no such monitor. The message names it. report, of these and of registry_inject(): a
 * line when the change could not be saved; may be NULL.
 */
int registry_delete(struct registry *registry, const char *name, struct text *report,
		    struct error *err);
/* interface, position: as settings; position may be NULL. */
int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, struct text *report, struct error *err);
/* The same for a monitor that is to be for one interface alone: -EISCONN when it is for one. */
int registry_attach_one(struct registry *registry, const char *name, const char *interface,
			const char *position, struct text *report, struct error *err);
/* interface: NULL for all. */
int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct text *report, struct error *err);
/* path: only that one; -1: both. */
int registry_eject(struct registry *registry, const char *name, int path, struct text *report,
		   struct error *err);

/*
 * Replaces a monitor's dataplane. On failure nothing has changed, and no monitor was made.
 * -EUSERS: too many compilations wait, the client is to try again (HTTP: 503 with Retry-After).
 * warnings: the document's and the compiler's, a line each; what was there is gone.
 */
int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err);

/* Whether a document that came in is right, as registry_inject() would take it: errors as there. */
int registry_try_document(struct registry *registry, const char *bytes, size_t len,
			  struct error *err);

/*
 * Brings the monitors in line with the configuration, all or the one called only; the monitors in
 * new may be taken. One that stands there no more is deleted, one that is new is added, one whose
 * settings have changed goes on with them: with the same programs where that is possible. The
 * documents of the others are read again, and those that changed, in their text or in a file they
 * name, are switched to; force: also those that did not. A monitor whose new document is broken
 * goes on with its old dataplane, one whose new settings are impossible with the old ones.
 * new: NULL leaves the settings as they are.
 * report: a line for each change, and warnings. Returns 0, or the last failure's code with all
 * failures' messages in err.
 */
int registry_apply(struct registry *registry, struct settings *new, const char *only, bool force,
		   struct text *report, struct error *err);

/*
 * Has the configuration read again, where the observer can do that, and applies it. An error in the
 * configuration changes nothing at all. One reload at a time.
 */
int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err);

/* What the observer's list_values() and get_value() say; -EOPNOTSUPP: there is none. */
int registry_list_values(struct registry *registry, struct text *lines, struct error *err);
int registry_get_value(struct registry *registry, const char *identifier, struct text *lines,
		       struct error *err);

/* What the monitors have done that are gone, so that totals never fall. */
void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures);

/* What the observer's flush() returns; -EOPNOTSUPP: there is none. No lock is held. */
int registry_flush(struct registry *registry, const char *plugin, double timeout,
		   const char *identifier, struct error *err);

/*
 * A descriptor of the registry's that becomes readable when any monitor's generations have
 * changed, for one reader, who takes the eventfd's value. Written after the change is public.
 */
int registry_change_fd(const struct registry *registry);

/*
 * As registry_change_fd(), for another reader: readable when a monitor was added or deleted, or has
 * begun to leave interfaces unattached.
 */
int registry_list_fd(const struct registry *registry);

/* Looks at all monitors' interfaces again. */
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

/* The monitors at one moment, in the order in which they were made; references are held. */
struct monitor_list {
	struct monitor **monitors;
	size_t n;
};

/* name: only that one, -ENOENT if there is none; NULL: all. Then monitor_list_release(). */
int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err);
void monitor_list_release(struct monitor_list *list);

/* As registry_list(). Then snapshot_release(). */
int registry_snapshot(struct registry *registry, const char *name, struct snapshot *ret,
		      struct error *err);

/* As feeds_set(); a reload does it with the new settings. */
int registry_set_feeds(struct registry *registry, struct settings *settings, struct text *report,
		       struct error *err);
/* As feeds_want(). */
bool registry_wants(const struct registry *registry, const char *plugin);
/*
 * Puts a value into the maps of all monitors that are fed with it. Logs what cannot be put there,
 * once. Waits for no change that is under way.
 */
void registry_feed(struct registry *registry, const struct feed_source *source);
/* Adds a line for each feed that is new, and whose monitor is not there. */
void registry_report_feeds(struct registry *registry, struct text *report);
/* waits: feeds whose monitor is not there. */
void registry_feed_stats(struct registry *registry, struct feed_stats *ret, uint64_t *waits);
/* As feeds_json(). -ENOENT: no such monitor. */
int registry_feeds_json(struct registry *registry, const char *name, struct text *out,
			struct error *err);

#endif
