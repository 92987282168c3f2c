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

bool monitor_agrees(const struct monitor *next, const struct monitor *old)
{
	const struct monitor_settings *a = &next->settings, *b = &old->settings;

	return next->hook == old->hook && string_equal(a->netns, b->netns) &&
	       string_equal(a->position, b->position) && a->share == b->share && a->pin == b->pin;
}

bool monitor_collides(const struct monitor *next, const struct monitor *old)
{
	return (next->hook->xdp && old->hook->xdp &&
		string_equal(next->settings.netns, old->settings.netns)) ||
	       (next->settings.pin && old->settings.pin);
}

/* Returns a copy for readers: the same generation, not attached. */
static struct instance *instance_shadow(const struct instance *instance)
{
	struct instance *shadow = instance_new(NULL, instance->interface);

	if (shadow) {
		shadow->ifindex = instance->ifindex;
		shadow->generation = generation_ref(instance->generation);
	}
	return shadow;
}

static bool stays(const struct monitor *next, const struct monitor *old, const char *interface)
{
	return monitor_settings_has_interface(&next->settings, interface) ||
	       (old->configured && !monitor_settings_has_interface(&old->settings, interface));
}

static bool has_pattern(const struct monitor *monitor, const char *text)
{
	for (size_t i = 0; i < monitor->n_patterns; i++)
		if (!strcmp(monitor->patterns[i]->text, text))
			return true;
	return false;
}

/*
 * Returns true for an interface that the configuration did not name before. An interface that was
 * detached at run time stays detached.
 */
static bool is_new(const struct monitor *old, const char *interface)
{
	return !has_pattern(old, interface) &&
	       (!old->configured || !monitor_settings_has_interface(&old->settings, interface));
}

/* Everything that the transfer needs, allocated before the first change. */
struct reconfiguration {
	struct instance **shadows; /* detached copies that remain in old for readers */
	size_t n_shadows;
	struct pattern **patterns; /* patterns of old, followed by the new ones */
	size_t n_old, n_patterns;
};

static void reconfiguration_release(struct reconfiguration *reconfiguration)
{
	for (size_t i = 0; i < reconfiguration->n_shadows; i++)
		instance_free(reconfiguration->shadows[i]);
	for (size_t i = reconfiguration->n_old; i < reconfiguration->n_patterns; i++)
		pattern_free(reconfiguration->patterns[i]);
	free(reconfiguration->shadows);
	free(reconfiguration->patterns);
}

static int reconfiguration_init(struct reconfiguration *reconfiguration, const struct monitor *next,
				const struct monitor *old)
{
	reconfiguration->shadows = calloc(old->n_instances, sizeof(struct instance *));
	reconfiguration->patterns =
		calloc(old->n_patterns + next->settings.n_interfaces + 1, sizeof(struct pattern *));
	if (!reconfiguration->shadows || !reconfiguration->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < old->n_instances; i++) {
		reconfiguration->shadows[i] = instance_shadow(old->instances[i]);
		if (!reconfiguration->shadows[i])
			return -ENOMEM;
		reconfiguration->n_shadows++;
	}
	memcpy(reconfiguration->patterns, old->patterns,
	       old->n_patterns * sizeof(struct pattern *));
	reconfiguration->n_old = reconfiguration->n_patterns = old->n_patterns;
	for (size_t i = 0; i < next->settings.n_interfaces; i++) {
		const char *text = next->settings.interfaces[i];

		if (!is_new(old, text))
			continue;
		reconfiguration->patterns[reconfiguration->n_patterns] =
			pattern_new(text, next->settings.position);
		if (!reconfiguration->patterns[reconfiguration->n_patterns])
			return -ENOMEM;
		reconfiguration->n_patterns++;
	}
	return 0;
}

/* Hands the statistics to next. The counters of old remain valid until next is in the registry. */
static void share_stats(struct monitor *next, const struct monitor *old)
{
	next->changes += old->changes;
	next->failures += old->failures;
	if (!next->changed)
		next->changed = old->changed;
	read_stats_unref(next->read_stats);
	next->read_stats = read_stats_ref(old->read_stats);
	next->in_trouble = old->in_trouble;
}

/* Continues the run statistics of the programs of old, which are detached. */
static void follow_programs(struct monitor *next, const struct monitor *old)
{
	if (next->settings.share != old->settings.share)
		return;
	if (run_stats_are_on())
		rcu_wait(NULL);
	for (size_t i = 0; i < next->n_instances; i++)
		for (size_t j = 0; j < old->n_instances; j++)
			if (next->settings.share ? i + j == 0
						 : string_equal(next->instances[i]->interface,
								old->instances[j]->interface))
				generation_follow(next->instances[i]->generation,
						  old->instances[j]->generation);
}

/* The initial instances and patterns of next are freed with the reconfiguration. */
static void swap_instances(struct reconfiguration *reconfiguration, struct monitor *next,
			   struct monitor *old)
{
	struct reconfiguration unused = {
		.shadows = next->instances,
		.n_shadows = next->n_instances,
		.patterns = next->patterns,
		.n_patterns = next->n_patterns,
	};

	next->instances = old->instances;
	next->n_instances = old->n_instances;
	next->patterns = reconfiguration->patterns;
	next->n_patterns = reconfiguration->n_patterns;
	next->netns_fd = old->netns_fd;
	old->netns_fd = -1;
	next->pins = steal_ptr(&old->pins);
	old->instances = reconfiguration->shadows;
	free(old->patterns);
	old->patterns = NULL;
	old->n_patterns = 0;
	*reconfiguration = unused;
}

int monitor_reconfigure(struct monitor *next, struct monitor *old, struct error *err)
{
	_cleanup_(reconfiguration_release) struct reconfiguration reconfiguration = {};

	if (reconfiguration_init(&reconfiguration, next, old) < 0)
		return error_oom(err);
	pthread_mutex_lock(&old->links);
	pthread_mutex_lock(&old->state);
	swap_instances(&reconfiguration, next, old);
	old->deleted = true; /* readers that hold old must not switch the links of next */
	next->dataplane = dataplane_ref(old->dataplane);
	free(next->document_file);
	next->document_file = steal_ptr(&old->document_file);
	next->outdated = old->outdated;
	free(next->last_error);
	next->last_error = steal_ptr(&old->last_error);
	next->attach_error = steal_ptr(&old->attach_error);
	next->attach_code = old->attach_code;
	next->unattached = old->unattached;
	share_stats(next, old);
	pthread_mutex_unlock(&old->state);
	pthread_mutex_unlock(&old->links);
	next->document_confined = old->document_confined;
	memcpy(next->document_leave, old->document_leave, sizeof(next->document_leave));
	history_release(&next->history);
	next->history = old->history;
	old->history = (struct history){};
	for (size_t i = next->n_patterns; i-- > 0;)
		if (!stays(next, old, next->patterns[i]->text))
			monitor_detach(next, next->patterns[i]->text, NULL);
	__atomic_store_n(&next->stale, true, __ATOMIC_RELEASE);
	return 0;
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
		log_error("monitor %s: %s", monitor->settings.name, error_message(&err));
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
}

void monitor_retire(struct monitor *monitor, struct monitor *successor)
{
	monitor_close(monitor, false);
	follow_programs(successor, monitor);
	pthread_mutex_lock(&monitor->state);
	share_stats(successor, monitor);
	pthread_mutex_unlock(&monitor->state);
}
