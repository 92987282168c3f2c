/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tc.h"
#include "kernel/chain.h"
#include "kernel/filter.h"
#include "kernel/netif.h"
#include "kernel/object.h"
#include "kernel/owner.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>

/*
 * The kernel assigns priorities to filters without one: 0xc000 if none exists, otherwise one below
 * the lowest priority that is at least 0x8000. POSITION_FIRST therefore uses priorities below
 * 0x8000, and POSITION_LAST priorities above 0xc000.
 */
#define PRIORITY_AUTO_MIN 0x8000u
#define PRIORITY_AUTO_MAX 0xc000u
#define PRIORITY_END	  0x10000u
/* Distance to a neighbour, where there is room, so that later filters fit in between. */
#define PRIORITY_STEP 16u

/* Guards the clsact qdiscs of all interfaces: held while a qdisc is created, filled or removed. */
static pthread_mutex_t clsact_lock = PTHREAD_MUTEX_INITIALIZER;

static struct bpf_tc_hook tc_hook(const struct attachment *attachment)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point =
			    attachment->direction == EGRESS ? BPF_TC_EGRESS : BPF_TC_INGRESS);

	return hook;
}

/* Caller holds clsact_lock. */
static bool clsact_remove_if_unused(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!owner_made(ifindex) || netif_has_filters(ifindex) != 0)
		return false;
	/*
	 * Forget the qdisc even if removing it fails: it may have disappeared with its interface.
	 */
	owner_set_made(ifindex, false);
	return bpf_tc_hook_destroy(&hook) == 0;
}

bool tc_clean(int ifindex)
{
	bool removed;

	pthread_mutex_lock(&clsact_lock);
	removed = clsact_remove_if_unused(ifindex);
	pthread_mutex_unlock(&clsact_lock);
	return removed;
}

/*
 * Attaches or replaces the filter. The program is marked first, so that a filter without a mark
 * never exists. Old kernels cannot bind marks; a failure of owner_bind() is ignored.
 */
static int tc_put(struct attachment *attachment, int prog_fd, uint32_t flags)
{
	struct bpf_tc_hook hook = tc_hook(attachment);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .flags = flags,
		    .handle = attachment->handle, .priority = attachment->priority);
	uint32_t prog_id = object_program_id(prog_fd), old_id = attachment->prog_id;
	int r;

	owner_bind(prog_fd);
	if (attachment->kept)
		owner_keep(prog_id, true);
	r = bpf_tc_attach(&hook, &opts);
	if (r < 0)
		return r;
	attachment->handle = opts.handle;
	attachment->priority = opts.priority;
	attachment->prog_id = prog_id;
	if (attachment->kept && old_id != prog_id)
		owner_keep(old_id, false);
	return 0;
}

/*
 * Priorities in use around a filter. Without a filter (at is NULL), before is the highest in use.
 */
struct priorities {
	uint32_t lowest; /* PRIORITY_END: none */
	uint32_t before; /* 0: none */
	uint32_t after;	 /* PRIORITY_END: none */
};

static struct priorities priorities_get(const struct filter_list *list, const struct filter *at)
{
	struct priorities used = { PRIORITY_END, 0, PRIORITY_END };
	bool passed = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct filter *filter = &list->items[i];

		if (filter->chain != 0)
			continue;
		if (filter->priority < used.lowest)
			used.lowest = filter->priority;
		if (filter == at)
			passed = true;
		else if (at && !filter->handle && filter->priority == at->priority)
			continue; /* placeholder for the filter's own priority */
		else if (!passed)
			used.before = filter->priority;
		else if (used.after == PRIORITY_END)
			used.after = filter->priority;
	}
	return used;
}

/*
 * Returns a free priority between two, close to @near if that is one of them; 0 if there is none.
 */
static uint32_t priority_between(uint32_t low, uint32_t high, uint32_t near)
{
	uint32_t half = (high - low) / 2, step = half < PRIORITY_STEP ? half : PRIORITY_STEP;

	if (high <= low || !half)
		return 0;
	if (near == low)
		return low + step;
	return near == high ? high - step : low + half;
}

/* Returns a free priority for the position; 0 if there is none. */
static uint32_t priority_find(const struct filter_list *list, const struct filter *at,
			      enum position_where where)
{
	struct priorities used = priorities_get(list, at);
	uint32_t low, high;

	switch (where) {
	case POSITION_FIRST:
		high = used.lowest < PRIORITY_AUTO_MIN ? used.lowest : PRIORITY_AUTO_MIN;
		return priority_between(0, high, high);
	case POSITION_LAST:
		low = used.before > PRIORITY_AUTO_MAX ? used.before : PRIORITY_AUTO_MAX;
		return priority_between(low, PRIORITY_END, low);
	case POSITION_BEFORE:
		high = at->priority;
		return priority_between(used.before, high, used.before ? PRIORITY_END : high);
	case POSITION_AFTER:
		low = at->priority;
		return priority_between(low, used.after,
					used.after < PRIORITY_END ? PRIORITY_END : low);
	default:
		return 0;
	}
}

static int tc_place(struct attachment *attachment, const struct position *position,
		    struct error *err)
{
	_cleanup_filters_ struct filter_list list = {};
	const struct filter *at = NULL;
	int r;

	if (position->where == POSITION_ANY)
		return 0;
	r = filter_list_get(attachment->ifindex, attachment->direction, &list);
	if (r < 0)
		return r;
	if (position_is_relative(position)) {
		at = filter_list_find(&list, position->prog_id);
		if (!at)
			return -ENOENT;
	}
	attachment->priority = priority_find(&list, at, position->where);
	if (attachment->priority)
		return 0;
	return error_set(err, -EBUSY,
			 "the filters there leave no priority free for this Position; \"tc filter "
			 "show\" lists them");
}

int tc_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	      struct error *err)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	int r;

	pthread_mutex_lock(&clsact_lock);
	r = bpf_tc_hook_create(&hook);
	/* The existing qdisc may be an ingress qdisc of others, which has no egress. */
	if (r == -EEXIST && attachment->direction == EGRESS &&
	    netif_has_clsact(attachment->ifindex) == 0)
		r = error_set(err, -EBUSY,
			      "the interface has an ingress qdisc, which has no egress");
	if (r == 0)
		owner_set_made(attachment->ifindex, true);
	if (r == 0 || r == -EEXIST) {
		r = tc_place(attachment, position, err);
		if (r == 0)
			r = tc_put(attachment, prog_fd, 0);
		if (r < 0)
			clsact_remove_if_unused(attachment->ifindex);
	}
	pthread_mutex_unlock(&clsact_lock);
	return r;
}

/* Returns true if the filter still runs our program; others may have replaced it. */
static bool tc_is_ours(const struct attachment *attachment)
{
	struct bpf_tc_hook hook = tc_hook(attachment);
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = attachment->handle,
		    .priority = attachment->priority);

	return bpf_tc_query(&hook, &query) == 0 && query.prog_id == attachment->prog_id;
}

int tc_replace(struct attachment *attachment, int prog_fd)
{
	if (!tc_is_ours(attachment))
		return -ENOLINK;
	return tc_put(attachment, prog_fd, BPF_TC_F_REPLACE);
}

bool tc_remove(const struct attachment *attachment)
{
	struct bpf_tc_hook hook = tc_hook(attachment);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = attachment->handle,
		    .priority = attachment->priority);

	return tc_is_ours(attachment) && bpf_tc_detach(&hook, &opts) == 0;
}

void tc_detach(struct attachment *attachment)
{
	tc_remove(attachment);
	if (attachment->kept)
		owner_keep(attachment->prog_id, false);
	tc_clean(attachment->ifindex);
}

int tc_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id)
{
	_cleanup_filters_ struct filter_list list = {};
	const struct filter *filter;
	_cleanup_close_ int fd = -1;
	struct owner owner;
	int r = filter_list_get(attachment->ifindex, attachment->direction, &list);

	(void)link_fd;
	if (r < 0)
		return r;
	filter = filter_list_find(&list, *prog_id);
	if (!filter)
		return -ENOLINK;
	attachment->handle = filter->handle;
	attachment->priority = filter->priority;
	attachment->prog_id = *prog_id;
	attachment->kept = true;
	/* Without CAP_SYS_ADMIN the program keeps its old mark, which also keeps the filter. */
	if (owner_of(*prog_id, attachment->ifindex, &owner) > 0 && owner.made)
		owner_set_made(attachment->ifindex, true);
	fd = bpf_prog_get_fd_by_id(*prog_id);
	if (fd >= 0) {
		owner_bind(fd);
		owner_keep(*prog_id, true);
	}
	return 0;
}

int tc_keep(struct attachment *attachment)
{
	int r = owner_keep(attachment->prog_id, true);

	attachment->kept |= r == 0;
	return r;
}

int tc_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain)
{
	_cleanup_filters_ struct filter_list list = {};
	int r = filter_list_get(ifindex, direction, &list);

	(void)hook;
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (list.items[i].prog_id && list.items[i].chain == 0)
			r = chain_append(chain, list.items[i].prog_id, list.items[i].name);
	return r;
}
