/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self metrics that any layer can count: totals since the start of the process. The counters are
 * atomic and need no lock.
 */
#ifndef DYNMON_BASE_SELF_COUNTER_H
#define DYNMON_BASE_SELF_COUNTER_H

#include <stdint.h>

enum self_counter {
	SELF_COUNTER_EVENTS_LOST,      /* log records dropped because the ring buffer was full */
	SELF_COUNTER_EVENTS_LEFT_OUT,  /* log records dropped by the rate limit */
	SELF_COUNTER_MAPS_FULL,	       /* reads that found a full map */
	SELF_COUNTER_FLUSHES,	       /* requested reads of all monitors */
	SELF_COUNTER_REQUESTS_REFUSED, /* refused requests to change a monitor */
	SELF_COUNTER_COUNT,
};

/* Adds n to a counter and returns the new total. Safe from any thread. */
uint64_t self_counter_add(enum self_counter counter, uint64_t n);

/* Returns the total of a counter. Safe from any thread. */
uint64_t self_counter_get(enum self_counter counter);

/* The consumers of metrics. */
enum reader_kind { READER_COLLECTD, READER_JSON, READER_OPENMETRICS, READER_COUNT };

/* Returns "collectd", "json" or "openmetrics". reader must be below READER_COUNT. */
const char *reader_kind_name(enum reader_kind reader);

#endif
