/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/phase_times.h"

#include <stddef.h>
#include <time.h>

uint64_t phases_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

const char *phase_name(enum phase phase)
{
	static const char *const names[] = {
		[PHASE_PARSE] = "parse",
		[PHASE_COMPILE] = "compile",
		[PHASE_VERIFY] = "verify",
		[PHASE_ATTACH] = "attach",
	};

	return names[phase];
}

void phases_begin(struct phases *phases)
{
	if (phases)
		*phases = (struct phases){ .since = phases_now() };
}

void phases_end(struct phases *phases, enum phase phase)
{
	uint64_t time = phases_now();

	if (!phases)
		return;
	phases->ns[phase] = time - phases->since;
	phases->since = time;
}
