/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook "tc": filters on an interface's clsact qdisc, which is made when there is none and
 * taken away again with its last filter. Only hook.c and sweep.c use it, see kernel/hook.h.
 *
 * One lock makes a qdisc and its first filter one step for the threads of this process.
 */
#ifndef DYNMON_KERNEL_TC_H
#define DYNMON_KERNEL_TC_H

#include "kernel/hook.h"

/* The rows of struct hook; err: words that say more than the code. */
int tc_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	      struct error *err);
int tc_replace(struct attachment *attachment, int prog_fd);
void tc_detach(struct attachment *attachment);

/* Finds the filter that runs that program, and makes it this process's. -ENOLINK: there is none. */
int tc_adopt(struct attachment *attachment, uint32_t prog_id);

/* Removes the filter if it still runs the program it is known to run. Whether it did. */
bool tc_remove(const struct attachment *attachment);

/* Removes the clsact qdisc if this process made it and no filter is left. Whether it did. */
bool tc_clean(int ifindex);

#endif
