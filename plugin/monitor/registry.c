/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/self_counter.h"
#include "dataplane/cache.h"
#include "dataplane/compile_queue.h"
#include "kernel/owner.h"
#include "monitor/notification.h"
#include "monitor/registry_private.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#define INJECT_TRIES 10 /* limit for races with other threads that create or delete the monitor */

static char *copy_or_null(const char *s, bool *failed)
{
	char *copy = s ? strdup(s) : NULL;

	*failed = *failed || (s && !copy);
	return copy;
}

static int open_event(int *r)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		*r = -errno;
	return fd;
}

int registry_new(const struct compiler *compiler, const char *dataplane_dir,
		 const struct registry_observer *observer, struct registry **ret, struct error *err)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	bool failed = false;
	int r = 0;

	if (!registry)
		return error_oom(err);
	registry->loader.compiler.program = registry->program =
		copy_or_null(compiler->program, &failed);
	registry->loader.compiler.include_dir = registry->include_dir =
		copy_or_null(compiler->include_dir, &failed);
	registry->loader.compiler.clang = registry->clang = copy_or_null(compiler->clang, &failed);
	registry->loader.dataplane_dir = copy_or_null(dataplane_dir, &failed);
	registry->loader.compiler.cache = cache_new();
	registry->loader.compiler.queue = compile_queue_new(0);
	registry->loader.compiler.patient = true; /* at startup and in a reload */
	registry->feeds = feeds_new();
	registry->pins = pin_store_new(DYNMON_STATE_DIR);
	registry_init_context(registry);
	registry->state_fd = -1;
	registry->change_fd = open_event(&r);
	registry->list_fd = open_event(&r);
	if (observer)
		registry->observer = *observer;
	pthread_mutex_init(&registry->reload, NULL);
	pthread_mutex_init(&registry->lock, NULL);
	registry->loader.compiler.cancel_fd = open_event(&r);
	if (failed || !registry->feeds || !registry->pins || !registry->loader.compiler.queue)
		r = -ENOMEM;
	if (r < 0) {
		registry_free(registry);
		return error_set(err, r, "%s", error_text(r));
	}
	*ret = registry;
	return 0;
}

int registry_identify(struct registry *registry, const char *state_dir, struct error *err)
{
	struct pin_store *pins = pin_store_new(state_dir);

	if (!pins)
		return error_oom(err);
	pin_store_free(registry->pins);
	registry->pins = pins;
	registry_init_context(registry);
	owner_identify(pin_store_path(pins));
	return 0;
}

void registry_sweep_pins(struct registry *registry, bool (*keep)(void *data, const char *monitor),
			 void *data, struct text *report)
{
	pin_store_sweep(registry->pins, keep, data, report);
}

void registry_batch_begin(struct registry *registry)
{
	cache_begin(registry->loader.compiler.cache);
	/* A pending injection may have filled the cache before a header changed. */
	cache_forget(registry->loader.compiler.cache);
}

void registry_batch_end(struct registry *registry)
{
	cache_end(registry->loader.compiler.cache);
}

void registry_cancel(struct registry *registry)
{
	__atomic_store_n(&registry->cancelled, true, __ATOMIC_RELAXED);
	eventfd_write(registry->loader.compiler.cancel_fd, 1);
}

bool registry_is_cancelled(const struct registry *registry)
{
	return __atomic_load_n(&registry->cancelled, __ATOMIC_RELAXED);
}

struct registry *registry_free(struct registry *registry)
{
	if (!registry)
		return NULL;
	for (size_t i = 0; i < registry->n_monitors; i++) {
		monitor_stop(registry->monitors[i], true);
		monitor_unref(registry->monitors[i]);
	}
	free(registry->monitors);
	pin_store_free(registry->pins);
	feeds_free(registry->feeds);
	cache_free(registry->loader.compiler.cache);
	compile_queue_free(registry->loader.compiler.queue);
	free(registry->program);
	free(registry->include_dir);
	free(registry->clang);
	free(registry->loader.dataplane_dir);
	free(registry->state_dir);
	fd_close(&registry->state_fd);
	fd_close(&registry->change_fd);
	fd_close(&registry->list_fd);
	fd_close(&registry->loader.compiler.cancel_fd);
	pthread_mutex_destroy(&registry->reload);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
	return NULL;
}

int registry_change_fd(const struct registry *registry)
{
	return registry->change_fd;
}

int registry_list_fd(const struct registry *registry)
{
	return registry->list_fd;
}

void registry_tell_changed(struct registry *registry)
{
	eventfd_write(registry->change_fd, 1);
}

void registry_tell_added(struct registry *registry, const struct monitor *monitor)
{
	if (registry->observer.added)
		registry->observer.added(registry->observer.data, monitor);
}

void registry_tell_removed(struct registry *registry, const struct monitor *monitor)
{
	if (registry->observer.removed)
		registry->observer.removed(registry->observer.data, monitor);
}

/*
 * Reports a missing network namespace. Returns true if nothing is to be reported for the
 * interfaces: the namespace is missing or cannot be entered.
 */
static bool report_netns(const struct monitor *monitor, struct text *report)
{
	_cleanup_error_ struct error err = {};
	_cleanup_close_ int fd = -1;
	struct netns_visit visit;
	int r;

	if (!monitor->settings.netns)
		return false;
	fd = netns_open(monitor->settings.netns, &err);
	if (fd >= 0) {
		r = netns_enter(fd, &visit);
		netns_leave(&visit);
		return r < 0; /* reported elsewhere; not a wait */
	}
	text_printf(report, "monitor %s: %s, waiting for it\n", monitor->settings.name,
		    error_message(&err));
	return true;
}

void registry_report_waiting(struct monitor *monitor, struct text *report)
{
	if (report_netns(monitor, report))
		return;
	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface && !monitor->instances[i]->ifindex)
			text_printf(report,
				    "monitor %s: interface \"%s\" does not exist, waiting for it\n",
				    monitor->settings.name, monitor->instances[i]->interface);
	pthread_mutex_unlock(&monitor->state);
}

/*
 * Returns a reference to the named monitor, with its control lock held. Repeats the lookup if the
 * monitor was deleted or replaced during the wait for the lock.
 */
static int registry_begin(struct registry *registry, const char *name, struct monitor **ret,
			  struct error *err)
{
	struct monitor *monitor;

	while ((monitor = registry_find(registry, name))) {
		monitor_begin(monitor);
		if (!monitor->deleted) {
			*ret = monitor;
			return 0;
		}
		monitor_end(monitor);
		monitor_unref(monitor);
	}
	return no_such_monitor(name, err);
}

/* Counts a failed request to change a monitor: the failure is the client's, not the monitor's. */
static int requested(int r)
{
	if (r < 0)
		self_counter_add(SELF_COUNTER_REQUESTS_REFUSED, 1);
	return r;
}

static int registry_add_monitor(struct registry *registry, struct monitor_settings *settings,
				bool configured, struct text *report, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r, load;

	r = registry_make(registry, settings, configured, 0, &monitor, err);
	if (r < 0)
		return r;
	monitor_begin(monitor);
	load = loader_reload(&registry->loader, monitor, true, report, err);
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	if (load >= 0 || configured)
		r = registry_insert(registry, monitor, load < 0 ? NULL : err);
	if (r == 0 && load >= 0)
		registry_keep(registry, monitor, report);
	monitor_end(monitor);
	if (r == 0 && (load >= 0 || configured)) {
		registry_report_waiting(monitor, report);
		registry_tell_added(registry, monitor);
	}
	return r < 0 ? r : load < 0 ? load : 0;
}

int registry_add(struct registry *registry, struct monitor_settings *settings, bool configured,
		 struct text *report, struct error *err)
{
	int r = registry_add_monitor(registry, settings, configured, report, err);

	return configured ? r : requested(r);
}

static bool try_again(struct registry *registry, struct monitor *monitor, struct text *report)
{
	_cleanup_error_ struct error err = {};
	int r = 0;

	monitor_begin(monitor);
	if (monitor->wanting && !monitor->dataplane)
		r = loader_reload(&registry->loader, monitor, false, report, &err);
	monitor_end(monitor);
	if (r > 0)
		text_printf(report, "monitor %s: runs, what it had to wait for is there\n",
			    monitor->settings.name);
	return r > 0;
}

void registry_try_again(struct registry *registry, struct text *report)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	bool any = registry_list(registry, NULL, &list, NULL) == 0;

	while (any && !__atomic_load_n(&registry->cancelled, __ATOMIC_RELAXED)) {
		any = false;
		for (size_t i = 0; i < list.n; i++)
			any = try_again(registry, list.monitors[i], report) || any;
		registry_tell_changed(registry);
	}
}

int registry_delete(struct registry *registry, const char *name, struct text *report,
		    struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return requested(r);
	/* Remove the file first: once the name is free, another monitor may be saved under it. */
	registry_forget(registry, name, report);
	monitor_close(monitor, false);
	registry_remove(registry, monitor);
	monitor_end(monitor);
	registry_tell_removed(registry, monitor);
	return 0;
}

static int registry_attach_interface(struct registry *registry, const char *name,
				     const char *interface, const char *position, bool alone,
				     struct text *report, struct error *err)
{
	const struct transaction_options options = { .interface = interface, .position = position };
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return r;
	if (alone && monitor->n_patterns)
		r = error_set(err, -EISCONN, "monitor %s is attached to %s already", name,
			      monitor_word(monitor, monitor->patterns[0]));
	else
		r = monitor_switch(monitor, monitor->dataplane, &options, err);
	if (r == 0)
		registry_keep(registry, monitor, report);
	monitor_end(monitor);
	registry_tell_changed(registry);
	return r;
}

int registry_attach(struct registry *registry, const char *name, const char *interface,
		    const char *position, struct text *report, struct error *err)
{
	return requested(
		registry_attach_interface(registry, name, interface, position, false, report, err));
}

int registry_attach_one(struct registry *registry, const char *name, const char *interface,
			const char *position, struct text *report, struct error *err)
{
	return requested(
		registry_attach_interface(registry, name, interface, position, true, report, err));
}

int registry_detach(struct registry *registry, const char *name, const char *interface,
		    struct text *report, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return requested(r);
	r = monitor_detach(monitor, interface, err);
	if (r == 0)
		registry_keep(registry, monitor, report);
	registry_tell_changed(registry);
	monitor_end(monitor);
	return requested(r);
}

int registry_eject(struct registry *registry, const char *name, int direction, struct text *report,
		   struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	int r = registry_begin(registry, name, &monitor, err);

	if (r < 0)
		return requested(r);
	r = direction < 0 ? loader_eject(monitor, err)
			  : loader_eject_direction(monitor, direction, err);
	if (r == 0)
		registry_keep(registry, monitor, report);
	monitor_end(monitor);
	registry_tell_changed(registry);
	return requested(r);
}

/* A single attempt. Returns -EAGAIN if another thread has created the monitor meanwhile. */
static int inject_once(struct registry *registry, const struct injection *injection,
		       struct text *warnings, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = NULL;
	bool is_new = registry_begin(registry, injection->monitor, &monitor, NULL) < 0;
	bool exists = false;
	int r;

	if (!is_new && injection->into == INJECT_NEW) {
		monitor_end(monitor);
		return error_set(err, -EEXIST, "a monitor called \"%s\" exists",
				 injection->monitor);
	}
	if (is_new && injection->into == INJECT_EXISTING)
		return no_such_monitor(injection->monitor, err);
	if (is_new) {
		struct monitor_settings settings, *given = injection->settings;

		r = given ? 0 : monitor_settings_init(&settings, injection->monitor, err);
		if (r == 0)
			r = registry_make(registry, given ? given : &settings, false, 0, &monitor,
					  err);
		if (r < 0)
			return r;
		monitor_begin(monitor);
	}
	r = loader_inject(&registry->loader, monitor, injection, warnings, err);
	if (r == 0 && is_new) {
		r = registry_insert(registry, monitor, err);
		exists = r == -EEXIST;
	}
	if (r == 0)
		registry_keep(registry, monitor, warnings);
	monitor_end(monitor);
	registry_tell_changed(registry);
	if (r == 0 && is_new)
		registry_tell_added(registry, monitor);
	return exists && injection->into != INJECT_NEW ? -EAGAIN : r;
}

int registry_inject(struct registry *registry, const struct injection *injection,
		    struct text *warnings, struct error *err)
{
	int r = -EAGAIN;

	cache_begin(registry->loader.compiler.cache);
	for (int tries = 0; r == -EAGAIN && tries < INJECT_TRIES; tries++) {
		text_clear(warnings);
		r = inject_once(registry, injection, warnings, err);
	}
	cache_end(registry->loader.compiler.cache);
	if (r == 0)
		notification_post(NOTIFICATION_OKAY, injection->monitor, injection->interface,
				  "monitor %s: dataplane injected", injection->monitor);
	else if (!injection_is_put_off(r))
		notification_post(NOTIFICATION_WARNING, injection->monitor, injection->interface,
				  "monitor %s: injection failed, nothing has changed: %s",
				  injection->monitor, err ? error_message(err) : strerror(-r));
	return requested(r);
}

int registry_try_document(struct registry *registry, const char *bytes, size_t len,
			  struct error *err)
{
	_cleanup_document_ struct document *document = NULL;

	return document_parse(bytes, len, registry->loader.dataplane_dir, true, &document, err);
}

void registry_retired(struct registry *registry, uint64_t *changes, uint64_t *failures)
{
	pthread_mutex_lock(&registry->lock);
	*changes = registry->retired_changes;
	*failures = registry->retired_failures;
	pthread_mutex_unlock(&registry->lock);
}

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
