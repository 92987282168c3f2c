/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/monitor.h"
#include "base/log.h"
#include "kernel/netif.h"

#include <errno.h>
#include <string.h>

static struct instance *instance_new(const char *interface)
{
	struct instance *instance = calloc(1, sizeof(*instance));

	if (instance && interface) {
		instance->interface = strdup(interface);
		if (!instance->interface) {
			free(instance);
			return NULL;
		}
	}
	return instance;
}

static void instance_detach(struct instance *instance)
{
	for (int path = 0; path < PATH_COUNT; path++)
		attachment_detach(&instance->attachments[path]);
}

static struct instance *instance_free(struct instance *instance)
{
	if (!instance)
		return NULL;
	instance_detach(instance);
	generation_unref(instance->generation);
	free(instance->interface);
	free(instance);
	return NULL;
}
DEFINE_CLEANUP(struct instance *, instance_free);

int monitor_new(struct monitor_settings *settings, unsigned int id, uint64_t serial,
		bool configured, struct monitor **ret, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = calloc(1, sizeof(*monitor));
	size_t n = settings->n_interfaces ? settings->n_interfaces : 1;

	if (!monitor) {
		monitor_settings_release(settings);
		return error_oom(err);
	}
	monitor->refs = 1;
	monitor->id = id;
	monitor->serial = serial;
	monitor->configured = configured;
	*(struct monitor_settings *)&monitor->settings = *settings;
	*settings = (struct monitor_settings){};
	pthread_mutex_init(&monitor->control, NULL);
	pthread_mutex_init(&monitor->state, NULL);
	monitor->hook = hook_find(monitor->settings.hook);
	if (monitor_set_document(monitor, monitor->settings.dataplane, false, NULL) < 0)
		return error_oom(err);
	monitor->instances = calloc(n, sizeof(struct instance *));
	if (!monitor->instances)
		return error_oom(err);
	for (; monitor->n_instances < n; monitor->n_instances++) {
		char **interfaces = monitor->settings.interfaces;
		struct instance *instance =
			instance_new(interfaces ? interfaces[monitor->n_instances] : NULL);

		if (!instance)
			return error_oom(err);
		monitor->instances[monitor->n_instances] = instance;
	}
	*ret = steal_ptr(&monitor);
	return 0;
}

struct monitor *monitor_ref(struct monitor *monitor)
{
	__atomic_add_fetch(&monitor->refs, 1, __ATOMIC_RELAXED);
	return monitor;
}

struct monitor *monitor_unref(struct monitor *monitor)
{
	if (!monitor || __atomic_sub_fetch(&monitor->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_free(monitor->instances[i]);
	free(monitor->instances);
	dataplane_unref(monitor->dataplane);
	free(monitor->document_file);
	free(monitor->last_error);
	monitor_settings_release((struct monitor_settings *)&monitor->settings);
	pthread_mutex_destroy(&monitor->control);
	pthread_mutex_destroy(&monitor->state);
	free(monitor);
	return NULL;
}

void monitor_begin(struct monitor *monitor)
{
	pthread_mutex_lock(&monitor->control);
}

/* Puts what an instance runs on its paths, where it is not there yet. */
static int instance_attach(struct instance *instance, const struct hook *hook, int ifindex,
			   const struct generation *generation, struct error *err)
{
	for (int path = 0; path < PATH_COUNT; path++) {
		struct attachment *attachment = &instance->attachments[path];
		int r;

		if (!generation || !generation->paths[path].object ||
		    attachment_attached(attachment))
			continue;
		r = attachment_attach(attachment, hook_for_path(hook, path == PATH_EGRESS), ifindex,
				      path == PATH_EGRESS, generation->paths[path].prog_fd, err);
		if (r < 0) {
			instance_detach(instance);
			return error_prefix(err, r, "interface %s", instance->interface);
		}
	}
	return 0;
}

static void instance_set_place(struct monitor *monitor, struct instance *instance, int ifindex,
			       bool troubled)
{
	pthread_mutex_lock(&monitor->state);
	instance->ifindex = ifindex;
	instance->troubled = troubled;
	pthread_mutex_unlock(&monitor->state);
}

/* Under control. An interface of the same name and another index is another interface. */
static void instance_refresh(struct monitor *monitor, struct instance *instance)
{
	const char *name = monitor->settings.name;
	_cleanup_error_ struct error err = {};
	int ifindex, r;
	bool again;

	if (!instance->interface)
		return;
	ifindex = netif_index(instance->interface, NULL);
	if (ifindex < 0)
		ifindex = 0;
	if (ifindex == instance->ifindex && !instance->troubled)
		return;
	again = ifindex == instance->ifindex;
	if (instance->ifindex && !again) {
		instance_detach(instance);
		log_notice("monitor %s: interface %s is gone", name, instance->interface);
	}
	r = ifindex ? instance_attach(instance, monitor->hook, ifindex, instance->generation, &err)
		    : 0;
	instance_set_place(monitor, instance, ifindex, r < 0);
	if (r < 0 && !again) { /* a further try that fails is no news */
		log_error("monitor %s: %s", name, error_message(&err));
		monitor_note(monitor, &err, false);
	} else if (r == 0 && ifindex && instance->generation) {
		log_info("monitor %s: interface %s is there", name, instance->interface);
	}
}

static void refresh_all(struct monitor *monitor)
{
	if (monitor->deleted)
		return;
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_refresh(monitor, monitor->instances[i]);
}

void monitor_end(struct monitor *monitor)
{
	do {
		if (__atomic_exchange_n(&monitor->stale, false, __ATOMIC_ACQ_REL))
			refresh_all(monitor);
		pthread_mutex_unlock(&monitor->control);
		/* Who set stale after that found the lock taken, and relies on us. */
	} while (__atomic_load_n(&monitor->stale, __ATOMIC_ACQUIRE) &&
		 pthread_mutex_trylock(&monitor->control) == 0);
}

void monitor_refresh(struct monitor *monitor)
{
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	if (pthread_mutex_trylock(&monitor->control) == 0)
		monitor_end(monitor);
}

/*
 * A switch in the making. Every instance, and perhaps a new one, has its next generation;
 * done counts the steps that can be taken back.
 */
struct step {
	struct attachment *attachment;
	int old_fd; /* what was there; -1: nothing */
};

struct change {
	struct instance **instances;
	struct generation **generations;
	size_t n;
	struct instance *added; /* also the last of instances; owned until it is public */
	struct step *steps;
	size_t done;
};

static void change_release(struct change *change)
{
	for (size_t i = 0; change->generations && i < change->n; i++)
		generation_unref(change->generations[i]);
	free(change->generations);
	free(change->instances);
	free(change->steps);
	instance_free(change->added);
}

static int change_init(struct change *change, struct monitor *monitor, const char *interface,
		       struct error *err)
{
	size_t room = monitor->n_instances + 1;

	change->instances = calloc(room, sizeof(struct instance *));
	change->generations = calloc(room, sizeof(struct generation *));
	change->steps = calloc(room * PATH_COUNT, sizeof(*change->steps));
	if (!change->instances || !change->generations || !change->steps)
		return error_oom(err);
	/* One without an interface stands for all as long as there is none; it makes room. */
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (!interface || monitor->instances[i]->interface)
			change->instances[change->n++] = monitor->instances[i];
	if (!interface)
		return 0;
	if (monitor_has_interface(monitor, interface))
		return error_set(err, -EEXIST, "interface %s is attached already", interface);
	if (change->n >= INTERFACES_MAX)
		return error_set(err, -E2BIG, "at most %d interfaces are possible", INTERFACES_MAX);
	change->added = instance_new(interface);
	if (!change->added)
		return error_oom(err);
	if (!monitor->instances[0]->interface)
		change->added->generation = generation_ref(monitor->instances[0]->generation);
	change->added->ifindex = netif_index(interface, err);
	if (change->added->ifindex < 0)
		return change->added->ifindex;
	change->instances[change->n++] = change->added;
	return 0;
}

static void change_undo(struct change *change, struct monitor *monitor)
{
	while (change->done) {
		struct step *step = &change->steps[--change->done];
		_cleanup_error_ struct error err = {};

		if (step->old_fd < 0)
			attachment_detach(step->attachment);
		else if (attachment_replace(step->attachment, step->old_fd, &err) < 0)
			log_error("monitor %s: switching back: %s", monitor->settings.name,
				  error_message(&err));
	}
}

/* Switches one path of one instance, and remembers how to undo it. */
static int change_path(struct change *change, struct monitor *monitor, size_t i, enum path path,
		       struct error *err)
{
	const struct hook *hook = monitor->hook;
	struct instance *instance = change->instances[i];
	struct attachment *attachment = &instance->attachments[path];
	const struct generation *old = instance->generation, *new = change->generations[i];
	struct step *step = &change->steps[change->done];
	int r;

	if (!new || !new->paths[path].object || !instance->ifindex)
		return 0;
	if (!attachment_attached(attachment)) {
		*step = (struct step){ attachment, -1 };
		r = attachment_attach(attachment, hook_for_path(hook, path == PATH_EGRESS),
				      instance->ifindex, path == PATH_EGRESS,
				      new->paths[path].prog_fd, err);
	} else if (old && old->paths[path].prog_fd == new->paths[path].prog_fd) {
		return 0;
	} else {
		*step = (struct step){ attachment, old ? old->paths[path].prog_fd : -1 };
		r = attachment_replace(attachment, new->paths[path].prog_fd, err);
		if (r == -ENOLINK) { /* somebody took it away: put it back */
			attachment_detach(attachment);
			return change_path(change, monitor, i, path, err);
		}
	}
	if (r == 0) {
		change->done++;
		return 0;
	}
	/* An interface that has just gone is no error; monitor_end() looks at it again. */
	if (instance != change->added &&
	    netif_index(instance->interface, NULL) != instance->ifindex) {
		__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
		return 0;
	}
	return error_prefix(err, r, "interface %s", instance->interface);
}

/* Makes the change what readers see, and leaves in it what is to be freed. */
static void change_publish(struct change *change, struct monitor *monitor,
			   struct dataplane *dataplane)
{
	struct dataplane *old_dataplane = monitor->dataplane;
	struct instance *replaced = NULL;

	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < change->n; i++) {
		struct generation *old = change->instances[i]->generation;

		generation_keep(change->generations[i]);
		change->instances[i]->generation = change->generations[i];
		change->generations[i] = old;
		change->instances[i]->troubled = false;
	}
	if (change->added) {
		struct instance **old = monitor->instances;

		if (!old[0]->interface)
			replaced = old[0];
		monitor->instances = change->instances;
		monitor->n_instances = change->n;
		change->instances = old;
		change->added = NULL;
	}
	monitor->dataplane = dataplane_ref(dataplane);
	pthread_mutex_unlock(&monitor->state);
	dataplane_unref(old_dataplane);
	instance_free(replaced);
}

int monitor_switch(struct monitor *monitor, struct dataplane *dataplane, const char *interface,
		   const struct surroundings *around, struct error *err)
{
	_cleanup_(change_release) struct change change = {};
	int r;

	if (monitor->deleted)
		return error_set(err, -ENOENT, "monitor %s is gone", monitor->settings.name);
	refresh_all(monitor);
	r = change_init(&change, monitor, interface, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < change.n && dataplane; i++) {
		r = generation_load(dataplane, monitor->hook->xdp, change.instances[i]->generation,
				    around, &change.generations[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < change.n; i++)
		for (int path = 0; path < PATH_COUNT; path++) {
			r = change_path(&change, monitor, i, (enum path)path, err);
			if (r < 0) {
				change_undo(&change, monitor);
				return r;
			}
		}
	change_publish(&change, monitor, dataplane);
	/* Paths that run nothing any more. */
	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		for (int path = 0; path < PATH_COUNT; path++)
			if (!instance->generation || !instance->generation->paths[path].object)
				attachment_detach(&instance->attachments[path]);
	}
	return 0;
}

bool monitor_has_interface(const struct monitor *monitor, const char *interface)
{
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface &&
		    !strcmp(monitor->instances[i]->interface, interface))
			return true;
	return false;
}

/* The last instance stays, without an interface, and keeps its counts. */
static void instance_drop(struct monitor *monitor, size_t i)
{
	struct instance *instance = monitor->instances[i];
	char *interface = NULL;

	instance_detach(instance);
	pthread_mutex_lock(&monitor->state);
	if (monitor->n_instances > 1) {
		monitor->instances[i] = monitor->instances[--monitor->n_instances];
	} else {
		interface = steal_ptr(&instance->interface);
		instance->ifindex = 0;
		instance = NULL;
	}
	pthread_mutex_unlock(&monitor->state);
	free(interface);
	instance_free(instance);
}

int monitor_detach(struct monitor *monitor, const char *interface, struct error *err)
{
	bool found = false;

	for (size_t i = monitor->n_instances; i-- > 0;) {
		const char *name = monitor->instances[i]->interface;

		if (name && (!interface || !strcmp(name, interface))) {
			instance_drop(monitor, i);
			found = true;
		}
	}
	if (!found && interface)
		return error_set(err, -ENOENT, "monitor %s is not attached to %s",
				 monitor->settings.name, interface);
	return 0;
}

void monitor_stop(struct monitor *monitor)
{
	pthread_mutex_lock(&monitor->control);
	monitor->deleted = true;
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_detach(monitor->instances[i]);
	pthread_mutex_unlock(&monitor->control);
}

void monitor_settle(struct monitor *monitor)
{
	char *old;

	pthread_mutex_lock(&monitor->state);
	old = monitor->last_error;
	monitor->last_error = NULL;
	monitor->outdated = false;
	pthread_mutex_unlock(&monitor->state);
	free(old);
}

int monitor_set_document(struct monitor *monitor, const char *file, bool confined,
			 const bool leave[PATH_COUNT])
{
	char *copy = file ? strdup(file) : NULL, *old;

	if (file && !copy)
		return -ENOMEM;
	pthread_mutex_lock(&monitor->state);
	old = monitor->document_file;
	monitor->document_file = copy;
	pthread_mutex_unlock(&monitor->state);
	monitor->document_confined = confined;
	for (int path = 0; path < PATH_COUNT; path++)
		monitor->document_leave[path] = leave && leave[path];
	free(old);
	return 0;
}

void monitor_note(struct monitor *monitor, const struct error *err, bool outdated)
{
	char *message = err ? strdup(error_message(err)) : NULL, *old;

	pthread_mutex_lock(&monitor->state);
	old = monitor->last_error;
	monitor->last_error = message;
	monitor->outdated = err && (outdated || monitor->outdated);
	if (err)
		monitor->failures++;
	else
		monitor->changes++;
	pthread_mutex_unlock(&monitor->state);
	free(old);
}

enum monitor_state monitor_get_state(const struct monitor *monitor)
{
	enum monitor_state state = MONITOR_RUNNING;

	if (!monitor->dataplane && monitor->outdated)
		return MONITOR_FAILED;
	if (!monitor->dataplane || dataplane_is_empty(monitor->dataplane))
		return MONITOR_EMPTY;
	for (size_t i = 0; i < monitor->n_instances; i++) {
		const struct instance *instance = monitor->instances[i];

		if (instance->troubled)
			return MONITOR_FAILED;
		if (!instance->ifindex)
			state = instance->interface ? MONITOR_WAITING : MONITOR_DETACHED;
	}
	return state;
}

const char *monitor_state_name(enum monitor_state state)
{
	static const char *const names[] = {
		[MONITOR_EMPTY] = "empty",     [MONITOR_RUNNING] = "running",
		[MONITOR_WAITING] = "waiting", [MONITOR_DETACHED] = "detached",
		[MONITOR_FAILED] = "failed",
	};

	return names[state];
}
