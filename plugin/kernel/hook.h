/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks: the places where the kernel calls a program for the packets of an interface.
 *
 * A struct hook is constant. A struct attachment belongs to its owner, which serializes all calls
 * on it. No function changes programs of other owners on the same hook.
 */
#ifndef DYNMON_KERNEL_HOOK_H
#define DYNMON_KERNEL_HOOK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct attachment;
struct chain;

/* From linux/bpf.h of Linux 6.6; older headers lack them. */
#define HOOK_TCX_INGRESS ((enum bpf_attach_type)46)
#define HOOK_TCX_EGRESS	 ((enum bpf_attach_type)47)

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

struct hook {
	const char *name;
	bool xdp; /* programs take struct xdp_md; ingress only */
	int (*attach)(struct attachment *attachment, int prog_fd, const struct position *position,
		      struct error *err); /* err may stay empty if the code says enough */
	int (*replace)(struct attachment *attachment, int prog_fd);
	void (*detach)(struct attachment *attachment);
	int (*chain)(const struct hook *hook, int ifindex, bool egress, struct chain *ret);
	uint32_t flags;	    /* for the attach function: XDP_FLAGS_* */
	uint32_t link_type; /* enum bpf_link_type; 0: attachments are not BPF links */
};

/**
 * hook_find() - look up a hook by name
 * @name:  "tcx", "tc", "xdp", "xdp-generic", or "auto"; case-insensitive
 *
 * "auto" is tcx if the kernel supports it, otherwise tc. Both serve ingress and egress.
 *
 * Return: the hook, or NULL for an unknown name. hook_names() lists the names for messages.
 */
const struct hook *hook_find(const char *name);
const char *hook_names(void);

/*
 * Returns the hook for a direction: @hook itself, except that XDP has no egress and uses "auto"
 * there.
 */
const struct hook *hook_for_direction(const struct hook *hook, bool egress);

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
	bool egress;
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
 * @egress:      direction
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
		      bool egress, int prog_fd, const struct position *position, struct error *err);

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
 * attachment_adopt_link() - take over a link that an earlier process pinned
 * @attachment:  detached; unchanged on failure
 * @hook:        the expected hook
 * @ifindex:     index of the expected interface
 * @egress:      the expected direction
 * @link_fd:     descriptor of the link; owned by the attachment after success
 * @prog_id:     receives the kernel id of the attached program
 * @err:         receives the reason of a failure
 *
 * Return: 0 on success, -ENOLINK if the link is not alive on that hook and interface.
 */
int attachment_adopt_link(struct attachment *attachment, const struct hook *hook, int ifindex,
			  bool egress, int link_fd, uint32_t *prog_id, struct error *err);

/**
 * attachment_adopt_filter() - take over a tc filter that an earlier process kept
 * @attachment:  detached; unchanged on failure
 * @hook:        the expected hook
 * @ifindex:     index of the interface
 * @egress:      direction
 * @prog_id:     kernel id of the program that the filter runs
 *
 * The filter belongs to this process afterwards and is kept. Without CAP_SYS_ADMIN the program
 * keeps the owner mark of the earlier process until it is replaced, and a clsact qdisc that the
 * earlier process created is not removed.
 *
 * Return: 0 on success, -ENOLINK if no such filter exists, -errno if the filters cannot be listed.
 */
int attachment_adopt_filter(struct attachment *attachment, const struct hook *hook, int ifindex,
			    bool egress, uint32_t prog_id);

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
