/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/first_packet.h"
#include "base/clock.h"
#include "kernel/run_stats.h"

#include <errno.h>
#include <time.h>

int first_run_begin(struct first_run *first_run, struct error *err)
{
	*first_run = (struct first_run){ run_stats_open(err), clock_ns(CLOCK_BOOTTIME) };
	return first_run->counting < 0 ? first_run->counting : 0;
}

void first_run_end(struct first_run *first_run)
{
	fd_close(&first_run->counting);
}

/* -ENODEV: nothing can run. */
static int has_run(const struct first_run *first_run, const struct snapshot *snapshot,
		   struct error *err)
{
	bool anywhere = false;

	for (size_t i = 0; i < snapshot->n; i++)
		for (int path = 0; snapshot->items[i].generation && path < PATH_COUNT; path++) {
			const struct generation_path *of =
				&snapshot->items[i].generation->paths[path];

			if (!of->object || !(of->by_section || snapshot->items[i].ifindex))
				continue;
			anywhere = true;
			if (run_stats_since(of->object, first_run->since) ||
			    (of->twin && run_stats_since(of->twin, first_run->since)))
				return 1;
		}
	return anywhere ? 0 : error_set(err, -ENODEV, "on no interface");
}

int first_run_wait(const struct first_run *first_run, struct registry *registry,
		   const char *monitor, double seconds, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);

	for (;;) {
		_cleanup_(snapshot_release) struct snapshot snapshot = {};
		int r = registry_snapshot(registry, monitor, &snapshot, err);

		if (r == 0)
			r = has_run(first_run, &snapshot, err);
		if (r || clock_ns(CLOCK_MONOTONIC) >= until || registry_is_cancelled(registry))
			return r;
		nanosleep(&pause, NULL);
	}
}
