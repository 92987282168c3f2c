/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/pinning.h"
#include "base/log.h"
#include "base/string.h"
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

/* Returns true if a program runs on the interface of the instance; with Share on any interface. */
static bool is_attached_program(void *data, enum direction direction, uint32_t prog_id)
{
	const struct running *running = data;
	const struct monitor *monitor = running->monitor;
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	bool share = monitor->settings->share;

	for (size_t i = 0; i < (share ? monitor->n_instances : 1); i++) {
		const struct instance *instance = share ? monitor->instances[i] : running->instance;
		_cleanup_chain_ struct chain chain = {};

		if (instance->ifindex &&
		    hook_chain(hook, instance->ifindex, direction, &chain) == 0 &&
		    chain_has(&chain, prog_id))
			return true;
	}
	return false;
}

static void adopt(struct monitor *monitor, struct instance *instance, struct pinned *pinned)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct hook *hook = hook_for_direction(monitor->hook, direction);
		const char *name = direction_name(direction);
		struct attachment *attachment = &instance->attachments[direction];
		uint32_t prog_id = pinned->prog_ids[direction];
		_cleanup_close_ int link_fd = -1;
		int r = -ENOENT;

		if (attachment_attached(attachment))
			continue;
		if (prog_id && instance->ifindex) {
			if (!hook->keep)
				link_fd = pins_get_link(monitor->pins, link_place(instance), name);
			r = attachment_adopt(attachment, hook, instance->ifindex, direction,
					     link_fd, &prog_id);
			if (r == 0)
				link_fd = -1;
		}
		if (r < 0) { /* the link belongs to another interface or hook */
			pins_remove_link(monitor->pins, link_place(instance), name);
			continue;
		}
		instance->pinned[direction] = true;
		instance->adopted[direction] =
			fcntl(pinned->prog_fds[direction], F_DUPFD_CLOEXEC, 3);
		log_notice("monitor %s: interface %s: adopted the %s program that was left "
			   "running",
			   monitor->name, instance->interface, name);
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
		pins_find(monitor->pins, generation_place(monitor, instance), is_attached_program,
			  &running, ret);
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

static void log_not_pinned(const struct monitor *monitor, const struct error *err)
{
	log_error("monitor %s: %s; its programs stop when collectd stops", monitor->name,
		  error_message(err));
}

static void pin_direction(struct monitor *monitor, struct instance *instance,
			  enum direction direction)
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
		log_not_pinned(monitor, &err);
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
			log_not_pinned(monitor, &err);
	}
	pins_remove_links_from(monitor->pins, PINS_SECTIONS, (unsigned int)n);
}

void pinning_settle(struct monitor *monitor, struct instance *instance, uint64_t number)
{
	_cleanup_error_ struct error err = {};

	if (!monitor->pins)
		return;
	/* The interface has returned, or the instance shares a loaded generation. */
	if (instance->generation && !instance->place && monitor->settings->share)
		instance->place = strdup(link_place(instance));
	else if (instance->generation && !instance->place &&
		 pinning_save(monitor, instance, instance->generation, &number, &err) < 0)
		log_not_pinned(monitor, &err);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		if (instance->interface)
			pin_direction(monitor, instance, direction);
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

static void rename_place(struct monitor *monitor, struct instance *instance, const char *place)
{
	char *copy = strdup(place);

	if (!copy || pins_move(monitor->pins, instance->place, place) < 0) {
		log_error("monitor %s: interface %s: Pin: \"%s\" cannot be renamed to \"%s\"",
			  monitor->name, instance->interface, instance->place, place);
		free(copy);
		return;
	}
	free(instance->place);
	instance->place = copy;
}

void pinning_follow(struct monitor *monitor, struct instance *instance)
{
	if (!monitor->pins || !instance->place || !instance->interface ||
	    !strcmp(instance->place, instance->interface))
		return;
	/* An instance that still has this place was renamed, too, and is handled later. */
	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *other = monitor->instances[i];
		char aside[sizeof(PINS_ASIDE) + 16];

		if (!string_equal(other->place, instance->interface))
			continue;
		snprintf(aside, sizeof(aside), PINS_ASIDE "%d", other->ifindex);
		rename_place(monitor, other, aside);
		break;
	}
	rename_place(monitor, instance, instance->interface);
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
