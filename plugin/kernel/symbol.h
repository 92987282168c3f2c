/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for numbers of the kernel: system calls, function addresses, cgroup ids, device numbers.
 * The functions may be called from any thread.
 */
#ifndef DYNMON_KERNEL_SYMBOL_H
#define DYNMON_KERNEL_SYMBOL_H

#include "base/text.h"

/*
 * Returns the name of a system call of this architecture, a constant; NULL if the number is unused.
 */
const char *symbol_syscall(uint64_t number);

/**
 * symbol_kernel() - append the name of the kernel function at an address
 * @address:  an address within the function
 * @out:      receives the name
 *
 * /proc/kallsyms is read once, on the first call, and cached for the life of the process.
 *
 * Return: false if the function is unknown or the kernel hides addresses (CAP_SYSLOG is missing).
 */
bool symbol_kernel(uint64_t address, struct text *out);

/* Returns why no function and no cgroup has a name here, a constant; NULL if they have names. */
const char *symbol_kernel_missing(void);
const char *symbol_cgroup_missing(void);

/**
 * symbol_cgroup() - append the path of a cgroup, relative to the root of cgroup v2
 * @id:   id of a cgroup v2, as bpf_get_current_cgroup_id() returns it
 * @out:  receives the path
 *
 * Return: false if the cgroup does not exist any more or CAP_DAC_READ_SEARCH is missing.
 */
bool symbol_cgroup(uint64_t id, struct text *out);

/**
 * symbol_block_device() - append the name of a block device, such as sda1
 * @major:  major number
 * @minor:  minor number
 * @out:    receives the name, or MAJOR:MINOR if there is no such device
 */
void symbol_block_device(uint64_t major, uint64_t minor, struct text *out);

#endif
