/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first packet after an injection: begin before it, wait after it. The packet is seen by the
 * kernel's count of runs, looked at a thousand times a second.
 */
#ifndef DYNMON_MONITOR_FIRST_PACKET_H
#define DYNMON_MONITOR_FIRST_PACKET_H

#include "monitor/registry.h"

#define FIRST_PACKET_SECONDS_MAX 60

struct first_packet {
	int counting; /* the kernel counts while it is open */
	uint64_t since;
};

/* -errno: the kernel does not count. After success: first_packet_end(). */
int first_packet_begin(struct first_packet *first_packet, struct error *err);
void first_packet_end(struct first_packet *first_packet);

/*
 * Waits until a program of the monitor that was loaded since the beginning has run, at most so many
 * seconds, and not when the registry is cancelled. 1: it has; 0: not in that time; -ENODEV: there
 * is no program, or it is on no interface now; -ENOENT: the monitor is gone.
 */
int first_packet_wait(const struct first_packet *first_packet, struct registry *registry,
		      const char *monitor, double seconds, struct error *err);

#endif
