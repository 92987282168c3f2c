/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that record their order of execution in the mark of a packet, and a veth pair to send
 * packets.
 */
#ifndef DYNMON_TESTS_UNIT_TRAIL_H
#define DYNMON_TESTS_UNIT_TRAIL_H

#include "fixture.h"
#include "kernel/chain.h"
#include "kernel/hook.h"

/* Moves the process into a new network namespace. Returns false if the tests cannot run. */
bool trail_possible(void);

/*
 * A tc program that appends its digit (1 to 7) to the packet's mark and lets further programs run.
 */
int program(const char *name, int digit);
/* An XDP program that passes all packets. */
int xdp_program(void);

/* Creates a pair of interfaces, v0 and v1, and sets them up. Returns the index of v0. */
int veth(void);
void veth_delete(void);

/*
 * Sends a frame out of the interface. Returns the digits of the programs that ran, in order, as an
 * octal number.
 */
unsigned int packet(int ifindex);

/* Returns the names of the programs on a hook, "b a c". Valid until the next call. */
const char *chain_names(const struct hook *hook, int ifindex, bool egress);

/*
 * Adds a foreign filter to an egress; priority 0: chosen by the kernel. Returns the ID of its
 * program.
 */
uint32_t foreign(int ifindex, const char *name, int digit, uint32_t priority);

#endif
