/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the plugin counts about itself: totals since the start of the process. */
#ifndef DYNMON_BASE_SELF_COUNTER_H
#define DYNMON_BASE_SELF_COUNTER_H

#include <stdint.h>

enum self_counter {
	SELF_COUNTER_EVENTS_LOST,      /* log records of programs that found their ring full */
	SELF_COUNTER_EVENTS_LEFT_OUT,  /* log records beyond the rate limit */
	SELF_COUNTER_MAPS_FULL,	       /* reads that found a map with no room for one more entry */
	SELF_COUNTER_FLUSHES,	       /* reads of all monitors on request */
	SELF_COUNTER_REQUESTS_REFUSED, /* refused requests to change a monitor */
	SELF_COUNTER_COUNT,
};

/* Safe from any thread. Returns the new total. */
uint64_t self_counter_add(enum self_counter figure, uint64_t n);
uint64_t self_counter_get(enum self_counter figure);

/* Who reads metrics. */
enum reader_kind { READER_COLLECTD, READER_JSON, READER_OPENMETRICS, READER_COUNT };

/* "collectd", "json", "openmetrics". */
const char *reader_kind_name(enum reader_kind reader);

#endif
