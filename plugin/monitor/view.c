/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/view.h"

#include <errno.h>
#include <string.h>

int view_add(struct view *view, struct monitor *monitor)
{
	struct view_item *items;
	int r = 0;

	pthread_mutex_lock(&monitor->state);
	items = realloc(view->items, (view->n + monitor->n_instances) * sizeof(*items));
	if (!items)
		r = -ENOMEM;
	else
		view->items = items;
	for (size_t i = 0; r == 0 && i < monitor->n_instances; i++) {
		const struct instance *instance = monitor->instances[i];
		char *interface = strdup(instance->interface ? instance->interface : "");

		if (!interface) {
			r = -ENOMEM;
			break;
		}
		items[view->n++] = (struct view_item){
			.monitor = monitor_ref(monitor),
			.interface = interface,
			.alone = monitor->n_instances == 1,
			.generation = generation_ref(instance->generation),
		};
	}
	pthread_mutex_unlock(&monitor->state);
	return r;
}

void view_release(struct view *view)
{
	for (size_t i = 0; i < view->n; i++) {
		generation_unref(view->items[i].generation);
		monitor_unref(view->items[i].monitor);
		free(view->items[i].interface);
	}
	free(view->items);
	*view = (struct view){};
}
