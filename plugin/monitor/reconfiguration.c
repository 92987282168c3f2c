/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/reconfiguration.h"
#include "base/log.h"
#include "base/string.h"
#include "kernel/rcu.h"
#include "monitor/attach.h"
#include "monitor/operation.h"
#include "monitor/pinning.h"
#include "monitor/tracking.h"

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

int monitor_set_settings(struct monitor *monitor, struct monitor_settings *settings,
			 struct error *err)
{
	_cleanup_(monitor_settings_unrefp) struct monitor_settings *old =
		monitor_settings_ref(monitor->settings);
	bool was_configured = monitor->configured;
	size_t n = monitor->n_patterns;

	if (!monitor_reserve_patterns(monitor, settings->n_interfaces + 1))
		return error_oom(err);
	/* Patterns from n_patterns on are not visible yet. */
	for (size_t i = 0; i < settings->n_interfaces; i++) {
		const char *text = settings->interfaces[i];

		/* An interface that was detached at run time stays detached. */
		if (monitor_find_pattern(monitor, text) < monitor->n_patterns ||
		    (was_configured && monitor_settings_has_interface(old, text)))
			continue;
		monitor->patterns[n] = pattern_new(text, settings->position);
		if (monitor->patterns[n]) {
			n++;
			continue;
		}
		while (n > monitor->n_patterns)
			pattern_free(monitor->patterns[--n]);
		return error_oom(err);
	}
	pthread_mutex_lock(&monitor->links);
	pthread_mutex_lock(&monitor->state);
	monitor_settings_unref(monitor->settings);
	monitor->settings = monitor_settings_ref(settings);
	monitor->configured = true;
	monitor->n_patterns = n;
	pthread_mutex_unlock(&monitor->state);
	pthread_mutex_unlock(&monitor->links);
	while (n-- > 0) {
		const char *text = monitor->patterns[n]->text;
		bool was_named = !was_configured || monitor_settings_has_interface(old, text);

		if (was_named && !monitor_settings_has_interface(settings, text))
			monitor_detach(monitor, text, NULL);
	}
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	return 0;
}

/* Detaches and unpins everything to make room for another monitor. */
static void suspend(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_instances; i++)
		instance_withdraw(monitor, monitor->instances[i], NULL);
	monitor->pins = pins_close(monitor->pins);
}

/* Undoes suspend(): pins the generations again. monitor_end() attaches the interfaces. */
static void resume(struct monitor *monitor)
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

/* Detaches everything for good and hands the statistics to the successor. */
static void retire(struct monitor *old, struct monitor *next)
{
	bool share = next->settings->share, same_share = share == old->settings->share;

	monitor_close(old, false);
	if (same_share && run_stats_are_on())
		rcu_wait(NULL);
	for (size_t i = 0; same_share && i < next->n_instances; i++)
		for (size_t j = 0; j < old->n_instances; j++)
			if (share ? i + j == 0
				  : string_equal(next->instances[i]->interface,
						 old->instances[j]->interface))
				generation_follow(next->instances[i]->generation,
						  old->instances[j]->generation);
	pthread_mutex_lock(&old->state);
	/* The counters of old remain valid until next is in the registry. */
	next->changes += old->changes;
	next->failures += old->failures;
	if (!next->changed)
		next->changed = old->changed;
	read_stats_unref(next->read_stats);
	next->read_stats = read_stats_ref(old->read_stats);
	next->unhealthy = old->unhealthy;
	pthread_mutex_unlock(&old->state);
}

int monitor_exchange(struct monitor *old, struct monitor_settings *settings, struct text *report,
		     struct monitor **ret, struct error *err)
{
	_cleanup_(monitor_unrefp) struct monitor *next = NULL;
	bool same_level =
		old->configured && !strcasecmp(settings->log_level, old->settings->log_level);
	bool other_document = !string_equal(settings->dataplane,
					    old->configured ? old->settings->dataplane : NULL);
	char *level = same_level ? strdup(old->log_level) : NULL;
	bool collides;
	int r = registry_create(old->registry, settings, true, old->id, &next, err);

	if (r < 0) {
		free(level);
		return r;
	}
	monitor_begin(next);
	if (level)
		monitor_set_log_level(next, level);
	collides = (next->hook->xdp && old->hook->xdp &&
		    string_equal(next->settings->netns, old->settings->netns)) ||
		   (next->settings->pin && old->settings->pin);
	if (collides)
		suspend(old);
	if (old->history.n && !other_document)
		r = loader_replay(next, &old->history, report, err);
	else
		r = loader_reload(next, true, report, err);
	if (r < 0) { /* next may already run the first of its documents */
		monitor_note(old, err);
		monitor_close(next, false);
		if (collides)
			resume(old);
	} else {
		__atomic_store_n(&next->stale, true, __ATOMIC_RELEASE);
		retire(old, next);
		registry_replace(old->registry, old, next);
		if (!old->configured)
			registry_forget(old->registry, next->name, report);
	}
	monitor_end(next);
	if (r >= 0)
		*ret = steal_ptr(&next);
	return r < 0 ? r : 0;
}
