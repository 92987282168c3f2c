/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs on a hook of an interface, ours and others' programs, in the calling thread's network
 * namespace. Programs on tcx run before those on tc, and XDP before both; each hook is asked by
 * itself.
 */
#ifndef DYNMON_KERNEL_CHAIN_H
#define DYNMON_KERNEL_CHAIN_H

#include "kernel/hook.h"

#include <stddef.h>

struct chain_link {
	uint32_t prog_id;
	char name[16]; /* empty: not to be found out, which takes CAP_SYS_ADMIN but on tc */
};

/* In the order they run. Embedded in its owner. */
struct chain {
	struct chain_link *links;
	size_t n;
};

/*
 * Filters on tc that are not eBPF programs are left out. On failure (-ENODEV: no such interface;
 * but on tc that is an empty chain) *ret is empty. After success: chain_release().
 */
int chain_get(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
void chain_release(struct chain *chain);

/* The rows of struct hook; *ret is empty, and holds what was got so far after a failure. */
int chain_of_tcx(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
int chain_of_xdp(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
int chain_of_tc(const struct hook *hook, int ifindex, bool egress, struct chain *ret);

/* Whether a program is in it. */
bool chain_has(const struct chain *chain, uint32_t prog_id);

#define _cleanup_chain_ _cleanup_(chain_release)

#endif
