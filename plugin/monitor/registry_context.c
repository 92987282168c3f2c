/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment of the monitors: maps and programs of other monitors, feeds, and collectd. */
#include "kernel/netns.h"
#include "monitor/registry_private.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

static int find_in_generation(const struct generation *generation, const char *name)
{
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++) {
		const struct object *object = generation->directions[direction].object;
		const struct object_map *map = object ? object_find_map(object, name) : NULL;

		if (map && map->scope == MAP_SCOPE_PUBLIC)
			return fcntl(object_map_fd(map), F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

/*
 * Finds a public map of another monitor. A monitor of the same name is the one that asking
 * replaces, and is skipped.
 */
static int find_public_map(void *data, const struct monitor *asking, const char *name)
{
	struct registry *registry = data;
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	int r = registry_snapshot(registry, NULL, &snapshot, NULL);

	for (size_t i = 0; r == 0 && i < snapshot.n; i++) {
		bool own = !strcmp(snapshot.items[i].monitor->settings.name, asking->settings.name);
		int fd = own ? -1 : find_in_generation(snapshot.items[i].generation, name);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

/* Compares namespaces. A plain name is an abbreviation of a file in NETNS_DIR. */
static bool same_netns(const char *a, const char *b)
{
	size_t len = strlen(NETNS_DIR);

	if (!a || !b)
		return a == b;
	a += strncmp(a, NETNS_DIR, len) ? 0 : len;
	b += strncmp(b, NETNS_DIR, len) ? 0 : len;
	return !strcmp(a, b);
}

static uint32_t find_program(void *data, const struct monitor *asking, const char *name,
			     int ifindex, enum direction direction)
{
	struct registry *registry = data;
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	int r = registry_snapshot(registry, name, &snapshot, NULL);

	for (size_t i = 0; r == 0 && i < snapshot.n; i++) {
		const struct snapshot_item *item = &snapshot.items[i];
		int prog_fd = generation_prog_fd(item->generation, direction);

		if (item->ifindex == ifindex && prog_fd >= 0 &&
		    same_netns(item->monitor->settings.netns, asking->settings.netns))
			return object_program_id(prog_fd);
	}
	return 0;
}

static void registry_context_feed(void *data, const struct monitor *monitor,
				  struct generation *generation, struct text *news)
{
	struct registry *registry = data;

	feeds_put(registry->feeds, monitor->settings.name, generation, news);
}

static void refill(void *data, const struct monitor *monitor, struct generation *generation,
		   bool second)
{
	struct registry *registry = data;

	feeds_refill(registry->feeds, monitor->settings.name, generation, second);
}

int registry_flush(struct registry *registry, const char *plugin, double timeout,
		   const char *identifier, struct error *err)
{
	const struct registry_observer *observer = &registry->observer;

	if (!observer->flush)
		return error_set(err, -EOPNOTSUPP, "there is no collectd to flush to");
	return observer->flush(observer->data, plugin, timeout, identifier, err);
}

static int no_collectd(struct error *err)
{
	return error_set(err, -EOPNOTSUPP, "there is no collectd that has values");
}

int registry_list_values(struct registry *registry, struct text *lines, struct error *err)
{
	const struct registry_observer *observer = &registry->observer;

	return observer->list_values ? observer->list_values(observer->data, lines, err)
				     : no_collectd(err);
}

int registry_get_value(struct registry *registry, const char *identifier, struct text *lines,
		       struct error *err)
{
	const struct registry_observer *observer = &registry->observer;

	return observer->get_value ? observer->get_value(observer->data, identifier, lines, err)
				   : no_collectd(err);
}

static void tell_unattached(void *data)
{
	const struct registry *registry = data;

	eventfd_write(registry->list_fd, 1);
}

void registry_init_context(struct registry *registry)
{
	registry->context = (struct monitor_context){
		.find_map = find_public_map,
		.find_program = find_program,
		.feed = registry_context_feed,
		.refill = refill,
		.tell_unattached = tell_unattached,
		.data = registry,
		.pins = registry->pins,
	};
}
