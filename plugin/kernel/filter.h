/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hangs on the clsact and ingress qdiscs of interfaces, whoever put it there, over rtnetlink
 * in the network namespace of the calling thread.
 */
#ifndef DYNMON_KERNEL_FILTER_H
#define DYNMON_KERNEL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_NAME_SIZE 16 /* with its NUL, as the kernel's names of programs */

struct filter {
	uint32_t priority; /* 1 to 65535; the lowest runs first */
	uint32_t handle;   /* 0: stands for its priority being taken */
	uint32_t chain;	   /* packets come into chain 0 */
	uint32_t prog_id;  /* 0: not an eBPF filter, or a classic one */
	char name[FILTER_NAME_SIZE];
};

/* In the order they run: by priority, and within one as the kernel has them. */
struct filter_list {
	struct filter *items;
	size_t n;
};

/*
 * The filters of one direction; none where there is no such interface or qdisc.
 * -errno: *ret is empty. After success: filter_list_release().
 */
int filter_list_get(int ifindex, bool egress, struct filter_list *ret);
void filter_list_release(struct filter_list *list);

/* The filter in chain 0 that runs that program; NULL: none. Valid as long as the list. */
const struct filter *filter_list_find(const struct filter_list *list, uint32_t prog_id);

struct qdisc {
	int ifindex;
	bool clsact; /* else "ingress", which has no egress */
};

/* The qdiscs of all interfaces that such filters can be on. */
struct qdisc_list {
	struct qdisc *items;
	size_t n;
};

int qdisc_list_get(struct qdisc_list *ret);
void qdisc_list_release(struct qdisc_list *list);

#define _cleanup_filters_ __attribute__((cleanup(filter_list_release)))
#define _cleanup_qdiscs_  __attribute__((cleanup(qdisc_list_release)))

#endif
