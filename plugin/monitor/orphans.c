/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/orphans.h"
#include "base/string.h"
#include "kernel/netns.h"
#include "kernel/sweep.h"

static bool has_pin(void *data, const char *name)
{
	const struct snapshot *all = data;

	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].settings->pin && !strcmp(all->items[i].settings->name, name))
			return true;
	return false;
}

void orphans_remove(struct registry *registry, struct text *report)
{
	_cleanup_(snapshot_release) struct snapshot all = {};
	bool kept = true;

	if (registry_snapshot(registry, NULL, &all, NULL) < 0)
		return;
	/* A monitor with Pin that has no dataplane yet may still adopt its pinned programs. */
	for (size_t i = 0; i < all.n; i++) {
		struct monitor *monitor = all.items[i].monitor;

		pthread_mutex_lock(&monitor->state);
		kept = kept && (!monitor->settings->pin || monitor->dataplane);
		pthread_mutex_unlock(&monitor->state);
	}
	hook_sweep(kept, report);
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.items[i].settings->netns;
		_cleanup_close_ int fd = -1;
		struct netns_visit visit;
		bool seen = !name;

		for (size_t j = 0; j < i && !seen; j++)
			seen = string_equal(all.items[j].settings->netns, name);
		if (!seen)
			fd = netns_open(name, NULL);
		if (fd < 0 || netns_enter(fd, &visit) < 0)
			continue;
		hook_sweep(kept, report);
		netns_leave(&visit);
	}
	pin_store_sweep(registry->pins, has_pin, &all, report);
}
