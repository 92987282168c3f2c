/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of the tc filters on clsact and ingress qdiscs, including those of other owners.
 *
 * The functions query rtnetlink in the network namespace of the calling thread. A list is a
 * snapshot that belongs to one thread.
 */
#ifndef DYNMON_KERNEL_FILTER_H
#define DYNMON_KERNEL_FILTER_H

#include "base/direction.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_NAME_SIZE 16 /* including NUL; as in the kernel's program names */

struct filter {
	uint32_t priority; /* 1 to 65535; the lowest runs first */
	uint32_t handle;   /* 0: the entry only shows that its priority is in use */
	uint32_t chain;	   /* packets enter chain 0 */
	uint32_t prog_id;  /* 0: not an eBPF filter, or classic BPF */
	char name[FILTER_NAME_SIZE];
};

/* Filters in the order in which they run: by priority, then in the kernel's order. */
struct filter_list {
	struct filter *items;
	size_t n;
};

/**
 * filter_list_get() - list the filters of an interface in one direction
 * @ifindex:    index of the interface
 * @direction:  direction
 * @ret:        receives the list, empty on failure; release with filter_list_release()
 *
 * Return: 0 on success, -errno on failure. Without the interface or its qdisc the list is empty.
 */
int filter_list_get(int ifindex, enum direction direction, struct filter_list *ret);
void filter_list_release(struct filter_list *list);

/* Returns the filter in chain 0 that runs the program, or NULL. Valid as long as the list. */
const struct filter *filter_list_find(const struct filter_list *list, uint32_t prog_id);

struct qdisc {
	int ifindex;
	bool clsact; /* false: an ingress qdisc, which has no egress */
};

/* The clsact and ingress qdiscs of all interfaces. */
struct qdisc_list {
	struct qdisc *items;
	size_t n;
};

/**
 * qdisc_list_get() - list the clsact and ingress qdiscs of a network namespace
 * @ret:  receives the list, empty on failure; release with qdisc_list_release()
 *
 * Return: 0 on success, -errno on failure.
 */
int qdisc_list_get(struct qdisc_list *ret);
void qdisc_list_release(struct qdisc_list *list);

#define _cleanup_filters_ __attribute__((cleanup(filter_list_release)))
#define _cleanup_qdiscs_  __attribute__((cleanup(qdisc_list_release)))

#endif
