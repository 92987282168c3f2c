/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks: where on an interface the kernel calls a program.
 *
 * Programs of others on the same hook are left alone in every case.
 */
#ifndef DYNMON_KERNEL_HOOK_H
#define DYNMON_KERNEL_HOOK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct attachment;
struct chain;

/* linux/bpf.h of 6.6; older headers do not have them. */
#define HOOK_TCX_INGRESS ((enum bpf_attach_type)46)
#define HOOK_TCX_EGRESS	 ((enum bpf_attach_type)47)

/*
 * Where among the programs of a hook a new one goes. tcx keeps such an order by itself: the next
 * one to be first goes before it. On tc it is a matter of priorities: what is first or last there
 * stays so for all filters that were not given a priority by hand.
 */
struct position {
	enum position_where {
		POSITION_ANY, /* as the kernel does it: tcx last, tc before others of that kind */
		POSITION_FIRST,
		POSITION_LAST,
		POSITION_BEFORE,
		POSITION_AFTER,
	} where;
	uint32_t prog_id; /* POSITION_BEFORE, POSITION_AFTER: the kernel's id of that program */
};

static inline bool position_is_relative(const struct position *position)
{
	return position->where == POSITION_BEFORE || position->where == POSITION_AFTER;
}

struct hook {
	const char *name;
	bool xdp; /* programs see struct xdp_md; there is no egress */
	int (*attach)(struct attachment *attachment, int prog_fd, const struct position *position,
		      struct error *err); /* err may stay empty: the code tells enough */
	int (*replace)(struct attachment *attachment, int prog_fd);
	void (*detach)(struct attachment *attachment);
	int (*chain)(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
	uint32_t flags;	    /* the hook's own */
	uint32_t link_type; /* enum bpf_link_type; 0: attachments are not links */
};

/*
 * The hook of that name: "tcx", "tc", "xdp", "xdp-generic", or "auto" for the best one this
 * kernel has for both paths. NULL: none; hook_names() lists them. In any letter case.
 */
const struct hook *hook_find(const char *name);
const char *hook_names(void);

/* The hook that serves a path: that one, or for egress, which XDP does not have, the best of tc. */
const struct hook *hook_for_path(const struct hook *hook, bool egress);

/*
 * One program on one hook of one interface. Embedded in its owner; zeroed is detached.
 * A tcx or xdp attachment ends with the process, unless its link is pinned; one on tc does not
 * (see kernel/sweep.h).
 *
 * All of it happens in the network namespace of the calling thread, which has to be that of the
 * interface: see netns_enter(). Links need that only to be made and adopted.
 */
struct attachment {
	const struct hook *hook; /* NULL: detached */
	int ifindex;
	bool egress;
	bool kept;	   /* tc: it stays when the process is gone */
	int link_fd;	   /* tcx, xdp; on tc -1 */
	uint32_t handle;   /* tc */
	uint32_t priority; /* tc */
	uint32_t prog_id;  /* tc: what is ours there */
};

static inline bool attachment_attached(const struct attachment *attachment)
{
	return attachment->hook;
}

/*
 * Attaches a loaded program. The descriptor is not taken. position: NULL is any.
 * -EBUSY: somebody's XDP program is there, or on tc no priority is free at that position.
 * -ENODEV: no such interface. -EOPNOTSUPP: this kernel or driver does not have that hook, or it
 * is XDP, where nothing is before or after another. -ENOENT: the program of the position is not
 * on that hook.
 */
int attachment_attach(struct attachment *attachment, const struct hook *hook, int ifindex,
		      bool egress, int prog_fd, const struct position *position, struct error *err);

/*
 * Puts another program in the place of the attached one, in one atomic step.
 * -ENOLINK: it is not attached any more; somebody has taken it away, or its interface.
 */
int attachment_replace(struct attachment *attachment, int prog_fd, struct error *err);

/* Does nothing when it is detached, or when its interface is gone. */
void attachment_detach(struct attachment *attachment);

/*
 * Makes an attachment, which was detached, of a link that another process has pinned. Takes link_fd
 * when it succeeds. *prog_id: what runs there.
 * -ENOLINK: it is no link on that hook and interface, or not alive any more.
 */
int attachment_adopt_link(struct attachment *attachment, const struct hook *hook, int ifindex,
			  bool egress, int link_fd, uint32_t *prog_id, struct error *err);

/*
 * The same for a filter on tc that runs the program. It is this process's now, and kept. Without
 * CAP_SYS_ADMIN its program keeps the other's mark until it is replaced, and a clsact qdisc that
 * the other had made is left.
 * -ENOLINK: there is none; -errno: not to be found out.
 */
int attachment_adopt_filter(struct attachment *attachment, const struct hook *hook, int ifindex,
			    bool egress, uint32_t prog_id);

/*
 * Marks what is attached on tc as to stay, through replacements too, when this process dies:
 * hook_sweep() of the next one leaves it alone. Links are to be pinned instead. -errno: it
 * cannot be marked, and will be swept.
 */
int attachment_keep(struct attachment *attachment);

/* Forgets it without detaching: a filter on tc stays, a link does if it is pinned. */
void attachment_leave(struct attachment *attachment);

/* The link, to be pinned; -1: detached, or on tc. The attachment's. */
static inline int attachment_link_fd(const struct attachment *attachment)
{
	return attachment->hook ? attachment->link_fd : -1;
}

#endif
