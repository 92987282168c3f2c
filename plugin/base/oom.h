/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's out-of-memory killer. */
#ifndef DYNMON_BASE_OOM_H
#define DYNMON_BASE_OOM_H

/**
 * oom_volunteer() - make this process the first victim of the out-of-memory killer
 *
 * Child processes call this function, so that the daemon that started them survives. Their own
 * children inherit the setting. Errors are ignored, for example a missing /proc. Safe between
 * fork() and exec().
 */
void oom_volunteer(void);

#endif
