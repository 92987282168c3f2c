/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walls around hostile source: this process and all it starts.
 *
 * There is no way out again and no half of it: when a part cannot be set up, an error comes back
 * and the caller must end the process.
 */
#ifndef DYNMON_CC_SANDBOX_H
#define DYNMON_CC_SANDBOX_H

#include "base/error.h"

/*
 * Confines the calling process, which must have one thread, and its children for good:
 *	root becomes nobody, capabilities go, no_new_privs comes
 *	files: only those under readable, for reading and executing (Landlock); nothing is writable
 *	no network, no signals to others, none of the system calls in sandbox.c (seccomp)
 * What is open already stays usable. readable ends with NULL; what does not exist is skipped.
 * Returns 0 or -errno, with words that say which part failed.
 */
int sandbox_enter(const char *const *readable, struct error *err);

#endif
