/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removes tc filters that a killed process left behind. Stateless; any thread may call it. */
#ifndef DYNMON_KERNEL_SWEEP_H
#define DYNMON_KERNEL_SWEEP_H

#include "base/text.h"

#include <stdbool.h>

/**
 * hook_sweep() - remove tc filters and clsact qdiscs of dead processes
 * @kept:    also remove filters marked by attachment_keep() that no process adopted
 * @report:  receives one line for each removal, also if the function fails later
 *
 * Works in the calling thread's network namespace. A qdisc is removed if a dead process created it
 * and it has no filters left. Filters and qdiscs of others stay, as do those of processes in other
 * pid namespaces and of a collectd with another identity (see owner_identify()). A mark without an
 * identity protects only kept filters.
 *
 * Return: number of removals; -EPERM if owners cannot be determined without CAP_SYS_ADMIN, with a
 * line in @report; -errno if the interfaces cannot be listed.
 */
int hook_sweep(bool kept, struct text *report);

#endif
