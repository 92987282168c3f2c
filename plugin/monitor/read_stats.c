/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/read_stats.h"

#include <stdlib.h>

struct readings *readings_new(void)
{
	struct readings *readings = calloc(1, sizeof(*readings));

	if (readings)
		readings->refs = 1;
	return readings;
}

struct readings *readings_ref(struct readings *readings)
{
	__atomic_add_fetch(&readings->refs, 1, __ATOMIC_RELAXED);
	return readings;
}

struct readings *readings_unref(struct readings *readings)
{
	if (readings && !__atomic_sub_fetch(&readings->refs, 1, __ATOMIC_ACQ_REL))
		free(readings);
	return NULL;
}
