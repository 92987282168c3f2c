/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting until no program that was replaced is running any more. */
#ifndef DYNMON_KERNEL_RCU_H
#define DYNMON_KERNEL_RCU_H

#include "base/error.h"

/*
 * Returns after every packet that was under way when it was called has been dealt with: after an
 * RCU grace period, some milliseconds. Safe from any thread.
 * -errno: this kernel offers no way to wait.
 */
int rcu_wait(struct error *err);

#endif
