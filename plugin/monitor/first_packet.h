/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for the first packet after an injection. Call first_packet_begin() before the injection
 * and first_packet_wait() after it.
 *
 * A packet is detected by the kernel's run count of each program, which is polled every
 * millisecond. The object is embedded in its owner and used by one thread.
 */
#ifndef DYNMON_MONITOR_FIRST_PACKET_H
#define DYNMON_MONITOR_FIRST_PACKET_H

#include "monitor/registry.h"

#define FIRST_PACKET_SECONDS_MAX 60

struct first_packet {
	int counting; /* descriptor that keeps the kernel's run statistics enabled */
	uint64_t since;
};

/**
 * first_packet_begin() - enable the kernel's run statistics and record the start time
 * @first_packet: uninitialized object
 * @err:          receives the reason of a failure
 *
 * Return: 0, then call first_packet_end(); -errno if run statistics cannot be enabled.
 */
int first_packet_begin(struct first_packet *first_packet, struct error *err);

/**
 * first_packet_end() - release the request for run statistics
 * @first_packet: initialized object
 */
void first_packet_end(struct first_packet *first_packet);

/**
 * first_packet_wait() - wait until a program of the monitor has run
 * @first_packet: initialized object
 * @registry:     cancelling the registry ends the wait
 * @monitor:      name of the monitor
 * @seconds:      timeout
 * @err:          receives the reason of a failure
 *
 * Only programs that were loaded after first_packet_begin() count.
 *
 * Return: 1 if a program has run, 0 after the timeout or a cancellation, -ENODEV if no program is
 * attached, -ENOENT if the monitor does not exist.
 */
int first_packet_wait(const struct first_packet *first_packet, struct registry *registry,
		      const char *monitor, double seconds, struct error *err);

#endif
