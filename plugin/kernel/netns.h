/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces: named ones, and a thread's visit to one.
 *
 * A descriptor keeps its namespace alive after the last process has left it and its name is gone:
 * close it when netns_is() says so. Visits take CAP_SYS_ADMIN.
 */
#ifndef DYNMON_KERNEL_NETNS_H
#define DYNMON_KERNEL_NETNS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NETNS_DIR "/run/netns/" /* where "ip netns add" puts names */

/*
 * Opens the network namespace of that name, which is one below NETNS_DIR or an absolute path.
 * Returns a descriptor that the caller closes.
 * -ENOENT: not there now, it may come. -EINVAL: that is no network namespace, or no name.
 */
int netns_open(const char *name, struct error *err);

/* Whether the name still stands for the namespace of fd: it may be gone, or another one's now. */
bool netns_is(int fd, const char *name);

/*
 * What tells a namespace from all others that exist now. fd < 0: the one the calling thread is
 * in. 0: not to be found out (no /proc).
 */
uint64_t netns_inode(int fd);

/* On the stack of the thread that goes. */
struct netns_visit {
	int home_fd; /* -1: went nowhere */
	int code;    /* 0, or why netns_leave() could not go back */
};

/*
 * Puts the calling thread, and no other, into the namespace; fd < 0: leaves it where it is.
 * Visits may be nested. On failure it is where it was, and netns_leave() does nothing.
 * -EPERM: CAP_SYS_ADMIN is missing. -ESTALE: see netns_leave().
 */
int netns_enter(int fd, struct netns_visit *visit);

/* Why netns_enter() failed, for a person. */
const char *netns_strerror(int code);

/*
 * Goes back. All it needs was fetched on the way in, so it fails only when the kernel has no memory
 * for long or the process has dropped capabilities meanwhile. visit->code tells it then, and the
 * thread counts as lost: every netns_enter() in it, with fd < 0 too, tries to get home first and
 * fails with -ESTALE while that is not possible, so that nothing is done in the wrong place.
 */
void netns_leave(struct netns_visit *visit);

#endif
