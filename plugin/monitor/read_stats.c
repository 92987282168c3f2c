/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/read_stats.h"

#include <stdlib.h>

struct read_stats *read_stats_new(void)
{
	struct read_stats *read_stats = calloc(1, sizeof(*read_stats));

	if (read_stats)
		read_stats->refs = 1;
	return read_stats;
}

struct read_stats *read_stats_ref(struct read_stats *read_stats)
{
	__atomic_add_fetch(&read_stats->refs, 1, __ATOMIC_RELAXED);
	return read_stats;
}

struct read_stats *read_stats_unref(struct read_stats *read_stats)
{
	if (read_stats && !__atomic_sub_fetch(&read_stats->refs, 1, __ATOMIC_ACQ_REL))
		free(read_stats);
	return NULL;
}
