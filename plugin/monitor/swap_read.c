/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/swap_read.h"
#include "base/log.h"
#include "kernel/rcu.h"
#include "metric/reader.h"
#include "monitor/registry.h"

#include <errno.h>
#include <string.h>

/* A generation of the snapshot with two copies of its programs. */
struct swap_read {
	struct monitor *monitor;
	struct generation *generation;
	bool swapped; /* the other copy runs now */
	bool second;  /* the copy that ran before the swap */
};

static int compare_swaps(const void *a, const void *b)
{
	const struct swap *left = ((const struct swap_read *)a)->generation->swap;
	const struct swap *right = ((const struct swap_read *)b)->generation->swap;

	return (left > right) - (left < right);
}

/*
 * Switches all links to a copy. Called with links held, which keeps the instances. Returns 1; 0 if
 * no instance runs the generation; -errno, then the caller switches the links back.
 */
static int replace_all(const struct swap_read *read, bool second, struct error *err)
{
	const struct monitor *monitor = read->monitor;
	int is_running = 0;

	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		if (instance->generation != read->generation)
			continue;
		is_running = 1;
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			const struct generation_direction *loaded =
				&read->generation->directions[direction];
			struct attachment *attachment = &instance->attachments[direction];
			int r;

			if (!loaded->second || !attachment_attached(attachment))
				continue;
			r = attachment_replace(
				attachment, second ? loaded->second_prog_fd : loaded->prog_fd, err);
			if (r == -ENOLINK && err) /* a detached program counts nothing */
				error_release(err);
			if (r == 0 || r == -ENOLINK)
				continue;
			/* The thread that has control may rename the interface. */
			pthread_mutex_lock(&read->monitor->state);
			error_prefix(err, r, "interface %s", instance->interface);
			pthread_mutex_unlock(&read->monitor->state);
			return r;
		}
	}
	return is_running;
}

/* Nothing is left to collect from a deleted monitor or a replaced generation. */
static void switch_copies(struct swap_read *read)
{
	struct monitor *monitor = read->monitor;
	struct swap *swap = read->generation->swap;
	_cleanup_error_ struct error err = {};
	struct netns_visit visit;

	if (links_begin(monitor, &visit, &err) == 0 && !monitor->deleted) {
		int r;

		read->second = __atomic_load_n(&swap->second_runs, __ATOMIC_ACQUIRE);
		r = replace_all(read, !read->second, &err);
		read->swapped = r > 0;
		if (r > 0)
			__atomic_store_n(&swap->second_runs, !read->second, __ATOMIC_RELEASE);
		else if (r < 0)
			replace_all(read, read->second, NULL);
	}
	links_end(monitor, &visit);
	if (err.code)
		log_error("monitor %s: swap-on-read: %s", monitor->name, error_message(&err));
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

/*
 * Locks or unlocks each swap once. The swaps are sorted by address; all threads lock in this order,
 * which prevents deadlock.
 */
static void lock_all(const struct swap_read *reads, size_t n, int (*call)(pthread_mutex_t *))
{
	for (size_t i = 0; i < n; i++)
		if (!i || reads[i].generation->swap != reads[i - 1].generation->swap)
			call(&reads[i].generation->swap->reading);
}

void snapshot_collect(const struct snapshot *snapshot)
{
	_cleanup_free_ struct swap_read *reads = NULL;
	_cleanup_error_ struct error err = {};
	bool any = false;
	size_t n = 0;

	for (size_t i = 0; i < snapshot->n; i++) {
		const struct snapshot_item *item = &snapshot->items[i];

		if (!item->monitor || !item->generation || !item->generation->swap)
			continue;
		if (!reads)
			reads = calloc(snapshot->n, sizeof(*reads));
		if (!reads)
			return;
		reads[n++] = (struct swap_read){ .monitor = item->monitor,
						 .generation = item->generation };
	}
	if (!n)
		return;
	qsort(reads, n, sizeof(*reads), compare_swaps);
	lock_all(reads, n, pthread_mutex_lock);
	for (size_t i = 0; i < n; i++) {
		switch_copies(&reads[i]);
		any = any || reads[i].swapped;
	}
	if (any && rcu_wait(&err) < 0) {
		log_error("swap-on-read: %s", error_message(&err));
		any = false;
	}
	for (size_t i = 0; any && i < n; i++) {
		const struct monitor *monitor = reads[i].monitor;

		if (!reads[i].swapped)
			continue;
		generation_collect(reads[i].generation, reads[i].second);
		if (monitor->registry)
			feeds_refill(monitor->registry->feeds, monitor->name, reads[i].generation,
				     reads[i].second);
	}
	lock_all(reads, n, pthread_mutex_unlock);
}
