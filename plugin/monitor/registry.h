/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All monitors, and what can be done to them.
 *
 * Every function is safe from any thread. Nothing here blocks a reader for longer than it takes to
 * copy a list of pointers.
 */
#ifndef DYNMON_MONITOR_REGISTRY_H
#define DYNMON_MONITOR_REGISTRY_H

#include "monitor/loader.h"
#include "monitor/view.h"

struct registry;

/* Told about monitors after they came and after they went; called without locks. */
struct registry_observer {
	void (*added)(void *data, const struct monitor *monitor);
	void (*removed)(void *data, const struct monitor *monitor);
	void *data;
};

/*
 * compiler and dataplane_dir are copied. observer may be NULL.
 */
int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret,
		 struct error *err);
/* Ends compilations and reloads that are under way, with errors, and all further ones. */
void registry_cancel(struct registry *registry);
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

/* -ENOENT: no such monitor. The message names it. */
int registry_delete(struct registry *registry, const char *name, struct error *err);
/* interface, position: as settings; position may be NULL. */
int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, struct error *err);
/* interface: NULL for all. */
int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct error *err);
int registry_eject(struct registry *registry, const char *name, struct error *err);

/*
 * Replaces a monitor's dataplane. On failure nothing has changed, and no monitor was made.
 * warnings: the document's and the compiler's, a line each; what was there is gone.
 */
int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err);

/*
 * Reads the documents again, of one monitor or of all (name NULL), and switches those that changed
 * in their text or in a file they name; force: also those that did not. A monitor whose new
 * document is broken goes on with its old dataplane.
 * report: a line for each monitor that was changed, and its warnings. Returns 0, or the last
 * failure's code with all failures' messages in err.
 */
int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err);

/* What the monitors have done that are gone, so that totals never fall. */
void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures);

/*
 * A descriptor of the registry's that becomes readable when any monitor's generations have
 * changed, for one reader, who takes the eventfd's value. Written after the change is public.
 */
int registry_change_fd(const struct registry *registry);

/* As registry_change_fd(), for another reader: readable when a monitor was added or deleted. */
int registry_list_fd(const struct registry *registry);

/* Looks at all monitors' interfaces again. */
void registry_refresh(struct registry *registry);

/* The monitors at one moment, in the order in which they were made; references are held. */
struct monitor_list {
	struct monitor **monitors;
	size_t n;
};

/* name: only that one, -ENOENT if there is none; NULL: all. Then monitor_list_release(). */
int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err);
void monitor_list_release(struct monitor_list *list);

/* As registry_list(). Then view_release(). */
int registry_view(struct registry *registry, const char *name, struct view *ret, struct error *err);
#endif
