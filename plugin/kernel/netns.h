/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces: lookup by name, and temporary moves of a thread.
 *
 * A descriptor keeps its namespace alive after the last process left it and its name was removed:
 * close the descriptor when netns_is() returns false. netns_enter() needs CAP_SYS_ADMIN.
 *
 * The functions may be called from any thread; each thread has its own namespace.
 */
#ifndef DYNMON_KERNEL_NETNS_H
#define DYNMON_KERNEL_NETNS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NETNS_DIR "/run/netns/" /* "ip netns add" creates names here */

/**
 * netns_open() - open a network namespace by name
 * @name:  a name below NETNS_DIR or an absolute path
 * @err:   receives the reason of a failure
 *
 * Return: a descriptor that the caller closes, -ENOENT if the namespace does not exist (yet),
 * -EINVAL if the name is malformed or not a network namespace, -errno on any other failure.
 */
int netns_open(const char *name, struct error *err);

/* Returns true if the name still refers to the namespace of fd; it may be removed or reassigned. */
bool netns_is(int fd, const char *name);

/*
 * Returns a number that identifies the namespace of fd among all existing ones; with fd < 0, that
 * of the calling thread. Returns 0 if the namespace is unknown, for example without /proc.
 */
uint64_t netns_inode(int fd);

/* State of one visit to a namespace. On the stack of the thread that calls netns_enter(). */
struct netns_visit {
	int home_fd; /* -1: the thread did not move */
	int code;    /* 0, or the -errno of a failed netns_leave() */
};

/**
 * netns_enter() - move the calling thread into a network namespace
 * @fd:     descriptor of the namespace; < 0: the thread stays where it is
 * @visit:  receives the state for netns_leave()
 *
 * Other threads are not affected. Visits nest. After a failure the thread is where it was, and
 * netns_leave() does nothing.
 *
 * Return: 0 on success, -EPERM without CAP_SYS_ADMIN, -ESTALE if an earlier netns_leave() failed
 * and the thread still cannot return, -errno on any other failure.
 */
int netns_enter(int fd, struct netns_visit *visit);

/* Returns the text of a netns_enter() error for a message. */
const char *netns_strerror(int code);

/**
 * netns_leave() - return to the namespace from before netns_enter()
 * @visit:  the state that netns_enter() set; visit->code receives 0 or -errno
 *
 * Fails only if the kernel is out of memory for about a second or the process dropped its
 * capabilities. The thread then counts as lost: each netns_enter() in it, also with fd < 0, first
 * tries to return and fails with -ESTALE until that succeeds. This keeps later work out of the
 * wrong namespace.
 */
void netns_leave(struct netns_visit *visit);

#endif
