/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/reconfiguration.h"
#include "base/log.h"
#include "base/string.h"
#include "kernel/rcu.h"
#include "monitor/attach.h"
#include "monitor/pinning.h"
#include "monitor/transaction.h"

#include <errno.h>
#include <string.h>

bool monitor_can_set_settings(const struct monitor *monitor,
			      const struct monitor_settings *settings)
{
	const struct monitor_settings *old = monitor->settings;

	return hook_find(settings->hook) == monitor->hook &&
	       string_equal(settings->netns, old->netns) &&
	       string_equal(settings->position, old->position) && settings->share == old->share &&
	       settings->pin == old->pin;
}

static bool has_pattern(const struct monitor *monitor, const char *text)
{
	for (size_t i = 0; i < monitor->n_patterns; i++)
		if (!strcmp(monitor->patterns[i]->text, text))
			return true;
	return false;
}

/*
 * Returns the monitor's patterns, followed by patterns for the interfaces that the configuration
 * did not name before; NULL if memory ran out. n receives the number of patterns. An interface that
 * was detached at run time stays detached.
 */
static struct pattern **extend_patterns(const struct monitor *monitor,
					const struct monitor_settings *settings, size_t *n)
{
	const struct monitor_settings *old = monitor->configured ? monitor->settings : NULL;
	struct pattern **patterns =
		calloc(monitor->n_patterns + settings->n_interfaces + 1, sizeof(*patterns));

	*n = monitor->n_patterns;
	for (size_t i = 0; patterns && i < *n; i++)
		patterns[i] = monitor->patterns[i];
	for (size_t i = 0; patterns && i < settings->n_interfaces; i++) {
		const char *text = settings->interfaces[i];

		if (has_pattern(monitor, text) ||
		    (old && monitor_settings_has_interface(old, text)))
			continue;
		patterns[*n] = pattern_new(text, settings->position);
		if (patterns[*n]) {
			(*n)++;
			continue;
		}
		while (*n > monitor->n_patterns)
			pattern_free(patterns[--*n]);
		free(patterns);
		return NULL;
	}
	return patterns;
}

int monitor_set_settings(struct monitor *monitor, struct monitor_settings *settings,
			 struct error *err)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *old = monitor->settings;
	_cleanup_free_ struct pattern **old_patterns = monitor->patterns;
	bool was_configured = monitor->configured;
	size_t n;
	struct pattern **patterns = extend_patterns(monitor, settings, &n);

	if (!patterns) {
		old = NULL;
		old_patterns = NULL;
		return error_oom(err);
	}
	pthread_mutex_lock(&monitor->links);
	pthread_mutex_lock(&monitor->state);
	monitor->settings = monitor_settings_ref(settings);
	monitor->configured = true;
	monitor->patterns = patterns;
	monitor->n_patterns = n;
	pthread_mutex_unlock(&monitor->state);
	pthread_mutex_unlock(&monitor->links);
	for (size_t i = n; i-- > 0;) {
		const char *text = patterns[i]->text;
		bool was_named = !was_configured || monitor_settings_has_interface(old, text);

		if (was_named && !monitor_settings_has_interface(settings, text))
			monitor_detach(monitor, text, NULL);
	}
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	return 0;
}

bool monitor_collides(const struct monitor *next, const struct monitor *old)
{
	return (next->hook->xdp && old->hook->xdp &&
		string_equal(next->settings->netns, old->settings->netns)) ||
	       (next->settings->pin && old->settings->pin);
}

void monitor_suspend(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_withdraw(monitor, monitor->instances[i], NULL);
	monitor->pins = pins_close(monitor->pins);
}

void monitor_resume(struct monitor *monitor)
{
	_cleanup_error_ struct error err = {};
	int r = pinning_open(monitor, &err);

	for (size_t i = 0; r == 0 && i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];
		uint64_t number;

		r = pinning_save(monitor, instance, instance->generation, &number, &err);
	}
	if (r < 0)
		log_error("monitor %s: %s", monitor->name, error_message(&err));
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
}

/* Continues the run statistics of the programs of old, which are detached. */
static void follow_programs(struct monitor *next, const struct monitor *old)
{
	bool share = next->settings->share;

	if (share != old->settings->share)
		return;
	if (run_stats_are_on())
		rcu_wait(NULL);
	for (size_t i = 0; i < next->n_instances; i++)
		for (size_t j = 0; j < old->n_instances; j++)
			if (share ? i + j == 0
				  : string_equal(next->instances[i]->interface,
						 old->instances[j]->interface))
				generation_follow(next->instances[i]->generation,
						  old->instances[j]->generation);
}

void monitor_retire(struct monitor *monitor, struct monitor *successor)
{
	monitor_close(monitor, false);
	follow_programs(successor, monitor);
	pthread_mutex_lock(&monitor->state);
	/* The counters of the monitor remain valid until its successor is in the registry. */
	successor->changes += monitor->changes;
	successor->failures += monitor->failures;
	if (!successor->changed)
		successor->changed = monitor->changed;
	read_stats_unref(successor->read_stats);
	successor->read_stats = read_stats_ref(monitor->read_stats);
	successor->unhealthy = monitor->unhealthy;
	pthread_mutex_unlock(&monitor->state);
}
