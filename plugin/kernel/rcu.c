/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rcu.h"
#include "base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * An update of a map of maps waits for running programs, so that no program uses the old inner map
 * afterwards: see maybe_wait_bpf_programs() in the kernel's kernel/bpf/syscall.c.
 */
static int wait_by_map(void)
{
	_cleanup_close_ int inner =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "dynmon_grace", 4, 4, 1, NULL);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)inner);
	_cleanup_close_ int outer = inner < 0 ? inner
					      : bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS,
							       "dynmon_grace", 4, 4, 1, &opts);
	uint32_t key = 0;

	return outer < 0 ? outer : bpf_map_update_elem(outer, &key, &inner, BPF_ANY);
}

int rcu_wait(struct error *err)
{
	int r;

	/* Kernels with nohz_full CPUs reject this command. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return 0;
	r = wait_by_map();
	return r < 0 ? error_set(err, r, "cannot wait for running programs to end: %s",
				 strerror(-r))
		     : 0;
}
