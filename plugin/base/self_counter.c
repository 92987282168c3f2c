/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/self_counter.h"

#include <time.h>

static uint64_t counters[SELF_COUNTER_COUNT]; /* accessed with atomic operations */

uint64_t self_counter_add(enum self_counter counter, uint64_t n)
{
	return __atomic_add_fetch(&counters[counter], n, __ATOMIC_RELAXED);
}

uint64_t self_counter_get(enum self_counter counter)
{
	return __atomic_load_n(&counters[counter], __ATOMIC_RELAXED);
}

const char *reader_kind_name(enum reader_kind reader)
{
	static const char *const names[] = {
		[READER_COLLECTD] = "collectd",
		[READER_JSON] = "json",
		[READER_OPENMETRICS] = "openmetrics",
	};

	return names[reader];
}
