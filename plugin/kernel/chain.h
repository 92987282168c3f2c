/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Program chains: the programs on one hook of an interface, including those of other owners.
 *
 * The kernel runs XDP first, then tcx, then tc. A chain covers a single hook. All functions look up
 * the interface in the network namespace of the calling thread. A chain belongs to one thread.
 */
#ifndef DYNMON_KERNEL_CHAIN_H
#define DYNMON_KERNEL_CHAIN_H

#include "kernel/hook.h"

#include <stddef.h>

struct chain_link {
	uint32_t prog_id;
	char name[16]; /* empty: unknown; except on tc, names take CAP_SYS_ADMIN */
};

/* Programs in the order in which they run. Embedded in its owner. */
struct chain {
	struct chain_link *links;
	size_t n;
};

/**
 * chain_get() - list the programs on a hook of an interface
 * @hook:     the hook
 * @ifindex:  index of the interface
 * @egress:   direction; ignored by XDP
 * @ret:      receives the chain, empty on failure; release with chain_release()
 *
 * tc filters that are not eBPF programs, or not in chain 0, are left out.
 *
 * Return: 0 on success, -ENODEV if the interface does not exist (on tc: 0 and an empty chain),
 * -errno on any other failure.
 */
int chain_get(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
void chain_release(struct chain *chain);

/*
 * Implementations of hook->chain. @ret is empty on entry. After a failure @ret may hold a part of
 * the chain, which the caller releases.
 */
int chain_of_tcx(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
int chain_of_xdp(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
int chain_of_tc(const struct hook *hook, int ifindex, bool egress, struct chain *ret);

/* Returns true if the chain contains the program with this kernel id. */
bool chain_has(const struct chain *chain, uint32_t prog_id);

#define _cleanup_chain_ _cleanup_(chain_release)

#endif
