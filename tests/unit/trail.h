/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that packets carry the trail of, and an interface to send these out of. */
#ifndef DYNMON_TESTS_UNIT_TRAIL_H
#define DYNMON_TESTS_UNIT_TRAIL_H

#include "fixture.h"
#include "kernel/chain.h"

/* Puts the process into a network namespace of its own. false: the tests cannot be. */
bool trail_possible(void);

/* A program for tc that adds its digit (1 to 7) to the packet's mark, and lets others run. */
int program(const char *name, int digit);
/* One for XDP that lets all pass. */
int xdp_program(void);

/* A pair of interfaces, v0 and v1, up. Returns the index of v0. */
int veth(void);
void veth_delete(void);

/* Sends a frame out of the interface. The octal digits of the programs it met, as they ran. */
unsigned int packet(int ifindex);

/* "b a c": the names on a hook. Valid until the next call. */
const char *chain_names(const struct hook *hook, int ifindex, bool egress);

/* A filter as others put it on an egress; priority 0: the kernel's. Its program's id. */
uint32_t foreign(int ifindex, const char *name, int digit, uint32_t priority);

#endif
