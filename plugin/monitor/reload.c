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
	bool missing_monitor; /* a dataplane failed because another monitor was missing */
};

static void add_failure(struct reload *reload, int r, const struct error *err)
{
	text_printf(&reload->failures, "%s%s", reload->failures.len ? "\n" : "",
		    error_message(err));
	reload->failed = r;
}

/* Adds a failed load. Failures because of a missing monitor are reported after all changes. */
static void add_load_failure(struct reload *reload, int r, const struct error *err)
{
	if (r == -ENOLINK)
		reload->missing_monitor = true;
	else
		add_failure(reload, r, err);
}

/* Reports the result of loader_reload(), loader_again() or loader_replay(). */
static void report_replaced(struct reload *reload, const struct monitor *monitor, int r,
			    const struct error *err)
{
	const char *name = monitor->name;

	if (r < 0) {
		add_load_failure(reload, r, err);
	} else if (r > 0) {
		text_printf(reload->report, "monitor %s: dataplane replaced\n", name);
		notification_post(NOTIFICATION_OKAY, name, NULL, "monitor %s: dataplane replaced",
				  name);
	}
}

/* -- a monitor whose settings have changed -- */

/* Applies settings while the programs keep running. The monitor is under control. */
static int update(struct reload *reload, struct monitor *monitor, struct monitor_settings *settings,
		  struct error *err)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *old =
		monitor_settings_ref(monitor->settings);
	_cleanup_error_ struct error why = {};
	_cleanup_free_ char *level = NULL;
	bool was_configured = monitor->configured, other_level = false, other_document;
	const char *file = settings->dataplane;
	int r = 0;

	/* A log level that was changed at run time persists, unless the option has changed. */
	if (!was_configured || strcasecmp(settings->log_level, old->log_level) != 0) {
		other_level = strcasecmp(settings->log_level, monitor->log_level) != 0;
		level = strdup(settings->log_level);
		if (!level)
			r = error_oom(err);
	}
	if (r == 0)
		r = monitor_set_settings(monitor, settings, err);
	if (r < 0)
		return error_prefix(err, r, "monitor %s", monitor->name);
	if (level)
		monitor_set_log_level(monitor, steal_ptr(&level));
	registry_notify_changed(reload->registry);
	other_document = !string_equal(file, was_configured ? old->dataplane : NULL);
	if (other_document && file) {
		r = monitor_set_document(monitor, file, false, NULL);
		if (r == 0)
			history_release(&monitor->history);
		else
			error_oom(&why);
	}
	if (r == 0 && other_document && !file && !monitor->history.n)
		r = monitor->dataplane ? loader_eject(monitor, &why) : 0;
	else if (r == 0 && other_level && monitor->history.n)
		r = loader_again(monitor, reload->report, &why);
	else if (r == 0) /* keeps an injected dataplane */
		r = loader_reload(monitor, reload->force || other_level, reload->report, &why);
	if (r == 0)
		loader_report_typos(monitor, reload->report);
	report_replaced(reload, monitor, r, &why);
	return 0;
}

static void change(struct reload *reload, struct monitor *monitor, struct monitor_settings *new)
{
	_cleanup_(monitor_unrefp) struct monitor *next = NULL;
	_cleanup_error_ struct error err = {};
	bool was_saved;
	int r;

	monitor_begin(monitor);
	was_saved = !monitor->configured;
	if (monitor->deleted) { /* another thread was faster */
		r = error_set(&err, -EAGAIN, "monitor %s was deleted", monitor->name);
	} else if (monitor_can_set_settings(monitor, new)) {
		_cleanup_(monitor_settings_unrefp) struct monitor_settings *settings =
			monitor_settings_share(new);

		r = settings ? update(reload, monitor, settings, &err) : error_oom(&err);
		if (r == 0 && was_saved)
			registry_forget(reload->registry, monitor->name, reload->report);
		next = monitor_ref(monitor);
	} else {
		r = monitor_exchange(monitor, new, reload->report, &next, &err);
	}
	monitor_end(monitor);
	if (r < 0) {
		add_failure(reload, r, &err);
		return;
	}
	text_printf(reload->report, "monitor %s: settings changed\n", next->name);
	registry_report_waiting(next, reload->report);
	pthread_mutex_lock(&next->state);
	if (next->attach_code)
		error_set(&err, -EIO, "monitor %s: %s", next->name,
			  next->attach_error ? next->attach_error : "not attached");
	pthread_mutex_unlock(&next->state);
	if (err.code)
		add_failure(reload, err.code, &err);
	registry_notify_changed(reload->registry);
	registry_notify_removed(reload->registry, monitor);
	registry_notify_added(reload->registry, next);
}

/* -- all monitors -- */

static bool is_requested(const struct reload *reload, const char *name)
{
	return !reload->only || !strcmp(reload->only, name);
}

static bool is_listed(const struct monitor_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->monitors[i]->name, name))
			return true;
	return false;
}

/*
 * Deletes the monitors that are no longer configured. Called first, because a hook may have room
 * for one program only.
 */
static void delete_unconfigured(struct reload *reload, const struct monitor_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct monitor *monitor = list->monitors[i];
		_cleanup_error_ struct error err = {};
		int r;

		if (!is_requested(reload, monitor->name) || !monitor->configured ||
		    settings_monitor(reload->new, monitor->name))
			continue;
		r = registry_delete(reload->registry, monitor->name, reload->report, &err);
		if (r < 0 && r != -ENOENT)
			add_failure(reload, r, &err);
		else
			text_printf(reload->report,
				    "monitor %s: deleted, it is not configured any more\n",
				    monitor->name);
	}
}

/* Changes the existing monitors whose settings or documents have changed. */
static void change_existing(struct reload *reload, const struct monitor_list *list)
{
	struct settings *new = reload->new;

	for (size_t i = 0; i < list->n && !registry_is_cancelled(reload->registry); i++) {
		struct monitor *monitor = list->monitors[i];
		struct monitor_settings *settings =
			new ? settings_monitor(new, monitor->name) : NULL;
		_cleanup_error_ struct error err = {};
		int r;

		if (!is_requested(reload, monitor->name) ||
		    (new && !settings && monitor->configured)) /* already deleted */
			continue;
		if (settings && (!monitor->configured ||
				 !monitor_settings_equal(settings, monitor->settings))) {
			change(reload, monitor, settings);
			continue;
		}
		monitor_begin(monitor);
		r = loader_reload(monitor, reload->force, reload->report, &err);
		monitor_end(monitor);
		if (r != 0)
			registry_notify_changed(reload->registry);
		report_replaced(reload, monitor, r, &err);
	}
}

static void add_configured(struct reload *reload, const struct monitor_list *list)
{
	struct settings *new = reload->new;

	for (size_t i = 0; i < new->n_monitors && !registry_is_cancelled(reload->registry); i++) {
		struct monitor_settings *settings = &new->monitors[i];
		_cleanup_free_ char *name = settings->name ? strdup(settings->name) : NULL;
		_cleanup_error_ struct error err = {};
		int r;

		if (!name || !is_requested(reload, name) || is_listed(list, name))
			continue;
		r = registry_add(reload->registry, settings, true, reload->report, &err);
		if (r < 0)
			add_load_failure(reload, r, &err);
		else
			text_printf(reload->report, "monitor %s: added\n", name);
	}
}

/* Called after all monitors were updated: a monitor that is still missing is an error. */
static void report_missing_monitors(struct reload *reload)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	registry_try_again(reload->registry, reload->report);
	if (registry_list(reload->registry, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct monitor *monitor = list.monitors[i];
		_cleanup_error_ struct error err = {};

		pthread_mutex_lock(&monitor->state);
		if (monitor->missing_monitor && monitor->outdated && monitor->last_error)
			error_set(&err, -ENOENT, "monitor %s: %s", monitor->name,
				  monitor->last_error);
		pthread_mutex_unlock(&monitor->state);
		if (err.code && is_requested(reload, monitor->name))
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
	if (new)
		delete_unconfigured(&reload, &list);
	change_existing(&reload, &list);
	if (new)
		add_configured(&reload, &list);
	if (reload.missing_monitor)
		report_missing_monitors(&reload);
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
