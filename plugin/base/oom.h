/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's out-of-memory killer. */
#ifndef DYNMON_BASE_OOM_H
#define DYNMON_BASE_OOM_H

/**
 * oom_volunteer() - let the kernel kill this process first when memory is short
 *
 * For child processes, so that the daemon that started them survives. The children of this process
 * inherit the setting. Best effort: fails without /proc. Safe between fork() and exec().
 */
void oom_volunteer(void);

#endif
