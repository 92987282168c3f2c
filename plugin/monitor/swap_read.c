/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/swap_read.h"
#include "base/log.h"
#include "kernel/rcu.h"
#include "metric/reader.h"
#include "monitor/registry.h"

#include <errno.h>
#include <string.h>

/* A generation of the snapshot with two copies of its programs. */
struct turn {
	struct monitor *monitor;
	struct generation *generation;
	bool swapped; /* the other copy runs now */
	bool second;  /* the copy that ran before the swap */
};

static int compare_swaps(const void *a, const void *b)
{
	const struct swap *left = ((const struct turn *)a)->generation->swap;
	const struct swap *right = ((const struct turn *)b)->generation->swap;

	return (left > right) - (left < right);
}

/* Switches all links to a copy. On failure, the caller switches them back. */
static int replace_all(const struct turn *turn, bool second, struct error *err)
{
	const struct monitor *monitor = turn->monitor;

	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			const struct generation_direction *loaded =
				&turn->generation->directions[direction];
			struct attachment *attachment = &instance->attachments[direction];
			int r;

			if (instance->generation != turn->generation || !loaded->second ||
			    !attachment_attached(attachment))
				continue;
			r = attachment_replace(
				attachment, second ? loaded->second_prog_fd : loaded->prog_fd, err);
			if (r == -ENOLINK && err) /* a detached program counts nothing */
				error_release(err);
			if (r == 0 || r == -ENOLINK)
				continue;
			/* The thread that has control may rename the interface. */
			pthread_mutex_lock(&turn->monitor->state);
			error_prefix(err, r, "interface %s", instance->interface);
			pthread_mutex_unlock(&turn->monitor->state);
			return r;
		}
	}
	return 0;
}

/*
 * Called with links held, which keeps the instances. Returns true if an instance runs the
 * generation. A replaced generation has nothing left to collect.
 */
static bool is_running(const struct turn *turn)
{
	if (turn->monitor->deleted)
		return false;
	for (size_t i = 0; i < turn->monitor->n_instances; i++)
		if (turn->monitor->instances[i]->generation == turn->generation)
			return true;
	return false;
}

static void switch_copies(struct turn *turn)
{
	struct swap *swap = turn->generation->swap;
	_cleanup_error_ struct error err = {};
	struct netns_visit visit;

	if (links_begin(turn->monitor, &visit, &err) == 0 && is_running(turn)) {
		turn->second = __atomic_load_n(&swap->second_runs, __ATOMIC_ACQUIRE);
		turn->swapped = replace_all(turn, !turn->second, &err) == 0;
		if (turn->swapped)
			__atomic_store_n(&swap->second_runs, !turn->second, __ATOMIC_RELEASE);
		else
			replace_all(turn, turn->second, NULL);
	}
	links_end(turn->monitor, &visit);
	if (err.code)
		log_error("monitor %s: swap-on-read: %s", turn->monitor->name, error_message(&err));
}

void generation_collect(const struct generation *generation, bool second)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *loaded = &generation->directions[direction];

		for (size_t i = 0; i < loaded->n_metrics; i++) {
			const struct metric *metric = &loaded->metrics[i];
			int r;

			if (!metric->swapped || metric->taken_by_other)
				continue;
			r = metric_take(metric, second ? &metric->second : &metric->map);
			if (r < 0)
				metric_log_failure(metric, r);
		}
	}
}

static struct turn *find_turns(const struct snapshot *snapshot, size_t *n)
{
	struct turn *turns = NULL;

	*n = 0;
	for (size_t i = 0; i < snapshot->n; i++) {
		const struct snapshot_item *item = &snapshot->items[i];

		if (!item->monitor || !item->generation || !item->generation->swap)
			continue;
		if (!turns)
			turns = calloc(snapshot->n, sizeof(*turns));
		if (!turns)
			return NULL;
		turns[(*n)++] = (struct turn){ item->monitor, item->generation, false, false };
	}
	if (turns)
		qsort(turns, *n, sizeof(*turns), compare_swaps);
	return turns;
}

/*
 * Locks or unlocks each swap once. Turns are sorted by address; all threads lock in this order,
 * which prevents deadlock.
 */
static void lock_all(const struct turn *turns, size_t n, int (*call)(pthread_mutex_t *))
{
	for (size_t i = 0; i < n; i++)
		if (!i || turns[i].generation->swap != turns[i - 1].generation->swap)
			call(&turns[i].generation->swap->reading);
}

void snapshot_collect(const struct snapshot *snapshot)
{
	_cleanup_error_ struct error err = {};
	size_t n;
	_cleanup_free_ struct turn *turns = find_turns(snapshot, &n);
	bool any = false;

	if (!turns)
		return;
	lock_all(turns, n, pthread_mutex_lock);
	for (size_t i = 0; i < n; i++) {
		switch_copies(&turns[i]);
		any = any || turns[i].swapped;
	}
	if (any && rcu_wait(&err) < 0) {
		log_error("swap-on-read: %s", error_message(&err));
		any = false;
	}
	for (size_t i = 0; any && i < n; i++) {
		struct registry *registry = turns[i].monitor->registry;

		if (!turns[i].swapped)
			continue;
		generation_collect(turns[i].generation, turns[i].second);
		if (registry)
			feeds_refill(registry->feeds, turns[i].monitor->name, turns[i].generation,
				     turns[i].second);
	}
	lock_all(turns, n, pthread_mutex_unlock);
}
