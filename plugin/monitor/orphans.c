/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/orphans.h"
#include "kernel/netns.h"
#include "kernel/sweep.h"

#include <string.h>

static bool has_pin(void *data, const char *name)
{
	const struct monitor_list *list = data;

	for (size_t i = 0; i < list->n; i++)
		if (list->monitors[i]->settings.pin &&
		    !strcmp(list->monitors[i]->settings.name, name))
			return true;
	return false;
}

/* Returns true if a monitor may still adopt its pinned programs. */
static bool any_undecided(const struct monitor_list *list)
{
	bool undecided = false;

	for (size_t i = 0; i < list->n; i++) {
		struct monitor *monitor = list->monitors[i];

		pthread_mutex_lock(&monitor->state);
		undecided = undecided || (monitor->settings.pin && !monitor->dataplane);
		pthread_mutex_unlock(&monitor->state);
	}
	return undecided;
}

static void sweep_netns(const char *name, bool kept, struct text *report)
{
	_cleanup_close_ int fd = netns_open(name, NULL);
	struct netns_visit visit;

	if (fd < 0 || netns_enter(fd, &visit) < 0)
		return;
	hook_sweep(kept, report);
	netns_leave(&visit);
}

void orphans_remove(struct registry *registry, struct text *report)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	bool kept;

	if (registry_list(registry, NULL, &list, NULL) < 0)
		return;
	kept = !any_undecided(&list);
	hook_sweep(kept, report);
	for (size_t i = 0; i < list.n; i++) {
		const char *name = list.monitors[i]->settings.netns;
		bool seen = !name;

		for (size_t j = 0; j < i && !seen; j++)
			seen = list.monitors[j]->settings.netns &&
			       !strcmp(list.monitors[j]->settings.netns, name);
		if (!seen)
			sweep_netns(name, kept, report);
	}
	pin_store_sweep(registry->pins, has_pin, &list, report);
}
