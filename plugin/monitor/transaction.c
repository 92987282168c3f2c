/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/transaction.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "kernel/rcu.h"
#include "monitor/attach.h"
#include "monitor/pinning.h"
#include "monitor/tracking.h"

#include <errno.h>
#include <string.h>

void phase_times_end(struct phase_times *phases, enum phase phase)
{
	uint64_t time = clock_now_ns();

	if (!phases)
		return;
	phases->ns[phase] = time - phases->since;
	phases->since = time;
}

/* The change of one instance. */
struct change {
	struct instance *instance;
	struct generation *generation; /* the next one; after publication the old one */
	uint64_t number;	       /* of the pinned generation; 0: not pinned */
	/* The links that were switched, for undo. */
	bool switched[N_DIRECTIONS];
	int old_fds[N_DIRECTIONS]; /* program before the switch; -1: none */
};

/* A transaction in progress. */
struct transaction {
	struct monitor *monitor;
	const struct transaction_options *options;
	struct pattern *pattern;     /* of the added interfaces; owned until published */
	struct change *changes;	     /* existing instances, followed by added ones: */
	size_t n, n_added;	     /* the last n_added are owned until published */
	struct instance **instances; /* allocated for monitor->instances if any are added */
	bool is_public;		     /* the change is published */
};

static void transaction_release(struct transaction *transaction)
{
	for (size_t i = 0; i < transaction->n; i++) {
		struct change *change = &transaction->changes[i];

		if (!transaction->is_public)
			pinning_forget(transaction->monitor, change->instance, change->number);
		generation_unref(change->generation);
		if (i >= transaction->n - transaction->n_added)
			instance_free(change->instance);
	}
	pattern_free(transaction->pattern);
	free(transaction->changes);
	free(transaction->instances);
}

/* Adds an instance for each interface that the option matches. */
static int add_interfaces(struct transaction *transaction, const struct netif_list *list,
			  struct error *err)
{
	const struct transaction_options *options = transaction->options;
	struct monitor *monitor = transaction->monitor;
	_cleanup_free_ bool *has_instance = tracking_mark(monitor, list);
	const char *netns = monitor->settings->netns;
	struct pattern *pattern;

	if (!has_instance)
		return error_oom(err);
	if (monitor->n_patterns >= INTERFACE_OPTIONS_MAX)
		return error_set(err, -E2BIG,
				 "at most %d names and regular expressions are possible",
				 INTERFACE_OPTIONS_MAX);
	pattern = transaction->pattern =
		pattern_new(options->interface,
			    options->position ? options->position : monitor->settings->position);
	if (!pattern)
		return error_oom(err);
	for (size_t i = 0; i < list->n; i++) {
		const struct netif *netif = &list->items[i];
		struct instance *instance;

		if (has_instance[i] || !pattern_matches(pattern, list, netif))
			continue;
		if (transaction->n >= INTERFACES_MAX)
			return error_set(err, -E2BIG, "at most %d interfaces are possible",
					 INTERFACES_MAX);
		instance = instance_new(pattern, netif->name);
		if (!instance)
			return error_oom(err);
		instance->ifindex = netif->index;
		transaction->changes[transaction->n++].instance = instance;
		transaction->n_added++;
	}
	/* A regular expression may match interfaces that appear later. */
	if (transaction->n_added || !pattern_name(pattern))
		return 0;
	if (pattern->bridge)
		return error_set(err, -ENODEV,
				 "interface \"%s\": there is no bridge \"%s\" with a port \"%s\"",
				 pattern->text, pattern->bridge, pattern->port);
	return error_set(err, -ENODEV, "interface \"%s\" does not exist%s%s", pattern->text,
			 netns ? " in network namespace " : "", netns ? netns : "");
}

/* Allocates everything, so that nothing can fail after the first link is switched. */
static int transaction_init(struct transaction *transaction, struct error *err)
{
	const char *interface = transaction->options->interface;
	struct monitor *monitor = transaction->monitor;
	_cleanup_netifs_ struct netif_list list = {};
	size_t n_max;
	int r;

	if (interface && monitor_has_interface(monitor, interface))
		return error_set(err, -EEXIST, "interface %s is attached already", interface);
	r = interface ? tracking_list(monitor, &list, err) : 0;
	if (r < 0)
		return r;
	n_max = monitor->n_instances + list.n;
	transaction->changes = calloc(n_max, sizeof(*transaction->changes));
	transaction->instances = calloc(n_max, sizeof(struct instance *));
	if (!transaction->changes || !transaction->instances ||
	    !monitor_reserve_patterns(monitor, 1))
		return error_oom(err);
	for (size_t i = 0; i < monitor->n_instances; i++)
		transaction->changes[transaction->n++].instance = monitor->instances[i];
	r = interface ? add_interfaces(transaction, &list, err) : 0;
	/* The first added instance replaces the placeholder. */
	if (r == 0 && transaction->n_added && !transaction->changes[0].instance->pattern)
		array_remove(transaction->changes, transaction->n, 0);
	return r;
}

/*
 * Returns the generation that an instance runs. The first added instance inherits that of the
 * placeholder.
 */
static const struct generation *generation_before(const struct transaction *transaction, size_t i)
{
	const struct instance *first = transaction->monitor->instances[0];
	size_t n_old = transaction->n - transaction->n_added;

	if (transaction->monitor->settings->share)
		return first->generation;
	if (i < n_old)
		return transaction->changes[i].instance->generation;
	return i == n_old && !first->pattern && !first->obsolete ? first->generation : NULL;
}

/* Loads and pins the next generation of each instance. */
static int load_all(struct transaction *transaction, struct dataplane *dataplane, struct error *err)
{
	const struct transaction_options *options = transaction->options;
	struct monitor *monitor = transaction->monitor;

	for (size_t i = 0; i < transaction->n && dataplane; i++) {
		struct change *change = &transaction->changes[i];
		const struct inheritance inheritance = {
			.previous = generation_before(transaction, i),
			.keep_maps = options->keep_maps,
			.report = i == 0 ? options->report : NULL,
		};
		int r;

		if (i > 0 && monitor->settings->share) {
			change->generation = generation_ref(transaction->changes[0].generation);
			continue;
		}
		r = instance_load(monitor, change->instance, dataplane, &inheritance,
				  &change->generation, err);
		if (r == 0)
			r = pinning_save(monitor, change->instance, change->generation,
					 &change->number, err);
		if (r < 0)
			return r;
	}
	if (generation_has_sections(transaction->changes[0].generation) &&
	    (monitor->n_patterns || transaction->pattern))
		return error_set(err, -EINVAL,
				 "the dataplane's programs are attached by their section, and not "
				 "to an interface: the monitor must have no interface");
	return 0;
}

/* Switches one direction of one instance. */
static int switch_direction(struct transaction *transaction, size_t i, enum direction direction,
			    struct error *err)
{
	struct change *change = &transaction->changes[i];
	struct instance *instance = change->instance;
	struct attachment *attachment = &instance->attachments[direction];
	int new_fd = generation_prog_fd(change->generation, direction);
	bool attached = attachment_attached(attachment);
	int old_fd = -1, r = 0;

	if (new_fd < 0 || !instance->ifindex)
		return 0;
	if (attached) {
		old_fd = instance->adopted[direction] > 0
				 ? instance->adopted[direction]
				 : generation_prog_fd(instance->generation, direction);
		if (old_fd == new_fd)
			return 0;
		r = attachment_replace(attachment, new_fd, err);
		if (r == -ENOLINK) { /* someone else detached the program: attach again */
			attachment_detach(attachment);
			instance->pinned[direction] = false; /* the pinned link is dead */
			attached = false;
			old_fd = -1;
		} else if (r < 0) {
			error_prefix(err, r, "interface %s", instance->interface);
		}
	}
	if (!attached)
		r = instance_attach_direction(transaction->monitor, instance, instance->ifindex,
					      direction, new_fd, err);
	if (r == 0) {
		change->switched[direction] = true;
		change->old_fds[direction] = old_fd;
		return 0;
	}
	/* An interface that has just disappeared is no error; monitor_end() scans again. */
	if (i < transaction->n - transaction->n_added && !netif_exists(instance->ifindex)) {
		__atomic_store_n(&transaction->monitor->stale, true, __ATOMIC_RELEASE);
		return 0;
	}
	return r;
}

static void switch_back(struct transaction *transaction)
{
	struct monitor *monitor = transaction->monitor;

	for (size_t i = transaction->n; i-- > 0;) {
		struct change *change = &transaction->changes[i];

		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			struct attachment *attachment = &change->instance->attachments[direction];
			int old_fd = change->old_fds[direction];
			_cleanup_error_ struct error err = {};

			if (!change->switched[direction])
				continue;
			if (old_fd < 0)
				attachment_detach(attachment);
			else if (attachment_replace(attachment, old_fd, &err) < 0)
				log_error("monitor %s: cannot switch back: %s", monitor->name,
					  error_message(&err));
		}
	}
	generation_detach_sections(transaction->changes[0].generation,
				   monitor->instances[0]->generation);
}

static int switch_all(struct transaction *transaction, struct error *err)
{
	struct generation *first = transaction->changes[0].generation;
	int r = first ? generation_attach_sections(first, err) : 0;

	for (size_t i = 0; r == 0 && i < transaction->n; i++)
		for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++)
			r = switch_direction(transaction, i, direction, err);
	if (r < 0)
		switch_back(transaction);
	return r;
}

/*
 * Continues the run statistics, and adds the counts of maps that could not be kept. The old
 * programs have stopped after the RCU wait, and readers do not see the new generation yet.
 */
static void continue_counts(struct transaction *transaction)
{
	bool waited = false;

	for (size_t i = 0; i < transaction->n; i++) {
		struct generation *generation = transaction->changes[i].generation;
		const struct generation *before = generation_before(transaction, i);
		bool is_first = i == 0 || generation != transaction->changes[0].generation;
		bool follows = before && generation && is_first;
		bool has_past = generation_has_past(generation);
		_cleanup_error_ struct error err = {};

		if (!waited && ((follows && run_stats_are_on()) || has_past)) {
			rcu_wait(NULL);
			waited = true;
		}
		if (follows)
			generation_follow(generation, before);
		if (has_past && generation_add_past(generation, &err) < 0)
			log_error("monitor %s: %s", transaction->monitor->name,
				  error_message(&err));
	}
}

/* Makes the change visible to readers. The transaction keeps the old objects, to free them. */
static void publish(struct transaction *transaction, struct dataplane *dataplane)
{
	struct monitor *monitor = transaction->monitor;
	struct dataplane *old_dataplane = monitor->dataplane;
	struct instance *placeholder = NULL, **old_instances = monitor->instances;

	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < transaction->n; i++) {
		struct change *change = &transaction->changes[i];
		struct generation *old = change->instance->generation;

		generation_keep(change->generation);
		change->instance->generation = change->generation;
		change->instance->attach_failed = false;
		change->generation = old;
		transaction->instances[i] = change->instance;
	}
	if (transaction->pattern)
		monitor->patterns[monitor->n_patterns++] = steal_ptr(&transaction->pattern);
	if (transaction->n_added) {
		if (!old_instances[0]->pattern)
			placeholder = old_instances[0];
		monitor->instances = transaction->instances;
		monitor->n_instances = transaction->n;
		transaction->instances = old_instances;
		transaction->n_added = 0;
	}
	monitor->dataplane = dataplane_ref(dataplane);
	pthread_mutex_unlock(&monitor->state);
	transaction->is_public = true;
	dataplane_unref(old_dataplane);
	instance_free(placeholder);
}

/* Detaches directions that have no program any more, and pins what is attached. */
static void settle_links(struct transaction *transaction)
{
	struct monitor *monitor = transaction->monitor;

	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			if (generation_prog_fd(instance->generation, direction) < 0)
				attachment_detach(&instance->attachments[direction]);
		pinning_settle(monitor, instance, transaction->changes[i].number);
	}
	pinning_prune(monitor);
}

int monitor_switch(struct monitor *monitor, struct dataplane *dataplane,
		   const struct transaction_options *options, struct error *err)
{
	_cleanup_(transaction_release) struct transaction transaction = { .monitor = monitor,
									  .options = options };
	_cleanup_(generation_unrefp) struct generation *old = NULL;
	struct netns_visit visit;
	int r;

	if (monitor->deleted)
		return error_set(err, -ENOENT, "monitor %s was deleted", monitor->name);
	r = pinning_open(monitor, err);
	if (r < 0)
		return r;
	tracking_refresh(monitor);
	r = transaction_init(&transaction, err);
	if (r == 0)
		r = load_all(&transaction, dataplane, err);
	if (r < 0)
		return r;
	phase_times_end(options->phases, PHASE_VERIFY);
	old = generation_ref(monitor->instances[0]->generation);
	r = links_begin(monitor, &visit, err);
	if (r == 0)
		r = switch_all(&transaction, err);
	if (r == 0) {
		continue_counts(&transaction);
		publish(&transaction, dataplane);
		settle_links(&transaction);
		generation_detach_sections(old, monitor->instances[0]->generation);
	}
	links_end(monitor, &visit);
	phase_times_end(options->phases, PHASE_ATTACH);
	return r;
}

/* Removes a pattern and its instances. */
static void drop_pattern(struct monitor *monitor, size_t at)
{
	struct pattern *pattern = monitor->patterns[at];

	for (size_t i = monitor->n_instances; i-- > 0;)
		if (monitor->instances[i]->pattern == pattern)
			instance_drop(monitor, i, false);
	pthread_mutex_lock(&monitor->state);
	array_remove(monitor->patterns, monitor->n_patterns, at);
	pthread_mutex_unlock(&monitor->state);
	pattern_free(pattern);
}

int monitor_detach(struct monitor *monitor, const char *interface, struct error *err)
{
	const struct pattern *pattern = NULL;
	size_t at;

	while (!interface && monitor->n_patterns)
		drop_pattern(monitor, monitor->n_patterns - 1);
	if (!interface)
		return 0;
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (string_equal(monitor->instances[i]->interface, interface))
			pattern = monitor->instances[i]->pattern;
	at = monitor_find_pattern(monitor, interface);
	/* A renamed interface has another name than its pattern. */
	if (at == monitor->n_patterns && pattern && pattern_name(pattern))
		for (at = 0; at < monitor->n_patterns && monitor->patterns[at] != pattern;)
			at++;
	if (at < monitor->n_patterns) {
		drop_pattern(monitor, at);
		return 0;
	}
	if (pattern)
		return error_set(err, -EINVAL,
				 "monitor %s is attached to %s by the regular expression %s; "
				 "detach this expression",
				 monitor->name, interface, pattern->text);
	return error_set(err, -ENOENT, "monitor %s is not attached to %s", monitor->name,
			 interface);
}
