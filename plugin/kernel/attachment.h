/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachments: a program on a hook of an interface, and the operations of a hook.
 *
 * A struct hook is constant. A struct attachment belongs to its owner, which serializes all calls
 * on it. No function changes programs of other owners on the same hook.
 */
#ifndef DYNMON_KERNEL_ATTACHMENT_H
#define DYNMON_KERNEL_ATTACHMENT_H

#include "base/direction.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct attachment;
struct chain;

/*
 * Position of a new program among the programs of a hook.
 *
 * tcx does not maintain POSITION_FIRST and POSITION_LAST: a later program with POSITION_FIRST goes
 * before an earlier one. On tc they are priorities outside the range that the kernel assigns, so
 * they hold against all filters without an explicit priority.
 */
struct position {
	enum position_where {
		POSITION_ANY, /* the kernel's default: tcx last, tc before other such filters */
		POSITION_FIRST,
		POSITION_LAST,
		POSITION_BEFORE,
		POSITION_AFTER,
	} where;
	uint32_t prog_id; /* POSITION_BEFORE, POSITION_AFTER: kernel id of that program */
};

static inline bool position_is_relative(const struct position *position)
{
	return position->where == POSITION_BEFORE || position->where == POSITION_AFTER;
}

/*
 * A hook: a place where the kernel calls a program for the packets of an interface. The functions
 * return 0 or -errno.
 */
struct hook {
	const char *name;
	bool xdp;	/* programs take struct xdp_md; ingress only */
	uint32_t flags; /* for the functions of the hook: XDP_FLAGS_* */
	/* Sets err only if a message says more than the code. */
	int (*attach)(struct attachment *attachment, int prog_fd, const struct position *position,
		      struct error *err);
	int (*replace)(struct attachment *attachment, int prog_fd);
	void (*detach)(struct attachment *attachment);
	int (*adopt)(struct attachment *attachment, int link_fd, uint32_t *prog_id);
	int (*keep)(struct attachment *attachment); /* NULL: attachments are links, pin those */
	/* Appends to the chain, which the caller releases. */
	int (*chain)(const struct hook *hook, int ifindex, enum direction direction,
		     struct chain *chain);
};

/**
 * hook_chain() - list the programs on a hook of an interface
 * @hook:       the hook
 * @ifindex:    index of the interface in the network namespace of the calling thread
 * @direction:  direction; ignored by XDP
 * @ret:        receives the chain, empty on failure; release with chain_release()
 *
 * The kernel runs XDP first, then tcx, then tc. tc filters that are not eBPF programs, or not in
 * chain 0, are left out.
 *
 * Return: 0 on success, -ENODEV if the interface does not exist (on tc: 0 and an empty chain),
 * -errno on any other failure.
 */
int hook_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *ret);

/*
 * One program on one hook of one interface. Embedded in its owner; detached if zeroed.
 *
 * An attachment on tcx or XDP ends with the process unless its link is pinned. An attachment on tc
 * outlives the process (see kernel/sweep.h).
 *
 * All functions must be called in the network namespace of the interface, see netns_enter(). Links
 * need the namespace only to be created and adopted.
 */
struct attachment {
	const struct hook *hook; /* NULL: detached */
	int ifindex;
	enum direction direction;
	bool kept;	   /* tc: the filter stays when the process ends */
	int link_fd;	   /* tcx, xdp: owned; tc: -1 */
	uint32_t handle;   /* tc */
	uint32_t priority; /* tc */
	uint32_t prog_id;  /* tc: id of our program */
};

static inline bool attachment_attached(const struct attachment *attachment)
{
	return attachment->hook;
}

/**
 * attachment_attach() - attach a loaded program
 * @attachment:  detached; zeroed on failure
 * @hook:        the hook
 * @ifindex:     index of the interface
 * @direction:   direction
 * @prog_fd:     descriptor of the program, owned by the caller
 * @position:    position among the programs of the hook; NULL: POSITION_ANY
 * @err:         receives the reason of a failure
 *
 * Return: 0 on success;
 * -EBUSY if another XDP program is attached, or tc has no free priority at the position;
 * -ENODEV if the interface does not exist;
 * -EOPNOTSUPP if the kernel or the driver lacks the hook, or for a relative position on XDP;
 * -ENOENT if the program of a relative position is not on the hook;
 * -errno on any other failure.
 */
int attachment_attach(struct attachment *attachment, const struct hook *hook, int ifindex,
		      enum direction direction, int prog_fd, const struct position *position,
		      struct error *err);

/**
 * attachment_replace() - replace the attached program atomically
 * @attachment:  attached
 * @prog_fd:     descriptor of the new program, owned by the caller
 * @err:         receives the reason of a failure
 *
 * Return: 0 on success, -ENOLINK if the attachment or its interface was removed by others, -errno
 * on any other failure, which leaves the old program attached.
 */
int attachment_replace(struct attachment *attachment, int prog_fd, struct error *err);

/* Detaches the program. Idempotent; an interface that does not exist any more is no failure. */
void attachment_detach(struct attachment *attachment);

/**
 * attachment_adopt() - take over a program that an earlier process left attached
 * @attachment:  detached; unchanged on failure
 * @hook:        the expected hook
 * @ifindex:     index of the expected interface
 * @direction:   the expected direction
 * @link_fd:     hooks with links: descriptor of the link, owned by the attachment after success
 * @prog_id:     hooks with links: receives the kernel id of the attached program; tc: the id of the
 *               program that the filter runs
 *
 * A tc filter belongs to this process afterwards and is kept. Without CAP_SYS_ADMIN the program
 * keeps the owner mark of the earlier process until it is replaced, and a clsact qdisc that the
 * earlier process created is not removed.
 *
 * Return: 0 on success, -ENOLINK if the link or filter is not on that hook and interface, -errno
 * if the filters cannot be listed.
 */
int attachment_adopt(struct attachment *attachment, const struct hook *hook, int ifindex,
		     enum direction direction, int link_fd, uint32_t *prog_id);

/**
 * attachment_keep() - let a tc filter outlive this process
 * @attachment:  any attachment; nothing is done unless it is on tc
 *
 * The mark survives replacements. hook_sweep() of the next process leaves marked filters alone. Pin
 * the link of an attachment on another hook instead.
 *
 * Return: 0 on success, -errno if the filter cannot be marked and will therefore be swept.
 */
int attachment_keep(struct attachment *attachment);

/* Resets the attachment without detaching: a tc filter stays, a link stays if it is pinned. */
void attachment_leave(struct attachment *attachment);

/* Returns the link to be pinned, owned by the attachment; -1 if detached or on tc. */
static inline int attachment_link_fd(const struct attachment *attachment)
{
	return attachment->hook ? attachment->link_fd : -1;
}

#endif
