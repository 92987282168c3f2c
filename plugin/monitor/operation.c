/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/operation.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self_counter.h"
#include "dataplane/cache.h"
#include "monitor/notification.h"
#include "monitor/saved.h"
#include "monitor/tracking.h"
#include "persist/state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define INJECT_TRIES 10 /* limit for races with other threads that create or delete the monitor */

/*
 * Returns a reference to the named monitor, with its control lock held. Repeats the lookup if the
 * monitor was deleted or replaced during the wait for the lock.
 */
static int registry_begin(struct registry *registry, const char *name, struct monitor **ret,
			  struct error *err)
{
	struct monitor *monitor;

	while ((monitor = registry_find(registry, name, err))) {
		monitor_begin(monitor);
		if (!monitor->deleted) {
			*ret = monitor;
			return 0;
		}
		monitor_end(monitor);
		monitor_unref(monitor);
	}
	return -ENOENT;
}

/* Counts a failed request to change a monitor: the failure is the client's, not the monitor's. */
static int count_refused(int r)
{
	if (r < 0)
		self_counter_add(SELF_COUNTER_REQUESTS_REFUSED, 1);
	return r;
}

/* -- saving monitors that were created at run time -- */

/*
 * Two processes with one StateDir would restore the same monitors and overwrite each other's files.
 * Only this case is rejected here; state_files.c reports all other faults of the directory. The
 * lock is taken once the directory exists, and kept.
 */
static int lock_state_dir(struct registry *registry, bool wait, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&registry->lock);
	if (registry->state_fd < 0) {
		_cleanup_close_ int fd =
			open(registry->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = fd < 0 ? 0 : file_lock(fd, wait);
		if (fd >= 0 && r == 0)
			registry->state_fd = steal_fd(&fd);
	}
	pthread_mutex_unlock(&registry->lock);
	return r == -EBUSY ? error_set(err, r,
				       "StateDir %s is in use by another process; give each "
				       "collectd its own StateDir",
				       registry->state_dir)
			   : 0;
}

/* The change stands, and the caller may have no report. Therefore the error is logged here. */
static void report_not_saved(const struct error *err, struct text *report)
{
	log_error("%s", error_message(err));
	if (report)
		text_printf(report, "%s\n", error_message(err));
}

/* Saves a monitor that was created at run time. The monitor is under control. */
static void save(struct monitor *monitor, struct text *report)
{
	struct registry *registry = monitor->registry;
	const char *name = monitor->name;
	_cleanup_text_ struct text bytes = {};
	_cleanup_error_ struct error err = {};
	int r;

	if (!registry->state_dir || monitor->configured)
		return;
	r = lock_state_dir(registry, false, &err);
	if (r < 0)
		error_prefix(&err, r, "monitor %s is not saved and is lost at the next restart",
			     name);
	else
		r = state_save(registry->state_dir, name,
			       saved_format(monitor, &bytes) < 0 ? NULL : &bytes, &err);
	if (r < 0)
		report_not_saved(&err, report);
	lock_state_dir(registry, false, NULL); /* state_save() may have created the directory */
}

void registry_forget(struct registry *registry, const char *name, struct text *report)
{
	_cleanup_error_ struct error err = {};

	if (!registry->state_dir || lock_state_dir(registry, false, NULL) < 0)
		return;
	if (state_remove(registry->state_dir, name, &err) < 0)
		report_not_saved(&err, report);
}

/* -- monitors of collectd.conf and of StateDir -- */

void registry_report_waiting(struct monitor *monitor, struct text *report)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *settings =
		monitor_get_settings(monitor);
	_cleanup_error_ struct error err = {};
	_cleanup_close_ int fd = -1;

	if (settings->netns) {
		struct netns_visit visit;
		int r;

		fd = netns_open(settings->netns, &err);
		if (fd < 0) {
			text_printf(report, "monitor %s: %s, waiting for it\n", monitor->name,
				    error_message(&err));
			return;
		}
		r = netns_enter(fd, &visit);
		netns_leave(&visit);
		if (r < 0) /* reported elsewhere; not a wait */
			return;
	}
	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface && !monitor->instances[i]->ifindex)
			text_printf(report,
				    "monitor %s: interface \"%s\" does not exist, waiting for it\n",
				    monitor->name, monitor->instances[i]->interface);
	pthread_mutex_unlock(&monitor->state);
}

/*
 * Creates a monitor, loads its dataplane, and adds it to the set. *added: it is in the set. If the
 * dataplane fails, only a monitor with a history and one of collectd.conf are added. A history is
 * moved.
 */
static int load_and_insert(struct registry *registry, struct monitor_settings *settings,
			   bool configured, struct history *history, struct text *report,
			   bool *added, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_create(registry, settings, configured, 0, &monitor, err), load;

	*added = false;
	if (r < 0)
		return r;
	monitor_begin(monitor);
	if (history) {
		monitor->history = *history;
		*history = (struct history){};
	}
	load = loader_reload(monitor, true, report, err);
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	if (load >= 0 || configured || history) {
		r = registry_insert(registry, monitor, load < 0 ? NULL : err);
		*added = r == 0;
	}
	if (*added && load >= 0 && !history)
		save(monitor, report);
	monitor_end(monitor);
	if (*added) {
		registry_report_waiting(monitor, report);
		registry_notify_added(registry, monitor);
	}
	return r < 0 ? r : load < 0 ? load : 0;
}

int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err)
{
	bool added;
	int r = load_and_insert(registry, settings, configured, NULL, report, &added, err);

	return configured ? r : count_refused(r);
}

struct restoring {
	struct registry *registry;
	struct text *report;
};

/*
 * Creates a saved monitor. A monitor whose dataplane fails stays, with its history, until the next
 * reload. Returns -errno if the bytes do not describe a monitor.
 */
static int restore(void *data, const char *name, const char *bytes, size_t len, struct error *err)
{
	struct registry *registry = ((struct restoring *)data)->registry;
	struct text *report = ((struct restoring *)data)->report;
	_cleanup_(monitor_unrefp) struct monitor *known = registry_find(registry, name, NULL);
	_cleanup_(saved_release) struct saved saved = {};
	_cleanup_text_ struct text ignored = {};
	_cleanup_error_ struct error why = {};
	int r = saved_parse(bytes, len, name, &saved, &ignored, err);
	bool added;

	if (r < 0)
		return r;
	if (known)
		text_printf(report,
			    "monitor %s: its saved state is not restored, collectd.conf defines "
			    "the monitor now\n",
			    name);
	else if (load_and_insert(registry, &saved.settings, false, &saved.history, report, &added,
				 &why) < 0)
		text_printf(report, added ? "%s\n" : "not restored: %s\n", error_message(&why));
	return 0;
}

int registry_restore(struct registry *registry, const char *dir, struct text *report,
		     struct error *err)
{
	struct restoring restoring = { registry, report };

	registry->state_dir = strdup(dir);
	if (!registry->state_dir)
		return error_oom(err);
	if (lock_state_dir(registry, true, err) < 0)
		return error_prefix(err, -EBUSY, "no monitor is restored or saved");
	return state_load(dir, restore, &restoring, report, err);
}

void registry_try_again(struct registry *registry, struct text *report)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	bool any = registry_list(registry, NULL, &list, NULL) == 0;

	while (any && !registry_is_cancelled(registry)) {
		any = false;
		for (size_t i = 0; i < list.n; i++) {
			struct monitor *monitor = list.monitors[i];
			_cleanup_error_ struct error err = {};
			int r = 0;

			monitor_begin(monitor);
			if (monitor->missing_monitor && !monitor->dataplane)
				r = loader_reload(monitor, false, report, &err);
			monitor_end(monitor);
			if (r <= 0)
				continue;
			text_printf(report,
				    "monitor %s: running, the monitor it waited for exists now\n",
				    monitor->name);
			any = true;
		}
		registry_notify_changed(registry);
	}
}

/* -- requests -- */

/* A single attempt. Returns -EAGAIN if another thread has created the monitor meanwhile. */
static int inject_once(struct registry *registry, const struct injection *injection,
		       struct text *warnings, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	bool must_exist = injection->into == INJECT_EXISTING;
	bool is_new =
		registry_begin(registry, injection->monitor, &monitor, must_exist ? err : NULL) < 0;
	bool exists = false;
	int r;

	if (!is_new && injection->into == INJECT_NEW) {
		monitor_end(monitor);
		return error_set(err, -EEXIST, "a monitor called \"%s\" exists",
				 injection->monitor);
	}
	if (is_new && must_exist)
		return -ENOENT;
	if (is_new) {
		struct monitor_settings settings, *given = injection->settings;

		r = given ? 0 : monitor_settings_init(&settings, injection->monitor, err);
		if (r == 0)
			r = registry_create(registry, given ? given : &settings, false, 0, &monitor,
					    err);
		if (r < 0)
			return r;
		monitor_begin(monitor);
	}
	r = loader_inject(monitor, injection, warnings, err);
	if (r == 0 && is_new) {
		r = registry_insert(registry, monitor, err);
		exists = r == -EEXIST;
	}
	if (r == 0)
		save(monitor, warnings);
	monitor_end(monitor);
	registry_notify_changed(registry);
	if (r == 0 && is_new)
		registry_notify_added(registry, monitor);
	return exists && injection->into != INJECT_NEW ? -EAGAIN : r;
}

int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err)
{
	int r = -EAGAIN;

	cache_begin(registry->compiler.cache);
	for (int tries = 0; r == -EAGAIN && tries < INJECT_TRIES; tries++) {
		text_clear(warnings);
		r = inject_once(registry, injection, warnings, err);
	}
	cache_end(registry->compiler.cache);
	if (r == 0)
		notification_post(NOTIFICATION_OKAY, injection->monitor, injection->interface,
				  "monitor %s: dataplane injected", injection->monitor);
	else if (!injection_is_put_off(r))
		notification_post(NOTIFICATION_WARNING, injection->monitor, injection->interface,
				  "monitor %s: injection failed, nothing has changed: %s",
				  injection->monitor, err ? error_message(err) : strerror(-r));
	return count_refused(r);
}

/* Ends a request: saves a changed monitor, and reports the change. */
static int finish_request(struct registry *registry, struct monitor *monitor, int r,
			  struct text *report)
{
	if (r == 0)
		save(monitor, report);
	monitor_end(monitor);
	registry_notify_changed(registry);
	return count_refused(r);
}

int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, bool alone, struct text *report, struct error *err)
{
	const struct transaction_options options = { .interface = interface, .position = position };
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return count_refused(r);
	if (alone && monitor->n_patterns)
		r = error_set(err, -EISCONN, "monitor %s is attached to %s already", name,
			      monitor_interface(monitor, monitor->patterns[0]));
	else
		r = monitor_switch(monitor, monitor->dataplane, &options, err);
	return finish_request(registry, monitor, r, report);
}

int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct text *report, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return count_refused(r);
	r = monitor_detach(monitor, interface, err);
	return finish_request(registry, monitor, r, report);
}

int registry_eject(struct registry *registry, const char *name, int direction, struct text *report,
		   struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return count_refused(r);
	r = direction < 0 ? loader_eject(monitor, err)
			  : loader_eject_direction(monitor, direction, err);
	return finish_request(registry, monitor, r, report);
}

int registry_delete(struct registry *registry, const char *name, struct text *report,
		    struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return count_refused(r);
	/* Remove the file first: once the name is free, another monitor may be saved under it. */
	registry_forget(registry, name, report);
	monitor_close(monitor, false);
	registry_replace(registry, monitor, NULL);
	monitor_end(monitor);
	registry_notify_removed(registry, monitor);
	return 0;
}

/* -- interfaces that come and go -- */

void registry_refresh(struct registry *registry)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	if (registry_list(registry, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		monitor_refresh(list.monitors[i]);
}

bool registry_retry(struct registry *registry)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	bool any = false;

	if (registry_list(registry, NULL, &list, NULL) < 0)
		return true; /* out of memory: assume that there are some */
	for (size_t i = 0; i < list.n; i++) {
		struct monitor *monitor = list.monitors[i];
		bool unattached;

		pthread_mutex_lock(&monitor->state);
		unattached = monitor->attach_code;
		pthread_mutex_unlock(&monitor->state);
		if (unattached)
			monitor_refresh(monitor);
		any = any || unattached;
	}
	return any;
}
