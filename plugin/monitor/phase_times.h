/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations of the phases of an injection. Embedded in its owner and used by one thread. */
#ifndef DYNMON_MONITOR_PHASE_TIMES_H
#define DYNMON_MONITOR_PHASE_TIMES_H

#include <stdint.h>

enum phase { PHASE_PARSE, PHASE_COMPILE, PHASE_VERIFY, PHASE_ATTACH, PHASE_COUNT };

struct phase_times {
	uint64_t since; /* end of the last phase: ns of CLOCK_MONOTONIC */
	uint64_t ns[PHASE_COUNT];
};

/**
 * phase_name() - name of a phase, for example "parse"
 * @phase: less than PHASE_COUNT
 *
 * Return: a static string.
 */
const char *phase_name(enum phase phase);

/**
 * phase_times_begin() - clear all durations and start the clock
 * @phases: may be NULL
 */
void phase_times_begin(struct phase_times *phases);

/**
 * phase_times_end() - set the duration of a phase: the time since the last phase ended
 * @phases: may be NULL
 * @phase:  the phase that ends now
 */
void phase_times_end(struct phase_times *phases, enum phase phase);

#endif
