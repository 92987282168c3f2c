/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership of tc filters. A filter outlives its process, so the plugin marks each program: it
 * binds a map called OWNER_MAP, which describes the process, to the program. There is one such map
 * per process, created on demand; the kernel frees it with the last program that it is bound to.
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
 * Call before the first mark is made and before other threads start. Without this call the identity
 * is unknown.
 */
void owner_identify(const char *identity);

/**
 * owner_bind() - mark a loaded program as owned by this process
 * @prog_fd:  descriptor of the program, owned by the caller
 *
 * Return: 0 on success, -errno if the kernel is too old or permission is missing.
 */
int owner_bind(int prog_fd);

/*
 * Returns true if this process created the clsact qdisc of the interface, which is in the calling
 * thread's network namespace.
 */
bool owner_made(int ifindex);
/**
 * owner_set_made() - record whether this process created a clsact qdisc
 * @ifindex:  interface in the calling thread's network namespace
 * @made:     true to record it, false to forget it
 *
 * Return: 0 on success; -errno on failure: the qdisc then stays when the process ends.
 */
int owner_set_made(int ifindex, bool made);

/**
 * owner_keep() - record whether the filter of a program outlives this process
 * @prog_id:  kernel id of a program that this process marked
 * @keep:     true to record it, false to forget it
 *
 * Return: 0 on success, -errno on failure.
 */
int owner_keep(uint32_t prog_id, bool keep);

/* The owner of a program, as recorded in its OWNER_MAP. */
struct owner {
	pid_t pid;
	bool alive; /* true also if unknown: the pid is from another pid namespace */
	bool kept;  /* the filter is to outlive the process */
	bool made;  /* the owner created the clsact qdisc of the interface */
	bool ours;  /* same identity as this process, or both unknown */
	bool known; /* has an identity; marks of the first version have none */
};

/**
 * owner_of() - read the owner of a program
 * @prog_id:  kernel id of the program
 * @ifindex:  interface of the program, in the calling thread's network namespace
 * @ret:      receives the owner
 *
 * An adopted program has several owners. @ret then has the pid of the living owner, or else of the
 * last one, and the combined flags of all of them.
 *
 * Return: 1 if @ret is set, 0 if the program has no mark or does not exist, -EPERM without
 * CAP_SYS_ADMIN, -errno on any other failure.
 */
int owner_of(uint32_t prog_id, int ifindex, struct owner *ret);

#endif
