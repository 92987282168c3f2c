/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox around untrusted source and objects: this process and all its children.
 *
 * A process cannot leave the sandbox. There is no partial sandbox: if a part cannot be set up,
 * sandbox_enter() returns an error and the caller must end the process.
 */
#ifndef DYNMON_CC_SANDBOX_H
#define DYNMON_CC_SANDBOX_H

#include "base/error.h"

/**
 * sandbox_enter() - confine the calling process permanently
 * @readable:  files and directories that stay readable and executable; NULL after the last. Paths
 *             that do not exist are skipped.
 * @err:       receives the part that failed
 *
 * The process must have a single thread. The function makes these changes:
 *
 *	privileges: root becomes nobody, capabilities are dropped, no_new_privs is set
 *	files (Landlock): only @readable can be read and executed, nothing can be written
 *	network: no sockets (seccomp), no TCP bind and connect (Landlock ABI 4)
 *	signals: none to processes outside (Landlock ABI 6)
 *	system calls: those listed in sandbox.c fail with EPERM (seccomp)
 *
 * On older kernels without a Landlock ABI the other parts still apply; a kernel without Landlock is
 * an error. Open descriptors stay usable.
 *
 * Return: 0 or -errno.
 */
int sandbox_enter(const char *const *readable, struct error *err);

#endif
