/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/transaction.h"
#include "base/log.h"
#include "kernel/rcu.h"
#include "monitor/attach.h"
#include "monitor/pinning.h"
#include "monitor/tracking.h"

#include <errno.h>
#include <string.h>

/* A link that was switched, for undo. */
struct step {
	struct attachment *attachment;
	int old_fd; /* program before the switch; -1: none */
};

/* A transaction in progress. */
struct transaction {
	struct monitor *monitor;
	const struct transaction_options *options;
	struct pattern *pattern;     /* of the added interfaces; owned until published */
	struct instance **instances; /* existing instances, followed by added ones: */
	size_t n, n_added;	     /* the last n_added are owned until published */
	struct generation **generations;
	uint64_t *numbers; /* numbers of the pinned generations; 0: not pinned */
	struct step *steps;
	size_t done;	/* number of steps to undo */
	bool is_public; /* the change is published */
};

static void transaction_release(struct transaction *transaction)
{
	for (size_t i = 0; transaction->numbers && !transaction->is_public && i < transaction->n;
	     i++)
		pinning_forget(transaction->monitor, transaction->instances[i],
			       transaction->numbers[i]);
	for (size_t i = 0; transaction->generations && i < transaction->n; i++)
		generation_unref(transaction->generations[i]);
	for (size_t i = 0; i < transaction->n_added; i++)
		instance_free(transaction->instances[transaction->n - 1 - i]);
	pattern_free(transaction->pattern);
	free(transaction->generations);
	free(transaction->instances);
	free(transaction->numbers);
	free(transaction->steps);
}

static int find_none(const struct transaction *transaction, struct error *err)
{
	const struct pattern *pattern = transaction->pattern;
	const char *netns = transaction->monitor->settings->netns;

	if (pattern->bridge)
		return error_set(err, -ENODEV,
				 "interface \"%s\": there is no bridge \"%s\" with a port \"%s\"",
				 pattern->text, pattern->bridge, pattern->port);
	return error_set(err, -ENODEV, "interface \"%s\" does not exist%s%s", pattern->text,
			 netns ? " in network namespace " : "", netns ? netns : "");
}

/* Adds an instance for each interface that the option matches. */
static int add_interfaces(struct transaction *transaction, const struct netif_list *list,
			  struct error *err)
{
	const struct transaction_options *options = transaction->options;
	struct monitor *monitor = transaction->monitor;
	_cleanup_free_ bool *has_instance = tracking_mark(monitor, list);

	if (!has_instance)
		return error_oom(err);
	if (monitor->n_patterns >= INTERFACE_OPTIONS_MAX)
		return error_set(err, -E2BIG,
				 "at most %d names and regular expressions are possible",
				 INTERFACE_OPTIONS_MAX);
	transaction->pattern =
		pattern_new(options->interface,
			    options->position ? options->position : monitor->settings->position);
	if (!transaction->pattern)
		return error_oom(err);
	for (size_t i = 0; i < list->n; i++) {
		const struct netif *netif = &list->items[i];
		struct instance *instance;

		if (has_instance[i] || !pattern_matches(transaction->pattern, list, netif))
			continue;
		if (transaction->n >= INTERFACES_MAX)
			return error_set(err, -E2BIG, "at most %d interfaces are possible",
					 INTERFACES_MAX);
		instance = instance_new(transaction->pattern, netif->name);
		if (!instance)
			return error_oom(err);
		instance->ifindex = netif->index;
		transaction->instances[transaction->n++] = instance;
		transaction->n_added++;
	}
	/* A regular expression may match interfaces that appear later. */
	return transaction->n_added || !pattern_name(transaction->pattern)
		       ? 0
		       : find_none(transaction, err);
}

static int transaction_init(struct transaction *transaction, struct error *err)
{
	const char *interface = transaction->options->interface;
	struct monitor *monitor = transaction->monitor;
	_cleanup_netifs_ struct netif_list list = {};
	size_t room;
	int r;

	if (interface && monitor_has_interface(monitor, interface))
		return error_set(err, -EEXIST, "interface %s is attached already", interface);
	r = interface ? tracking_list(monitor, &list, err) : 0;
	if (r < 0)
		return r;
	room = monitor->n_instances + list.n;
	transaction->instances = calloc(room, sizeof(struct instance *));
	transaction->generations = calloc(room, sizeof(struct generation *));
	transaction->numbers = calloc(room, sizeof(*transaction->numbers));
	transaction->steps = calloc(room * N_DIRECTIONS, sizeof(*transaction->steps));
	if (!transaction->instances || !transaction->generations || !transaction->numbers ||
	    !transaction->steps)
		return error_oom(err);
	for (size_t i = 0; i < monitor->n_instances; i++)
		transaction->instances[transaction->n++] = monitor->instances[i];
	r = interface ? add_interfaces(transaction, &list, err) : 0;
	/* The first added instance replaces the placeholder. */
	if (r == 0 && transaction->n_added && !transaction->instances[0]->pattern)
		memmove(transaction->instances, transaction->instances + 1,
			--transaction->n * sizeof(struct instance *));
	return r;
}

/*
 * Returns the generation that an instance runs. The first added instance inherits that of the
 * placeholder.
 */
static const struct generation *generation_before(const struct transaction *transaction, size_t i)
{
	const struct instance *first = transaction->monitor->instances[0];
	bool added = i >= transaction->n - transaction->n_added;

	if (transaction->monitor->settings->share)
		return first->generation;
	if (!added)
		return transaction->instances[i]->generation;
	return i == transaction->n - transaction->n_added && !first->pattern && !first->spent
		       ? first->generation
		       : NULL;
}

static int load_one(struct transaction *transaction, struct dataplane *dataplane, size_t i,
		    struct error *err)
{
	const struct inheritance inheritance = {
		.previous = generation_before(transaction, i),
		.keep_maps = transaction->options->keep_maps,
		.report = i == 0 ? transaction->options->report : NULL,
	};
	int r = instance_load(transaction->monitor, transaction->instances[i], dataplane,
			      &inheritance, &transaction->generations[i], err);

	if (r == 0)
		r = pinning_save(transaction->monitor, transaction->instances[i],
				 transaction->generations[i], &transaction->numbers[i], err);
	return r;
}

static int load_all(struct transaction *transaction, struct dataplane *dataplane, struct error *err)
{
	const struct monitor *monitor = transaction->monitor;

	for (size_t i = 0; i < transaction->n && dataplane; i++) {
		int r = 0;

		if (i > 0 && monitor->settings->share)
			transaction->generations[i] = generation_ref(transaction->generations[0]);
		else
			r = load_one(transaction, dataplane, i, err);
		if (r < 0)
			return r;
	}
	if (dataplane && generation_has_sections(transaction->generations[0]) &&
	    (monitor->n_patterns || transaction->pattern))
		return error_set(err, -EINVAL,
				 "the dataplane's programs are attached by their section, and not "
				 "to an interface: the monitor must have no interface");
	return 0;
}

static void transaction_undo(struct transaction *transaction)
{
	struct monitor *monitor = transaction->monitor;

	while (transaction->done) {
		struct step *step = &transaction->steps[--transaction->done];
		_cleanup_error_ struct error err = {};

		if (step->old_fd < 0)
			attachment_detach(step->attachment);
		else if (attachment_replace(step->attachment, step->old_fd, &err) < 0)
			log_error("monitor %s: switching back: %s", monitor->name,
				  error_message(&err));
	}
	generation_detach_sections(transaction->generations[0], monitor->instances[0]->generation);
}

/* Switches one direction of one instance and records the step for undo. */
static int switch_direction(struct transaction *transaction, size_t i, enum direction direction,
			    struct error *err)
{
	struct instance *instance = transaction->instances[i];
	struct attachment *attachment = &instance->attachments[direction];
	int old_fd = instance->adopted[direction] > 0
			     ? instance->adopted[direction]
			     : generation_prog_fd(instance->generation, direction);
	int new_fd = generation_prog_fd(transaction->generations[i], direction);
	struct step *step = &transaction->steps[transaction->done];
	int r;

	if (new_fd < 0 || !instance->ifindex)
		return 0;
	if (!attachment_attached(attachment)) {
		*step = (struct step){ attachment, -1 };
		r = instance_attach_direction(transaction->monitor, instance, instance->ifindex,
					      direction, new_fd, err);
	} else if (old_fd == new_fd) {
		return 0;
	} else {
		*step = (struct step){ attachment, old_fd };
		r = attachment_replace(attachment, new_fd, err);
		if (r == -ENOLINK) { /* the program was detached by someone else: attach again */
			attachment_detach(attachment);
			instance->pinned[direction] = false; /* the pinned link is dead */
			return switch_direction(transaction, i, direction, err);
		}
		if (r < 0)
			error_prefix(err, r, "interface %s", instance->interface);
	}
	if (r == 0) {
		transaction->done++;
		return 0;
	}
	/* An interface that has just disappeared is no error; monitor_end() scans again. */
	if (i < transaction->n - transaction->n_added && !netif_exists(instance->ifindex)) {
		__atomic_store_n(&transaction->monitor->stale, true, __ATOMIC_RELEASE);
		return 0;
	}
	return r;
}

static int switch_all(struct transaction *transaction, struct error *err)
{
	int r = transaction->generations[0]
			? generation_attach_sections(transaction->generations[0], err)
			: 0;

	for (size_t i = 0; r == 0 && i < transaction->n; i++)
		for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++)
			r = switch_direction(transaction, i, direction, err);
	if (r < 0)
		transaction_undo(transaction);
	return r;
}

/* Allocates memory before the first link is switched, so that publish() cannot fail. */
static int transaction_make_room(struct transaction *transaction, struct error *err)
{
	struct monitor *monitor = transaction->monitor;
	struct pattern **patterns;

	pthread_mutex_lock(&monitor->state);
	patterns = realloc(monitor->patterns, (monitor->n_patterns + 1) * sizeof(struct pattern *));
	if (patterns)
		monitor->patterns = patterns;
	pthread_mutex_unlock(&monitor->state);
	return patterns ? 0 : error_oom(err);
}

/*
 * Continues the run statistics. The totals of the old programs are read after they have stopped,
 * and before readers see the new generation.
 */
static void follow_all(struct transaction *transaction)
{
	bool waited = !run_stats_are_on();

	for (size_t i = 0; i < transaction->n; i++) {
		const struct generation *before = generation_before(transaction, i);

		if (!before || !transaction->generations[i] ||
		    (i > 0 && transaction->generations[i] == transaction->generations[0]))
			continue;
		if (!waited)
			rcu_wait(NULL);
		waited = true;
		generation_follow(transaction->generations[i], before);
	}
}

/* Adds the counts of maps that could not be kept. After the RCU wait, nothing writes to them. */
static void add_past(struct transaction *transaction)
{
	bool waited = false;

	for (size_t i = 0; i < transaction->n; i++) {
		_cleanup_error_ struct error err = {};

		if (!generation_has_past(transaction->generations[i]))
			continue;
		if (!waited)
			rcu_wait(NULL);
		waited = true;
		if (generation_add_past(transaction->generations[i], &err) < 0)
			log_error("monitor %s: %s", transaction->monitor->name,
				  error_message(&err));
	}
}

/* Makes the change visible to readers. The transaction keeps the old objects, to free them. */
static void publish(struct transaction *transaction, struct dataplane *dataplane)
{
	struct monitor *monitor = transaction->monitor;
	struct dataplane *old_dataplane = monitor->dataplane;
	struct instance *placeholder = NULL;

	pthread_mutex_lock(&monitor->state);
	for (size_t i = 0; i < transaction->n; i++) {
		struct instance *instance = transaction->instances[i];
		struct generation *old = instance->generation;

		generation_keep(transaction->generations[i]);
		instance->generation = transaction->generations[i];
		transaction->generations[i] = old;
		instance->troubled = false;
	}
	if (transaction->pattern)
		monitor->patterns[monitor->n_patterns++] = steal_ptr(&transaction->pattern);
	if (transaction->n_added) {
		struct instance **old = monitor->instances;

		if (!old[0]->pattern)
			placeholder = old[0];
		monitor->instances = transaction->instances;
		monitor->n_instances = transaction->n;
		transaction->instances = old;
		transaction->n_added = 0;
	}
	monitor->dataplane = dataplane_ref(dataplane);
	pthread_mutex_unlock(&monitor->state);
	dataplane_unref(old_dataplane);
	instance_free(placeholder);
}

/* Detaches directions that have no program any more. */
static void detach_idle(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			if (generation_prog_fd(instance->generation, direction) < 0)
				attachment_detach(&instance->attachments[direction]);
	}
}

/* Called with links held: pins what is attached. */
static void settle_pins(struct transaction *transaction)
{
	struct monitor *monitor = transaction->monitor;

	transaction->is_public = true;
	for (size_t i = 0; i < monitor->n_instances; i++)
		pinning_settle(monitor, monitor->instances[i], transaction->numbers[i]);
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
		return error_set(err, -ENOENT, "monitor %s is gone", monitor->name);
	r = pinning_open(monitor, err);
	if (r < 0)
		return r;
	tracking_refresh(monitor);
	r = transaction_init(&transaction, err);
	if (r == 0)
		r = load_all(&transaction, dataplane, err);
	if (r == 0)
		r = transaction_make_room(&transaction, err);
	if (r < 0)
		return r;
	phase_times_end(options->phases, PHASE_VERIFY);
	old = generation_ref(monitor->instances[0]->generation);
	r = links_begin(monitor, &visit, err);
	if (r == 0)
		r = switch_all(&transaction, err);
	if (r == 0) {
		follow_all(&transaction);
		add_past(&transaction);
		publish(&transaction, dataplane);
		detach_idle(monitor);
		settle_pins(&transaction);
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
	monitor->n_patterns--;
	memmove(&monitor->patterns[at], &monitor->patterns[at + 1],
		(monitor->n_patterns - at) * sizeof(struct pattern *));
	pthread_mutex_unlock(&monitor->state);
	pattern_free(pattern);
}

/* Finds a pattern by its text or, for patterns that are names, by the interface of an instance. */
static size_t find_pattern(const struct monitor *monitor, const char *word,
			   const struct pattern *of)
{
	size_t i = 0;

	while (i < monitor->n_patterns && strcmp(monitor->patterns[i]->text, word) != 0)
		i++;
	if (i < monitor->n_patterns || !of || !pattern_name(of))
		return i;
	for (i = 0; i < monitor->n_patterns && monitor->patterns[i] != of; i++)
		;
	return i;
}

int monitor_detach(struct monitor *monitor, const char *interface, struct error *err)
{
	const struct pattern *of = NULL;
	size_t at;

	while (!interface && monitor->n_patterns)
		drop_pattern(monitor, monitor->n_patterns - 1);
	if (!interface)
		return 0;
	for (size_t i = 0; i < monitor->n_instances; i++) {
		const char *name = monitor->instances[i]->interface;

		if (name && !strcmp(name, interface))
			of = monitor->instances[i]->pattern;
	}
	at = find_pattern(monitor, interface, of);
	if (at < monitor->n_patterns) {
		drop_pattern(monitor, at);
		return 0;
	}
	if (of)
		return error_set(err, -EINVAL,
				 "monitor %s is on %s by the regular expression %s: detach that",
				 monitor->name, interface, of->text);
	return error_set(err, -ENOENT, "monitor %s is not attached to %s", monitor->name,
			 interface);
}
