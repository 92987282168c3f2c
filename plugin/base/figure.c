/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/figure.h"

static uint64_t figures[FIGURE_COUNT]; /* atomic */

void figure_add(enum figure figure, uint64_t n)
{
	__atomic_add_fetch(&figures[figure], n, __ATOMIC_RELAXED);
}

uint64_t figure_get(enum figure figure)
{
	return __atomic_load_n(&figures[figure], __ATOMIC_RELAXED);
}

const char *figure_name(enum figure figure)
{
	static const char *const names[] = {
		[FIGURE_EVENTS_LOST] = "events_lost",
		[FIGURE_EVENTS_LEFT_OUT] = "events_left_out",
		[FIGURE_MAPS_FULL] = "maps_full",
	};

	return names[figure];
}
