/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of monitors: lookup, insertion, removal, and order. */
#include "monitor/registry_private.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

int no_such_monitor(const char *name, struct error *err)
{
	return error_set(err, -ENOENT, "no monitor is called \"%.100s\"", name);
}

struct monitor *registry_find(struct registry *registry, const char *name)
{
	struct monitor *found = NULL;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && !found; i++)
		if (!strcmp(registry->monitors[i]->settings.name, name))
			found = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	return found;
}

int registry_insert(struct registry *registry, struct monitor *monitor, struct error *err)
{
	struct monitor **monitors;
	int r = 0;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && r == 0; i++)
		if (!strcmp(registry->monitors[i]->settings.name, monitor->settings.name))
			r = error_set(err, -EEXIST, "a monitor called \"%s\" exists",
				      monitor->settings.name);
	if (r == 0 && registry->n_monitors >= MONITORS_MAX)
		r = error_set(err, -E2BIG, "at most %d monitors are possible", MONITORS_MAX);
	if (r == 0) {
		monitors = realloc(registry->monitors,
				   (registry->n_monitors + 1) * sizeof(struct monitor *));
		if (monitors) {
			registry->monitors = monitors;
			monitors[registry->n_monitors++] = monitor_ref(monitor);
		} else {
			r = error_oom(err);
		}
	}
	pthread_mutex_unlock(&registry->lock);
	registry_tell_changed(registry);
	eventfd_write(registry->list_fd, 1);
	return r;
}

void registry_remove(struct registry *registry, struct monitor *monitor)
{
	bool found = false;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && !found; i++)
		if (registry->monitors[i] == monitor) {
			registry->n_monitors--;
			memmove(&registry->monitors[i], &registry->monitors[i + 1],
				(registry->n_monitors - i) * sizeof(struct monitor *));
			pthread_mutex_lock(&monitor->state);
			registry->retired_changes += monitor->changes;
			registry->retired_failures += monitor->failures;
			pthread_mutex_unlock(&monitor->state);
			found = true;
		}
	pthread_mutex_unlock(&registry->lock);
	if (found)
		monitor_unref(monitor);
	registry_tell_changed(registry);
	eventfd_write(registry->list_fd, 1);
}

int registry_make(struct registry *registry, struct monitor_settings *settings, bool configured,
		  unsigned int id, struct monitor **ret, struct error *err)
{
	bool taken = !id;
	uint64_t serial;
	int r;

	pthread_mutex_lock(&registry->lock);
	serial = registry->next_serial++;
	while (taken) { /* find the smallest id that is not in use */
		taken = false;
		id++;
		for (size_t i = 0; i < registry->n_monitors; i++)
			taken = taken || registry->monitors[i]->id == id;
	}
	pthread_mutex_unlock(&registry->lock);
	r = monitor_new(settings, id, serial, configured, ret, err);
	if (r == 0)
		(*ret)->context = &registry->context;
	return r;
}

bool registry_replace(struct registry *registry, struct monitor *old, struct monitor *next)
{
	bool found = false;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < registry->n_monitors && !found; i++)
		if (registry->monitors[i] == old) {
			registry->monitors[i] = monitor_ref(next);
			found = true;
		}
	pthread_mutex_unlock(&registry->lock);
	if (found)
		monitor_unref(old);
	registry_tell_changed(registry);
	return found;
}

int registry_list(struct registry *registry, const char *name, struct monitor_list *ret,
		  struct error *err)
{
	*ret = (struct monitor_list){};
	pthread_mutex_lock(&registry->lock);
	ret->monitors = calloc(registry->n_monitors + 1, sizeof(struct monitor *));
	for (size_t i = 0; ret->monitors && i < registry->n_monitors; i++)
		if (!name || !strcmp(registry->monitors[i]->settings.name, name))
			ret->monitors[ret->n++] = monitor_ref(registry->monitors[i]);
	pthread_mutex_unlock(&registry->lock);
	if (!ret->monitors)
		return error_oom(err);
	if (!name || ret->n)
		return 0;
	monitor_list_release(ret);
	return no_such_monitor(name, err);
}

void monitor_list_release(struct monitor_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		monitor_unref(list->monitors[i]);
	free(list->monitors);
	*list = (struct monitor_list){};
}

int registry_snapshot(struct registry *registry, const char *name, struct snapshot *ret,
		      struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(registry, name, &list, err);

	*ret = (struct snapshot){ .registry = name ? NULL : registry };
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		r = snapshot_add(ret, list.monitors[i]);
		if (r < 0)
			error_oom(err);
	}
	if (r < 0)
		snapshot_release(ret);
	return r;
}
