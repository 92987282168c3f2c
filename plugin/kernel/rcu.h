/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RCU wait: wait until no CPU runs a replaced program any more. */
#ifndef DYNMON_KERNEL_RCU_H
#define DYNMON_KERNEL_RCU_H

#include "base/error.h"

/**
 * rcu_wait() - wait for an RCU grace period
 * @err:  receives the reason of a failure
 *
 * When the function returns, all program runs that were in progress at the call have ended. This
 * takes some milliseconds. May be called from any thread.
 *
 * Return: 0 on success, -errno if the kernel offers no way to wait.
 */
int rcu_wait(struct error *err);

#endif
