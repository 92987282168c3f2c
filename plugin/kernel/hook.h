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

struct hook {
	const char *name;
	bool xdp; /* programs see struct xdp_md; there is no egress */
	int (*attach)(struct attachment *attachment, int prog_fd);
	int (*replace)(struct attachment *attachment, int prog_fd);
	void (*detach)(struct attachment *attachment);
	uint32_t flags; /* the hook's own */
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
 * A tcx or xdp attachment ends with the process; one on tc does not.
 */
struct attachment {
	const struct hook *hook; /* NULL: detached */
	int ifindex;
	bool egress;
	int link_fd;	   /* tcx, xdp */
	uint32_t handle;   /* tc */
	uint32_t priority; /* tc */
	uint32_t prog_id;  /* tc: what is ours there */
};

static inline bool attachment_attached(const struct attachment *attachment)
{
	return attachment->hook;
}

struct position {
	enum { POSITION_ANY, POSITION_FIRST, POSITION_LAST, POSITION_BEFORE, POSITION_AFTER } where;
	uint32_t prog_id;
};

/*
 * Attaches a loaded program. The descriptor is not taken.
 * -EBUSY: somebody's XDP program is there. -ENODEV: no such interface. -EOPNOTSUPP: this
 * kernel or driver does not have that hook.
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

#endif
