/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/monitor.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

/* Creates a pattern for each Interface, and an instance for each name; a placeholder if none. */
static int add_patterns(struct monitor *monitor)
{
	const struct monitor_settings *settings = monitor->settings;
	size_t n = settings->n_interfaces;

	monitor->patterns = calloc(n + 1, sizeof(struct pattern *));
	monitor->instances = calloc(n + 1, sizeof(struct instance *));
	if (!monitor->patterns || !monitor->instances)
		return -ENOMEM;
	for (size_t i = 0; i <= n; i++) {
		const char *own = i < n && settings->positions ? settings->positions[i] : NULL;
		struct pattern *pattern = NULL;
		struct instance *instance;

		if (i < n) {
			pattern = pattern_new(settings->interfaces[i],
					      own ? own : settings->position);
			if (!pattern)
				return -ENOMEM;
			monitor->patterns[monitor->n_patterns++] = pattern;
		}
		if (pattern ? !pattern_name(pattern) : monitor->n_instances > 0)
			continue;
		instance = instance_new(pattern, pattern ? pattern_name(pattern) : NULL);
		if (!instance)
			return -ENOMEM;
		monitor->instances[monitor->n_instances++] = instance;
	}
	return 0;
}

int monitor_new(struct monitor_settings *settings, unsigned int id, uint64_t serial,
		bool configured, struct monitor **ret, struct error *err)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *shared =
		monitor_settings_share(settings);
	_cleanup_(monitor_unrefp) struct monitor *monitor =
		shared ? calloc(1, sizeof(*monitor)) : NULL;

	if (!monitor)
		return error_oom(err);
	*monitor = (struct monitor){
		.refs = 1,
		.id = id,
		.serial = serial,
		.hook = hook_find(shared->hook),
		.configured = configured,
		.netns_fd = -1,
		.name = strdup(shared->name),
		.log_level = strdup(shared->log_level),
		.read_stats = read_stats_new(),
	};
	pthread_mutex_init(&monitor->control, NULL);
	pthread_mutex_init(&monitor->links, NULL);
	pthread_mutex_init(&monitor->state, NULL);
	monitor->settings = steal_ptr(&shared);
	if (!monitor->name || !monitor->log_level || !monitor->read_stats ||
	    monitor_set_document(monitor, monitor->settings->dataplane, false, NULL) < 0 ||
	    add_patterns(monitor) < 0)
		return error_oom(err);
	*ret = steal_ptr(&monitor);
	return 0;
}

struct monitor_settings *monitor_get_settings(struct monitor *monitor)
{
	struct monitor_settings *settings;

	pthread_mutex_lock(&monitor->state);
	settings = monitor_settings_ref(monitor->settings);
	pthread_mutex_unlock(&monitor->state);
	return settings;
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
	monitor_close(monitor, false);
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_free(monitor->instances[i]);
	free(monitor->instances);
	for (size_t i = 0; i < monitor->n_patterns; i++)
		pattern_free(monitor->patterns[i]);
	free(monitor->patterns);
	fd_close(&monitor->netns_fd);
	dataplane_unref(monitor->dataplane);
	read_stats_unref(monitor->read_stats);
	free(monitor->log_level);
	free(monitor->document_file);
	free(monitor->last_error);
	free(monitor->attach_error);
	history_release(&monitor->history);
	monitor_settings_unref(monitor->settings);
	free(monitor->name);
	pthread_mutex_destroy(&monitor->control);
	pthread_mutex_destroy(&monitor->links);
	pthread_mutex_destroy(&monitor->state);
	free(monitor);
	return NULL;
}

size_t monitor_find_pattern(const struct monitor *monitor, const char *text)
{
	size_t i = 0;

	while (i < monitor->n_patterns && strcmp(monitor->patterns[i]->text, text) != 0)
		i++;
	return i;
}

bool monitor_reserve_patterns(struct monitor *monitor, size_t n)
{
	struct pattern **patterns;

	pthread_mutex_lock(&monitor->state);
	patterns = reallocarray(monitor->patterns, monitor->n_patterns + n, sizeof(*patterns));
	if (patterns)
		monitor->patterns = patterns;
	pthread_mutex_unlock(&monitor->state);
	return patterns;
}

bool monitor_has_interface(const struct monitor *monitor, const char *interface)
{
	if (monitor_find_pattern(monitor, interface) < monitor->n_patterns)
		return true;
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface &&
		    !strcmp(monitor->instances[i]->interface, interface))
			return true;
	return false;
}

const char *monitor_interface(const struct monitor *monitor, const struct pattern *pattern)
{
	if (pattern_name(pattern) && !pattern->bridge)
		for (size_t i = 0; i < monitor->n_instances; i++)
			if (monitor->instances[i]->pattern == pattern)
				return monitor->instances[i]->interface;
	return pattern->text;
}

int links_begin(struct monitor *monitor, struct netns_visit *visit, struct error *err)
{
	int r;

	pthread_mutex_lock(&monitor->links);
	r = netns_enter(monitor->netns_fd, visit);
	if (r < 0)
		return error_set(err, r, "network namespace %s cannot be entered: %s",
				 monitor->settings->netns ? monitor->settings->netns
							  : "of collectd",
				 netns_strerror(r));
	return 0;
}

void links_end(struct monitor *monitor, struct netns_visit *visit)
{
	netns_leave(visit);
	pthread_mutex_unlock(&monitor->links);
}

void monitor_set_place(struct monitor *monitor, struct instance *instance, const char *interface,
		       int ifindex, bool attach_failed)
{
	_cleanup_free_ char *name = interface ? strdup(interface) : NULL;
	char *old = instance->interface;

	pthread_mutex_lock(&monitor->state);
	if (name) {
		instance->interface = name;
		name = old;
	}
	instance->ifindex = ifindex;
	instance->attach_failed = attach_failed;
	pthread_mutex_unlock(&monitor->state);
}

void monitor_close(struct monitor *monitor, bool leave)
{
	struct netns_visit visit;
	bool was_deleted;
	int r;

	leave = leave && monitor->pins;
	r = links_begin(monitor, &visit, NULL);
	for (size_t i = 0; !monitor->deleted && i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		if (r == 0)
			instance_detach(instance, leave);
		generation_detach_sections(instance->generation, NULL);
	}
	was_deleted = monitor->deleted;
	monitor->deleted = true;
	links_end(monitor, &visit);
	if (monitor->pins && !was_deleted && !leave)
		pins_remove(monitor->pins, NULL);
	monitor->pins = pins_close(monitor->pins);
}

void monitor_settle(struct monitor *monitor)
{
	_cleanup_free_ char *old = monitor->last_error;

	pthread_mutex_lock(&monitor->state);
	monitor->last_error = NULL;
	monitor->outdated = false;
	pthread_mutex_unlock(&monitor->state);
}

int monitor_set_document(struct monitor *monitor, const char *file, bool confined,
			 const bool leave[N_DIRECTIONS])
{
	char *copy = file ? strdup(file) : NULL;
	_cleanup_free_ char *old = NULL;

	if (file && !copy)
		return -ENOMEM;
	pthread_mutex_lock(&monitor->state);
	old = monitor->document_file;
	monitor->document_file = copy;
	pthread_mutex_unlock(&monitor->state);
	monitor->document_confined = confined;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		monitor->document_leave[direction] = leave && leave[direction];
	return 0;
}

void monitor_set_log_level(struct monitor *monitor, char *level)
{
	_cleanup_free_ char *old = monitor->log_level;

	pthread_mutex_lock(&monitor->state);
	monitor->log_level = level;
	pthread_mutex_unlock(&monitor->state);
}

void monitor_note(struct monitor *monitor, const struct error *err)
{
	char *message = err ? strdup(error_message(err)) : NULL;
	_cleanup_free_ char *old = monitor->last_error;

	pthread_mutex_lock(&monitor->state);
	monitor->last_error = message;
	monitor->outdated = err;
	monitor->missing_monitor = err && err->code == -ENOLINK;
	if (err) {
		monitor->failures++;
	} else {
		monitor->changes++;
		monitor->changed = time(NULL);
	}
	pthread_mutex_unlock(&monitor->state);
}

enum monitor_state monitor_get_state(const struct monitor *monitor)
{
	enum monitor_state state = MONITOR_RUNNING;
	bool failed = monitor->attach_code, attached = false;

	if (!monitor->dataplane && monitor->outdated)
		return MONITOR_FAILED;
	if (!monitor->dataplane || dataplane_is_empty(monitor->dataplane))
		return MONITOR_EMPTY;
	for (size_t i = 0; i < monitor->n_instances; i++) {
		const struct instance *instance = monitor->instances[i];

		failed = failed || instance->attach_failed;
		attached = attached || (instance->ifindex && !instance->attach_failed);
		if (!instance->ifindex && !generation_has_sections(instance->generation))
			state = monitor->n_patterns ? MONITOR_WAITING : MONITOR_DETACHED;
	}
	if (failed)
		return attached ? MONITOR_DEGRADED : MONITOR_FAILED;
	return state;
}

const char *monitor_last_error(const struct monitor *monitor)
{
	return monitor->last_error ? monitor->last_error : monitor->attach_error;
}

const char *monitor_health_reason(const struct monitor *monitor)
{
	enum monitor_state state = monitor_get_state(monitor);
	const char *error = monitor_last_error(monitor);

	if (state != MONITOR_FAILED && state != MONITOR_DEGRADED && !monitor->outdated)
		return NULL;
	return error ? error : "not attached";
}

const char *monitor_state_name(enum monitor_state state)
{
	static const char *const names[] = {
		[MONITOR_EMPTY] = "empty",     [MONITOR_RUNNING] = "running",
		[MONITOR_WAITING] = "waiting", [MONITOR_DETACHED] = "detached",
		[MONITOR_FAILED] = "failed",   [MONITOR_DEGRADED] = "degraded",
	};

	return names[state];
}
