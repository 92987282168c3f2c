/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a filter on clsact is. Such a filter outlives its process, so its program carries the mark
 * of the process in a map called OWNER_MAP, which is bound to every program we put there and goes
 * when the last of them goes. There is one map per process, made when the first is needed.
 *
 * All functions may be called from any thread.
 */
#ifndef DYNMON_KERNEL_OWNER_H
#define DYNMON_KERNEL_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OWNER_MAP "dynmon_owner"

/**
 * owner_identify() - set the identity in the marks of this process
 * @identity:  the same after a restart of collectd, different for each collectd on the host
 *
 * Call before the first mark is made. Without this call the identity is unknown.
 */
void owner_identify(const char *identity);

/* Marks a loaded program as this process's. -errno: an old kernel, or no permission. */
int owner_bind(int prog_fd);

/* Whether this process made the clsact qdisc of an interface in the calling thread's namespace. */
bool owner_made(int ifindex);
/* Notes that, or forgets it. What cannot be noted (-errno) is left when the process ends. */
int owner_set_made(int ifindex, bool made);

/*
 * Marks a program of ours as one whose filter is to stay when this process is gone, or takes that
 * mark away. -errno.
 */
int owner_keep(uint32_t prog_id, bool keep);

/* Who says to be the owner of a program, as somebody's OWNER_MAP has it. */
struct owner {
	pid_t pid;
	bool alive; /* or not known to be dead: its pid is from another pid namespace */
	bool kept;  /* its filter is to stay */
	bool made;  /* and it made the clsact qdisc of the interface in question */
	bool ours;  /* its identity is this process's, or both are unknown */
	bool known; /* has an identity; marks of the first version have none */
};

/*
 * Looks at the owners of a program that is on an interface in the calling thread's namespace. A
 * program that was adopted has several: of these it is the living one, else the last.
 * 1: *ret is set; 0: it has no mark, or it is gone; -EPERM: CAP_SYS_ADMIN is missing; -errno.
 */
int owner_of(uint32_t prog_id, int ifindex, struct owner *ret);

#endif
