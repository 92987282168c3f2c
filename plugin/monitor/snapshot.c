/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/snapshot.h"
#include "base/array.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

int snapshot_add(struct snapshot *snapshot, struct monitor *monitor)
{
	bool share;
	size_t n;
	int r = 0;

	pthread_mutex_lock(&monitor->state);
	share = monitor->settings->share;
	n = share ? 1 : monitor->n_instances;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct instance *instance = monitor->instances[i];
		const char *name = instance->interface && !share ? instance->interface : "";
		_cleanup_text_ struct text text = {};
		_cleanup_free_ char *interface = NULL;
		struct snapshot_item *item;

		text_name(&text, name, strlen(name));
		interface = text_steal(&text);
		item = interface ? array_append(snapshot->items, snapshot->n) : NULL;
		if (!item) {
			r = -ENOMEM;
			break;
		}
		*item = (struct snapshot_item){
			.monitor = monitor_ref(monitor),
			.settings = monitor_settings_ref(monitor->settings),
			.interface = steal_ptr(&interface),
			.ifindex = instance->ifindex,
			.alone = n == 1,
			.generation = generation_ref(instance->generation),
		};
	}
	pthread_mutex_unlock(&monitor->state);
	return r;
}

bool snapshot_item_next_metric(const struct snapshot_item *item, struct snapshot_metric *metric)
{
	if (metric->item != item)
		*metric = (struct snapshot_metric){ .item = item };
	for (; item->generation && metric->direction < N_DIRECTIONS; metric->direction++) {
		const struct generation_direction *from =
			&item->generation->directions[metric->direction];

		if (metric->next < from->n_metrics) {
			metric->metric = &from->metrics[metric->next++];
			return true;
		}
		metric->next = 0;
	}
	return false;
}

bool snapshot_next_metric(const struct snapshot *snapshot, struct snapshot_metric *metric)
{
	const struct snapshot_item *item = metric->item ? metric->item : snapshot->items;

	for (; item < snapshot->items + snapshot->n; item++)
		if (snapshot_item_next_metric(item, metric))
			return true;
	return false;
}

void snapshot_note_read(const struct snapshot *snapshot, enum reader_kind reader)
{
	const struct monitor *last = NULL;

	for (size_t i = 0; i < snapshot->n; i++) {
		const struct monitor *monitor = snapshot->items[i].monitor;

		if (monitor && monitor != last) /* items of a monitor are adjacent */
			read_stats_add(monitor->read_stats, reader, 1, 0);
		last = monitor;
	}
}

void snapshot_release(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n; i++) {
		generation_unref(snapshot->items[i].generation);
		monitor_settings_unref(snapshot->items[i].settings);
		monitor_unref(snapshot->items[i].monitor);
		free(snapshot->items[i].interface);
	}
	free(snapshot->items);
	*snapshot = (struct snapshot){};
}
