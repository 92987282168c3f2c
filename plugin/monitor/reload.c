/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reloads: bring the monitors in line with the configuration and with their documents. */
#include "monitor/reload.h"
#include "base/string.h"
#include "monitor/notification.h"
#include "monitor/reconfiguration.h"
#include "monitor/tracking.h"

#include <errno.h>
#include <string.h>

/* The state of one reload. Failures are collected and do not stop the reload. */
struct reload {
	struct registry *registry;
	struct settings *new; /* NULL: read documents again only */
	const char *only;     /* name of the only monitor to update; NULL: all */
	bool force;
	struct text *report;
	struct text failures;
	int failed;
	bool wanting; /* a dataplane failed because another monitor was missing */
};

static void add_failure(struct reload *reload, int r, const struct error *err)
{
	text_printf(&reload->failures, "%s%s", reload->failures.len ? "\n" : "",
		    error_message(err));
	reload->failed = r;
}

/* Adds a failed load. tell_wanting() reports failures caused by a missing monitor later. */
static void add_load_failure(struct reload *reload, int r, const struct error *err)
{
	if (r == -ENOLINK)
		reload->wanting = true;
	else
		add_failure(reload, r, err);
}

/* Reports the result of loader_reload(), loader_again() or loader_replay(). */
static void tell_replaced(struct reload *reload, const struct monitor *monitor, int r,
			  const struct error *err)
{
	const char *name = monitor->settings.name;

	if (r < 0) {
		add_load_failure(reload, r, err);
	} else if (r > 0) {
		text_printf(reload->report, "monitor %s: dataplane replaced\n", name);
		notification_post(NOTIFICATION_OKAY, name, NULL, "monitor %s: dataplane replaced",
				  name);
	}
}

static void reload_document(struct reload *reload, struct monitor *monitor)
{
	_cleanup_error_ struct error err = {};
	int r;

	monitor_begin(monitor);
	r = loader_reload(monitor, reload->force, reload->report, &err);
	monitor_end(monitor);
	if (r != 0)
		registry_notify_changed(reload->registry);
	tell_replaced(reload, monitor, r, &err);
}

/* -- a monitor whose settings have changed -- */

/* Returns true if the configuration names another document than before. */
static bool other_document(const struct monitor *next, const struct monitor *old)
{
	return !string_equal(next->settings.dataplane,
			     old->configured ? old->settings.dataplane : NULL);
}

/* Switches next, which runs the dataplane of old, to its own document or log level if changed. */
static int load_after(struct reload *reload, struct monitor *next, const struct monitor *old,
		      struct error *err)
{
	bool other_level = strcasecmp(next->log_level, old->log_level) != 0;

	if (other_document(next, old)) {
		const char *file = next->settings.dataplane;

		if (file) {
			if (monitor_set_document(next, file, false, NULL) < 0)
				return error_oom(err);
			history_release(&next->history);
		} else if (!next->history.n) { /* keep an injected dataplane */
			return next->dataplane ? loader_eject(next, err) : 0;
		}
	}
	if (other_level && next->history.n)
		return loader_again(next, reload->report, err);
	return loader_reload(next, reload->force || other_level, reload->report, err);
}

/* Applies settings while the programs keep running. Both monitors are under control. */
static int follow(struct reload *reload, struct monitor *next, struct monitor *old,
		  struct error *err)
{
	_cleanup_error_ struct error why = {};
	int r = monitor_reconfigure(next, old, err);

	if (r < 0)
		return error_prefix(err, r, "monitor %s", old->settings.name);
	registry_replace(reload->registry, old, next);
	r = load_after(reload, next, old, &why);
	if (r == 0)
		loader_report_typos(next, reload->report);
	tell_replaced(reload, next, r, &why);
	return 0;
}

/* Applies settings that need new programs, for example another hook. Both are under control. */
static int exchange(struct reload *reload, struct monitor *next, struct monitor *old,
		    struct error *err)
{
	bool collides = monitor_collides(next, old);
	int r;

	if (collides)
		monitor_suspend(old);
	if (old->history.n && !other_document(next, old))
		r = loader_replay(next, &old->history, reload->report, err);
	else
		r = loader_reload(next, true, reload->report, err);
	if (r < 0) {
		monitor_note(old, err);
		return r;
	}
	__atomic_store_n(&next->stale, true, __ATOMIC_RELEASE);
	monitor_retire(old, next);
	registry_replace(reload->registry, old, next);
	return 0;
}

/* Reports matching interfaces that could not be attached. */
static void report_troubles(struct reload *reload, struct monitor *monitor)
{
	_cleanup_error_ struct error err = {};

	pthread_mutex_lock(&monitor->state);
	if (monitor->attach_code)
		error_set(&err, -EIO, "monitor %s: %s", monitor->settings.name,
			  monitor->attach_error ? monitor->attach_error : "not attached");
	pthread_mutex_unlock(&monitor->state);
	if (err.code)
		add_failure(reload, err.code, &err);
}

/* Keeps a log level that was changed at run time, unless the option has changed, too. */
static void keep_log_level(struct monitor *next, const struct monitor *old)
{
	char *level = NULL;

	if (old->configured && !strcasecmp(next->log_level, old->settings.log_level))
		level = strdup(old->log_level);
	if (level)
		monitor_set_log_level(next, level);
}

static void change(struct reload *reload, struct monitor *old, struct monitor_settings *settings)
{
	_cleanup_(monitor_unrefp) struct monitor *next = NULL;
	_cleanup_error_ struct error err = {};
	bool was_saved = !old->configured;
	int r = registry_create(reload->registry, settings, true, old->id, &next, &err);

	if (r < 0) {
		add_failure(reload, r, &err);
		return;
	}
	monitor_begin(old);
	monitor_begin(next);
	keep_log_level(next, old);
	if (old->deleted) /* another thread was faster */
		r = error_set(&err, -EAGAIN, "monitor %s is gone", old->settings.name);
	else if (monitor_agrees(next, old))
		r = follow(reload, next, old, &err);
	else
		r = exchange(reload, next, old, &err);
	if (r < 0) { /* next may already run the first of its documents */
		monitor_close(next, false);
		if (!old->deleted && !monitor_agrees(next, old) && monitor_collides(next, old))
			monitor_resume(old);
	} else if (was_saved) {
		registry_forget(reload->registry, next->settings.name, reload->report);
	}
	monitor_end(next);
	monitor_end(old);
	if (r < 0) {
		add_failure(reload, r, &err);
		return;
	}
	text_printf(reload->report, "monitor %s: settings changed\n", next->settings.name);
	registry_report_waiting(next, reload->report);
	report_troubles(reload, next);
	registry_notify_changed(reload->registry);
	registry_notify_removed(reload->registry, old);
	registry_notify_added(reload->registry, next);
}

/* -- all of them -- */

static void delete_one(struct reload *reload, const struct monitor *monitor)
{
	_cleanup_error_ struct error err = {};
	const char *name = monitor->settings.name;
	int r = registry_delete(reload->registry, name, reload->report, &err);

	if (r < 0 && r != -ENOENT)
		add_failure(reload, r, &err);
	else
		text_printf(reload->report, "monitor %s: deleted, it is not configured any more\n",
			    name);
}

static void add_one(struct reload *reload, struct monitor_settings *settings)
{
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *name = strdup(settings->name);
	int r = registry_add(reload->registry, settings, true, reload->report, &err);

	if (r < 0)
		add_load_failure(reload, r, &err);
	else
		text_printf(reload->report, "monitor %s: added\n", name ? name : "");
}

static bool is_asked(const struct reload *reload, const char *name)
{
	return !reload->only || !strcmp(reload->only, name);
}

static void reload_one(struct reload *reload, struct monitor *monitor)
{
	struct monitor_settings *settings =
		reload->new ? settings_monitor(reload->new, monitor->settings.name) : NULL;

	if (settings &&
	    (!monitor->configured || !monitor_settings_equal(settings, &monitor->settings)))
		change(reload, monitor, settings);
	else if (!settings && reload->new && monitor->configured)
		return; /* already deleted by reload_all() */
	else
		reload_document(reload, monitor);
}

static bool is_listed(const struct monitor_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->monitors[i]->settings.name, name))
			return true;
	return false;
}

/*
 * Monitors that are no longer configured are deleted first, because a hook may have room for one
 * program only.
 */
static void reload_all(struct reload *reload, const struct monitor_list *list)
{
	struct settings *new = reload->new;

	for (size_t i = 0; new &&i < list->n; i++) {
		const struct monitor *monitor = list->monitors[i];

		if (is_asked(reload, monitor->settings.name) && monitor->configured &&
		    !settings_monitor(new, monitor->settings.name))
			delete_one(reload, monitor);
	}
	for (size_t i = 0; i < list->n && !registry_is_cancelled(reload->registry); i++)
		if (is_asked(reload, list->monitors[i]->settings.name))
			reload_one(reload, list->monitors[i]);
	for (size_t i = 0; new &&i < new->n_monitors && !registry_is_cancelled(reload->registry);
	     i++) {
		struct monitor_settings *settings = &new->monitors[i];

		if (settings->name && is_asked(reload, settings->name) &&
		    !is_listed(list, settings->name))
			add_one(reload, settings);
	}
}

/* Called after all monitors were updated: a monitor that is still missing is an error. */
static void tell_wanting(struct reload *reload)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	registry_try_again(reload->registry, reload->report);
	if (registry_list(reload->registry, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct monitor *monitor = list.monitors[i];
		_cleanup_error_ struct error err = {};

		pthread_mutex_lock(&monitor->state);
		if (monitor->wanting && monitor->outdated && monitor->last_error)
			error_set(&err, -ENOENT, "monitor %s: %s", monitor->settings.name,
				  monitor->last_error);
		pthread_mutex_unlock(&monitor->state);
		if (err.code && is_asked(reload, monitor->settings.name))
			add_failure(reload, err.code, &err);
	}
}

static int reload_apply(struct registry *registry, struct settings *new, const char *only,
			bool force, struct text *report, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	struct reload reload = { registry, new, only, force, report };
	int r = registry_list(registry, NULL, &list, err);

	if (r < 0)
		return r;
	if (only && !is_listed(&list, only) && !(new &&settings_monitor(new, only)))
		return error_set(err, -ENOENT, "no monitor is called \"%.100s\"", only);
	/* Set feeds first, so that new generations are fed when they are loaded. */
	r = new && !only ? feeds_set(registry->feeds, new, report, err) : 0;
	if (r < 0)
		return r;
	registry_batch_begin(registry);
	reload_all(&reload, &list);
	if (reload.wanting)
		tell_wanting(&reload);
	registry_batch_end(registry);
	registry_report_feeds(registry, report);
	if (reload.failed < 0)
		error_set(err, reload.failed, "%s", text_str(&reload.failures));
	text_release(&reload.failures);
	return reload.failed;
}

int registry_apply(struct registry *registry, struct settings *new, const char *only, bool force,
		   struct text *report, struct error *err)
{
	int r;

	pthread_mutex_lock(&registry->reload);
	r = reload_apply(registry, new, only, force, report, err);
	pthread_mutex_unlock(&registry->reload);
	return r;
}

int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err)
{
	struct settings new = {};
	bool configures = registry->observer.configure;
	int r = 0;

	pthread_mutex_lock(&registry->reload);
	if (configures)
		r = registry->observer.configure(registry->observer.data, &new, report, err);
	if (r == 0)
		r = reload_apply(registry, configures ? &new : NULL, name, force, report, err);
	else
		notification_post(NOTIFICATION_FAILURE, NULL, NULL,
				  "reload: nothing has changed: %s",
				  err ? error_message(err) : strerror(-r));
	pthread_mutex_unlock(&registry->reload);
	if (configures)
		settings_release(&new);
	return r;
}
