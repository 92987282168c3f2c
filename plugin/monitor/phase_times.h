/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the parts of an injection take. Embedded in whoever asks for it. */
#ifndef DYNMON_MONITOR_PHASE_TIMES_H
#define DYNMON_MONITOR_PHASE_TIMES_H

#include <stdint.h>

enum phase { PHASE_PARSE, PHASE_COMPILE, PHASE_VERIFY, PHASE_ATTACH, PHASE_COUNT };

struct phase_times {
	uint64_t since; /* when the last one ended: ns of CLOCK_MONOTONIC */
	uint64_t ns[PHASE_COUNT];
};

/* "parse". */
const char *phase_name(enum phase phase);

/* Starts from zero, now. Takes NULL: nobody asks. */
void phase_times_begin(struct phase_times *phases);
/* What has passed since the phase before ended, or since the beginning, is this one's. NULL too. */
void phase_times_end(struct phase_times *phases, enum phase phase);

#endif
