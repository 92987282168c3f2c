/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters on clsact outlive a process that was killed: here they are found and removed. */
#ifndef DYNMON_KERNEL_SWEEP_H
#define DYNMON_KERNEL_SWEEP_H

#include "base/text.h"

#include <stdbool.h>

/*
 * Removes, in the calling thread's network namespace, the filters whose process is dead, and the
 * qdiscs it had made that have no filters any more. Others' filters and qdiscs stay, as do those
 * of processes in other pid namespaces, those of a collectd with another identity
 * (owner_identify()), and, unless kept, those that were to be kept
 * (attachment_keep()) and that nobody has adopted.
 *
 * Returns how many were removed; each is a line in report. -EPERM: there are filters whose owner
 * cannot be found out without CAP_SYS_ADMIN; a line says so. -errno: the interfaces cannot be
 * looked at. What was removed until then is in report in any case.
 */
int hook_sweep(bool kept, struct text *report);

#endif
