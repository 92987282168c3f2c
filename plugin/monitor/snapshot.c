/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/snapshot.h"
#include "base/utf8.h"

#include <errno.h>
#include <string.h>

static int add_item(struct view *view, struct monitor *monitor, const struct instance *instance,
		    bool alone)
{
	const char *name =
		instance->interface && !monitor->settings.share ? instance->interface : "";
	_cleanup_text_ struct text text = {};
	char *interface;

	utf8_name(&text, name, strlen(name));
	interface = text_steal(&text);
	if (!interface)
		return -ENOMEM;
	view->items[view->n++] = (struct view_item){
		.monitor = monitor_ref(monitor),
		.interface = interface,
		.ifindex = instance->ifindex,
		.alone = alone,
		.generation = generation_ref(instance->generation),
	};
	return 0;
}

int view_add(struct view *view, struct monitor *monitor)
{
	struct view_item *items;
	size_t n;
	int r = 0;

	pthread_mutex_lock(&monitor->state);
	n = monitor->settings.share ? 1 : monitor->n_instances;
	items = realloc(view->items, (view->n + n) * sizeof(*items));
	if (items)
		view->items = items;
	else
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_item(view, monitor, monitor->instances[i], n == 1);
	pthread_mutex_unlock(&monitor->state);
	return r;
}

void view_note_read(const struct view *view, enum reader_kind reader)
{
	const struct monitor *last = NULL;

	for (size_t i = 0; i < view->n; i++) {
		const struct monitor *monitor = view->items[i].monitor;

		if (monitor && monitor != last) /* its items stand together */
			readings_add(monitor->readings, reader, 1, 0);
		last = monitor;
	}
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
