/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook "tc": filters on the clsact qdisc of an interface. The qdisc is created on demand and
 * removed with its last filter if this process created it. Only hook.c and sweep.c use this header;
 * see kernel/hook.h.
 *
 * A process-wide lock makes creating a qdisc with its first filter, and removing an unused qdisc,
 * atomic with respect to other threads of this process.
 */
#ifndef DYNMON_KERNEL_TC_H
#define DYNMON_KERNEL_TC_H

#include "kernel/hook.h"

/* Members of struct hook. @err is set only if a message says more than the code. */
int tc_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	      struct error *err);
int tc_replace(struct attachment *attachment, int prog_fd);
void tc_detach(struct attachment *attachment);

/* Adopts the filter that runs the program. Returns 0, -ENOLINK if there is none, or -errno. */
int tc_adopt(struct attachment *attachment, uint32_t prog_id);

/* Removes the filter unless it was replaced by others. Returns true if the filter was removed. */
bool tc_remove(const struct attachment *attachment);

/*
 * Removes the clsact qdisc if this process created it and no filter is left. Returns true if
 * removed.
 */
bool tc_clean(int ifindex);

#endif
