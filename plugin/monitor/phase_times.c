/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/phase_times.h"
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

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

void phase_times_begin(struct phase_times *phases)
{
	if (phases)
		*phases = (struct phase_times){ .since = clock_now_ns() };
}

void phase_times_end(struct phase_times *phases, enum phase phase)
{
	uint64_t time = clock_now_ns();

	if (!phases)
		return;
	phases->ns[phase] = time - phases->since;
	phases->since = time;
}
