/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel calls by number: functions, system calls, cgroups. Safe from any thread. */
#ifndef DYNMON_KERNEL_SYMBOL_H
#define DYNMON_KERNEL_SYMBOL_H

#include "base/text.h"

/* The name of a system call of this machine; NULL: there is none of that number. */
const char *symbol_syscall(uint64_t number);

/*
 * Appends the name of the kernel's function that an address lies in. false: unknown, or the kernel
 * keeps its addresses to itself (CAP_SYSLOG). The table is read once, when it is first needed.
 */
bool symbol_kernel(uint64_t address, struct text *out);

/*
 * Appends the path of a cgroup below /sys/fs/cgroup by its number in the second hierarchy, as
 * bpf_get_current_cgroup_id() gives it. false: it is gone, or CAP_DAC_READ_SEARCH is missing.
 */
bool symbol_cgroup(uint64_t id, struct text *out);

#endif
