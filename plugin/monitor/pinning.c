/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/pinning.h"
#include "base/log.h"
#include "kernel/chain.h"
#include "monitor/registry.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

int pinning_open(struct monitor *monitor, struct error *err)
{
	if (!monitor->settings->pin || monitor->pins || monitor->deleted || !monitor->registry)
		return 0;
	return pins_open(monitor->registry->pins, monitor->name, &monitor->pins, err);
}

/* Returns the place of an instance's links; its generation may be at PINS_SHARED instead. */
static const char *link_place(const struct instance *instance)
{
	if (instance->place)
		return instance->place;
	return instance->interface ? instance->interface : PINS_SECTIONS;
}

static const char *generation_place(const struct monitor *monitor, const struct instance *instance)
{
	return monitor->settings->share ? PINS_SHARED : link_place(instance);
}

struct running {
	struct monitor *monitor;
	struct instance *instance;
};

static bool runs_on(const struct monitor *monitor, const struct instance *instance,
		    enum direction direction, uint32_t prog_id)
{
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	_cleanup_chain_ struct chain chain = {};

	return instance->ifindex && hook_chain(hook, instance->ifindex, direction, &chain) == 0 &&
	       chain_has(&chain, prog_id);
}

static bool runs(void *data, enum direction direction, uint32_t prog_id)
{
	const struct running *running = data;
	const struct monitor *monitor = running->monitor;

	if (!monitor->settings->share)
		return runs_on(monitor, running->instance, direction, prog_id);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (runs_on(monitor, monitor->instances[i], direction, prog_id))
			return true;
	return false;
}

static void adopt_direction(struct monitor *monitor, struct instance *instance,
			    enum direction direction, struct pinned *pinned)
{
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	struct attachment *attachment = &instance->attachments[direction];
	uint32_t prog_id = pinned->prog_ids[direction];
	_cleanup_close_ int link_fd = -1;
	int r;

	if (!prog_id || !instance->ifindex || attachment_attached(attachment))
		return;
	if (!hook->keep)
		link_fd = pins_get_link(monitor->pins, link_place(instance),
					direction_name(direction));
	r = attachment_adopt(attachment, hook, instance->ifindex, direction, link_fd, &prog_id);
	if (r == 0)
		link_fd = -1;
	if (r < 0)
		return;
	instance->pinned[direction] = true;
	instance->adopted[direction] = fcntl(pinned->prog_fds[direction], F_DUPFD_CLOEXEC, 3);
	log_notice("monitor %s: interface %s: the %s program that was left running is taken over",
		   monitor->name, instance->interface, direction_name(direction));
}

static void adopt(struct monitor *monitor, struct instance *instance, struct pinned *pinned)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		adopt_direction(monitor, instance, direction, pinned);
		/* A link that was not adopted belongs to another interface or hook. */
		if (!attachment_attached(&instance->attachments[direction]))
			pins_remove_link(monitor->pins, link_place(instance),
					 direction_name(direction));
	}
}

void pinning_adopt(struct monitor *monitor, struct instance *instance, struct pinned *ret)
{
	struct running running = { monitor, instance };
	struct netns_visit visit;

	*ret = (struct pinned){};
	if (!monitor->pins || instance->generation || instance->place)
		return;
	if (links_begin(monitor, &visit, NULL) == 0) {
		pins_find(monitor->pins, generation_place(monitor, instance), runs, &running, ret);
		adopt(monitor, instance, ret);
		/* With Share, the other instances run the same generation and load nothing. */
		for (size_t i = 0; monitor->settings->share && i < monitor->n_instances; i++)
			adopt(monitor, monitor->instances[i], ret);
	}
	links_end(monitor, &visit);
}

int pinning_save(struct monitor *monitor, struct instance *instance,
		 const struct generation *generation, uint64_t *number, struct error *err)
{
	*number = 0;
	if (!monitor->pins || !generation)
		return 0;
	if (!instance->place) {
		instance->place = strdup(link_place(instance));
		if (!instance->place)
			return error_oom(err);
	}
	return pins_save(monitor->pins, generation_place(monitor, instance), generation, number,
			 err);
}

void pinning_forget(struct monitor *monitor, const struct instance *instance, uint64_t number)
{
	if (monitor->pins && instance->place && number)
		pins_forget(monitor->pins, generation_place(monitor, instance), number);
}

static void pinning_tell(const struct monitor *monitor, const struct error *err)
{
	log_error("monitor %s: %s; it will not go on without collectd", monitor->name,
		  error_message(err));
}

static void pin_path(struct monitor *monitor, struct instance *instance, enum direction direction)
{
	struct attachment *attachment = &instance->attachments[direction];
	_cleanup_error_ struct error err = {};
	int r;

	if (!attachment_attached(attachment)) {
		pins_remove_link(monitor->pins, link_place(instance), direction_name(direction));
		instance->pinned[direction] = false;
		return;
	}
	if (instance->pinned[direction])
		return;
	if (attachment_link_fd(attachment) >= 0) {
		r = pins_save_link(monitor->pins, link_place(instance), direction_name(direction),
				   attachment_link_fd(attachment), &err);
	} else {
		r = attachment_keep(attachment);
		if (r < 0)
			error_set(&err, r, "Pin: the filter cannot be marked: %s", strerror(-r));
	}
	instance->pinned[direction] = r == 0;
	if (r < 0)
		pinning_tell(monitor, &err);
}

/* Pins the links of programs attached by section, which are new after each load. */
static void pin_sections(struct monitor *monitor, const struct instance *instance)
{
	const struct object *object = generation_has_sections(instance->generation)
					      ? instance->generation->directions[INGRESS].object
					      : NULL;
	size_t n = object ? object->links.n : 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_error_ struct error err = {};
		char name[24];

		snprintf(name, sizeof(name), "%zu", i);
		if (pins_save_link(monitor->pins, PINS_SECTIONS, name,
				   bpf_link__fd(object->links.items[i]), &err) < 0)
			pinning_tell(monitor, &err);
	}
	pins_remove_links_from(monitor->pins, PINS_SECTIONS, (unsigned int)n);
}

/* Pins an instance whose interface has returned, or which shares a loaded generation. */
static void pin_again(struct monitor *monitor, struct instance *instance, uint64_t *number)
{
	_cleanup_error_ struct error err = {};

	if (monitor->settings->share)
		instance->place = strdup(link_place(instance));
	else if (pinning_save(monitor, instance, instance->generation, number, &err) < 0)
		pinning_tell(monitor, &err);
}

void pinning_settle(struct monitor *monitor, struct instance *instance, uint64_t number)
{
	if (!monitor->pins)
		return;
	if (instance->generation && !instance->place)
		pin_again(monitor, instance, &number);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		if (instance->interface)
			pin_path(monitor, instance, direction);
		if (instance->adopted[direction] > 0 && instance->generation)
			fd_close(&instance->adopted[direction]);
		if (instance->generation)
			instance->adopted[direction] = 0;
	}
	if (!instance->pattern)
		pin_sections(monitor, instance);
	if (instance->place && (number || !instance->generation))
		pins_settle(monitor->pins, generation_place(monitor, instance), number);
}

void pinning_remove(struct monitor *monitor, struct instance *instance)
{
	if (!monitor->pins)
		return;
	pins_remove(monitor->pins, link_place(instance));
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		instance->pinned[direction] = false;
	free(instance->place);
	instance->place = NULL;
}

/* Returns the instance that has a place, or NULL. */
static struct instance *instance_at(const struct monitor *monitor, const char *place)
{
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->place && !strcmp(monitor->instances[i]->place, place))
			return monitor->instances[i];
	return NULL;
}

static void move(struct monitor *monitor, struct instance *instance, const char *place)
{
	char *copy = strdup(place);

	if (!copy || pins_move(monitor->pins, instance->place, place) < 0) {
		log_error("monitor %s: interface %s: Pin: \"%s\" cannot be called \"%s\"",
			  monitor->name, instance->interface, instance->place, place);
		free(copy);
		return;
	}
	free(instance->place);
	instance->place = copy;
}

void pinning_follow(struct monitor *monitor, struct instance *instance)
{
	struct instance *other;

	if (!monitor->pins || !instance->place || !instance->interface ||
	    !strcmp(instance->place, instance->interface))
		return;
	/* An instance that still has this place was renamed, too, and is handled later. */
	other = instance_at(monitor, instance->interface);
	if (other) {
		char aside[sizeof(PINS_ASIDE) + 16];

		snprintf(aside, sizeof(aside), PINS_ASIDE "%d", other->ifindex);
		move(monitor, other, aside);
	}
	move(monitor, instance, instance->interface);
}

static bool pinning_is_wanted(void *data, const char *place)
{
	const struct monitor *monitor = data;

	if (monitor->settings->share && !strcmp(place, PINS_SHARED))
		return true;
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (!strcmp(place, link_place(monitor->instances[i])))
			return true;
	return false;
}

void pinning_prune(struct monitor *monitor)
{
	if (monitor->pins)
		pins_prune(monitor->pins, pinning_is_wanted, monitor);
}
