/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the plugin counts about itself: totals since the start of the process. */
#ifndef DYNMON_BASE_FIGURE_H
#define DYNMON_BASE_FIGURE_H

#include <stdint.h>

enum figure {
	FIGURE_EVENTS_LOST,	/* log records of programs that found their ring full */
	FIGURE_EVENTS_LEFT_OUT, /* that were too many in a second to be logged */
	FIGURE_MAPS_FULL,	/* reads that found a map with no room for one more entry */
	FIGURE_COUNT,
};

/* Safe from any thread. */
void figure_add(enum figure figure, uint64_t n);
uint64_t figure_get(enum figure figure);

/* As STATS calls it: "events_lost". */
const char *figure_name(enum figure figure);

#endif
