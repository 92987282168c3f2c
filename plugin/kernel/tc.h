/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook "tc": filters on the clsact qdisc of an interface. The qdisc is created on demand and
 * removed with its last filter if this process created it. Only hook.c and sweep.c use this header.
 *
 * A process-wide lock makes creating a qdisc with its first filter, and removing an unused qdisc,
 * atomic with respect to other threads of this process.
 */
#ifndef DYNMON_KERNEL_TC_H
#define DYNMON_KERNEL_TC_H

#include "kernel/attachment.h"

/* The operations, see struct hook. */
int tc_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	      struct error *err);
int tc_replace(struct attachment *attachment, int prog_fd);
void tc_detach(struct attachment *attachment);
int tc_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id);
int tc_keep(struct attachment *attachment);
int tc_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain);

/* Removes the filter unless it was replaced by others. Returns true if the filter was removed. */
bool tc_remove(const struct attachment *attachment);

/*
 * Removes the clsact qdisc if this process created it and no filter is left. Returns true if
 * removed.
 */
bool tc_clean(int ifindex);

#endif
