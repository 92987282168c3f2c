/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/first_packet.h"
#include "base/clock.h"
#include "kernel/run_stats.h"

#include <errno.h>
#include <time.h>

int first_packet_begin(struct first_packet *first_packet, struct error *err)
{
	*first_packet = (struct first_packet){ run_stats_open(err), clock_ns(CLOCK_BOOTTIME) };
	return first_packet->counting < 0 ? first_packet->counting : 0;
}

void first_packet_end(struct first_packet *first_packet)
{
	fd_close(&first_packet->counting);
}

/* Returns 1 if a program has run, 0 if none has, -ENODEV if no program is attached. */
static int has_run(const struct first_packet *first_packet, const struct snapshot *snapshot,
		   struct error *err)
{
	bool anywhere = false;

	for (size_t i = 0; i < snapshot->n; i++)
		for (enum direction direction = 0;
		     snapshot->items[i].generation && direction < N_DIRECTIONS; direction++) {
			const struct generation_direction *loaded =
				&snapshot->items[i].generation->directions[direction];

			if (!loaded->object || !(loaded->by_section || snapshot->items[i].ifindex))
				continue;
			anywhere = true;
			if (run_stats_since(loaded->object, first_packet->since) ||
			    (loaded->second &&
			     run_stats_since(loaded->second, first_packet->since)))
				return 1;
		}
	return anywhere ? 0 : error_set(err, -ENODEV, "not attached to any interface");
}

int first_packet_wait(const struct first_packet *first_packet, struct registry *registry,
		      const char *monitor, double seconds, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);

	for (;;) {
		_cleanup_(snapshot_release) struct snapshot snapshot = {};
		int r = registry_snapshot(registry, monitor, &snapshot, err);

		if (r == 0)
			r = has_run(first_packet, &snapshot, err);
		if (r || clock_ns(CLOCK_MONOTONIC) >= until || registry_is_cancelled(registry))
			return r;
		nanosleep(&pause, NULL);
	}
}
