/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Program chains: the programs on one hook of an interface, including those of other owners, in
 * the order in which they run. See hook_chain(). A chain belongs to one thread.
 */
#ifndef DYNMON_KERNEL_CHAIN_H
#define DYNMON_KERNEL_CHAIN_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chain_link {
	uint32_t prog_id;
	char name[16]; /* empty: unknown; except on tc, names take CAP_SYS_ADMIN */
};

/* Embedded in its owner. Zeroed: empty. */
struct chain {
	struct chain_link *links;
	size_t n;
};

/**
 * chain_append() - append a program to a chain
 * @chain:    the chain
 * @prog_id:  kernel id of the program
 * @name:     used if the kernel does not reveal the program's name; libbpf names a filter
 *            "program:[id]"
 *
 * Return: 0 on success, -ENOMEM.
 */
int chain_append(struct chain *chain, uint32_t prog_id, const char *name);

void chain_release(struct chain *chain);

/* Returns true if the chain contains the program with this kernel id. */
bool chain_has(const struct chain *chain, uint32_t prog_id);

#define _cleanup_chain_ _cleanup_(chain_release)

#endif
