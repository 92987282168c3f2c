/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/attach.h"
#include "base/descriptor.h"
#include "monitor/pinning.h"
#include "monitor/registry.h"
#include "program/load.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define NEIGHBOUR_TRIES 4

/* Translates the pattern's position into a position on the hook; option.c defines the syntax. */
static int find_position(const struct monitor *monitor, const struct instance *instance,
			 int ifindex, enum direction direction, struct position *ret,
			 struct error *err)
{
	const char *text = instance->pattern ? instance->pattern->position : NULL;
	const char *neighbour = text ? strchr(text, ':') : NULL;

	*ret = (struct position){ .where = POSITION_ANY };
	if (!text)
		return 0;
	if (!neighbour) {
		ret->where = !strcasecmp(text, "first") ? POSITION_FIRST : POSITION_LAST;
		return 0;
	}
	ret->where = !strncasecmp(text, "before", 6) ? POSITION_BEFORE : POSITION_AFTER;
	neighbour++;
	if (!strcmp(neighbour, monitor->name))
		return error_set(err, -EINVAL,
				 "position \"%s\": a monitor has no position relative to itself",
				 text);
	if (*neighbour == '#')
		ret->prog_id = (uint32_t)strtoul(neighbour + 1, NULL, 10);
	else if (monitor->registry)
		ret->prog_id = registry_find_program(monitor->registry, monitor, neighbour, ifindex,
						     direction);
	if (!ret->prog_id)
		return error_set(err, -ENOLINK,
				 "position \"%s\": no monitor of that name runs on the %s of this "
				 "interface",
				 text, direction_name(direction));
	return 0;
}

int instance_attach_direction(const struct monitor *monitor, struct instance *instance, int ifindex,
			      enum direction direction, int prog_fd, struct error *err)
{
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	struct position position;
	int r = -ENOENT;

	/* Retry: a swap or a reload of the neighbour may have replaced its program. */
	for (int tries = 0; (r == -ENOENT || r == -ENOLINK) && tries < NEIGHBOUR_TRIES; tries++) {
		r = find_position(monitor, instance, ifindex, direction, &position, err);
		if (r == 0)
			r = attachment_attach(&instance->attachments[direction], hook, ifindex,
					      direction, prog_fd, &position, err);
	}
	return r < 0 ? error_prefix(err, r, "interface %s", instance->interface) : 0;
}

int instance_attach(const struct monitor *monitor, struct instance *instance, int ifindex,
		    struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int prog_fd = generation_prog_fd(instance->generation, direction), r;

		if (prog_fd < 0 || attachment_attached(&instance->attachments[direction]))
			continue;
		r = instance_attach_direction(monitor, instance, ifindex, direction, prog_fd, err);
		if (r < 0) {
			instance_detach(instance, false);
			return r;
		}
	}
	return 0;
}

int instance_add(struct monitor *monitor, struct instance *instance)
{
	struct instance *placeholder = NULL, **instances;
	int r = 0;

	pthread_mutex_lock(&monitor->links);
	pthread_mutex_lock(&monitor->state);
	if (!monitor->instances[0]->pattern) {
		placeholder = monitor->instances[0];
		monitor->instances[0] = instance;
	} else {
		instances = realloc(monitor->instances,
				    (monitor->n_instances + 1) * sizeof(struct instance *));
		if (instances) {
			monitor->instances = instances;
			instances[monitor->n_instances++] = instance;
		} else {
			r = -ENOMEM;
		}
	}
	pthread_mutex_unlock(&monitor->state);
	pthread_mutex_unlock(&monitor->links);
	instance_free(placeholder);
	return r;
}

void instance_withdraw(struct monitor *monitor, struct instance *instance, const char *interface)
{
	struct netns_visit visit;

	if (links_begin(monitor, &visit, NULL) == 0)
		instance_detach(instance, false);
	pinning_remove(monitor, instance);
	links_end(monitor, &visit);
	monitor_set_place(monitor, instance, interface, 0, false);
}

void instance_drop(struct monitor *monitor, size_t i, bool obsolete)
{
	struct instance *instance = monitor->instances[i];
	struct netns_visit visit;
	char *interface = NULL;

	if (links_begin(monitor, &visit, NULL) == 0)
		instance_detach(instance, false);
	pinning_remove(monitor, instance);
	pthread_mutex_lock(&monitor->state);
	if (monitor->n_instances > 1) {
		monitor->instances[i] = monitor->instances[--monitor->n_instances];
	} else {
		interface = steal_ptr(&instance->interface);
		instance->pattern = NULL;
		instance->ifindex = 0;
		instance->attach_failed = false;
		instance->obsolete = obsolete && !monitor->settings->share;
		instance = NULL;
	}
	pthread_mutex_unlock(&monitor->state);
	links_end(monitor, &visit);
	free(interface);
	instance_free(instance);
}

static int instance_find_map(void *data, const char *name)
{
	const struct monitor *monitor = data;

	return monitor->registry ? registry_find_map(monitor->registry, monitor, name) : -ENOENT;
}

int instance_load(struct monitor *monitor, struct instance *instance, struct dataplane *dataplane,
		  const struct inheritance *inheritance, struct generation **ret, struct error *err)
{
	_cleanup_(reusable_maps_release) struct reusable_maps reusable_maps = {};
	_cleanup_(pinned_release) struct pinned pinned = {};
	struct load_environment around = { .find_map = instance_find_map,
					   .data = monitor,
					   .pin = true };
	struct load_options loading = {
		.environment = &around,
		.monitor = monitor->name,
		.xdp = monitor->hook->xdp,
		.previous = inheritance->previous,
		.report = inheritance->report,
	};
	int r = descriptors_check(err);

	if (r < 0)
		return r;
	if (inheritance->keep_maps &&
	    generation_reusable_maps(inheritance->previous, &reusable_maps) < 0)
		return error_oom(err);
	if (reusable_maps.n)
		loading.reusable_maps = &reusable_maps;
	if (!inheritance->previous)
		pinning_adopt(monitor, instance, &pinned);
	if (pinned.reusable_maps.n)
		loading.reusable_maps = &pinned.reusable_maps;
	r = generation_load(dataplane, &loading, ret, err);
	if (r == 0 && pinned.second_runs && (*ret)->swap)
		(*ret)->swap->second_runs = true;
	if (r == 0 && monitor->registry) /* fill the maps before the first packet */
		feeds_put(monitor->registry->feeds, monitor->name, *ret, NULL);
	return r;
}
