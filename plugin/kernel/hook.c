/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hook.h"
#include "base/descriptor.h"
#include "kernel/chain.h"
#include "kernel/libbpf_log.h"
#include "kernel/owner.h"
#include "kernel/tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>

/* From linux/bpf.h of Linux 6.6. libbpf supports them since 1.3. */
#define LINK_BEFORE   (1u << 3)
#define LINK_AFTER    (1u << 4)
#define LINK_ID	      (1u << 5)
#define LINK_TYPE_TCX 11

#define IFINDEX_LOOPBACK 1

/* The part of union bpf_attr that BPF_LINK_CREATE uses for tcx; XDP uses only its beginning. */
struct link_create {
	uint32_t prog_fd;
	uint32_t ifindex;
	uint32_t type;
	uint32_t flags;
	uint32_t relative_id;
	uint32_t unused;
	uint64_t expected_revision;
};

/* The part of struct bpf_link_info for tcx links. XDP links do not set type. */
struct link_info {
	uint32_t link_type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t unused;
	uint32_t ifindex; /* 0: the interface does not exist any more */
	uint32_t type;
};

static int link_create(struct attachment *attachment, struct link_create *create)
{
	long fd;

	create->ifindex = (uint32_t)attachment->ifindex;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, create, sizeof(*create));
	if (fd < 0)
		return -errno;
	attachment->link_fd = descriptor_move_up((int)fd);
	return 0;
}

static enum bpf_attach_type tcx_type(bool egress)
{
	return egress ? HOOK_TCX_EGRESS : HOOK_TCX_INGRESS;
}

static int tcx_attach(struct attachment *attachment, int prog_fd, const struct position *position,
		      struct error *err)
{
	static const uint32_t flags[] = {
		[POSITION_ANY] = 0,
		[POSITION_FIRST] = LINK_BEFORE,
		[POSITION_LAST] = LINK_AFTER,
		[POSITION_BEFORE] = LINK_BEFORE | LINK_ID,
		[POSITION_AFTER] = LINK_AFTER | LINK_ID,
	};
	struct link_create create = {
		.prog_fd = (uint32_t)prog_fd,
		.type = tcx_type(attachment->egress),
		.flags = flags[position->where],
		.relative_id = position_is_relative(position) ? position->prog_id : 0,
	};

	(void)err;
	return link_create(attachment, &create);
}

static int xdp_attach(struct attachment *attachment, int prog_fd, const struct position *position,
		      struct error *err)
{
	struct link_create create = {
		.prog_fd = (uint32_t)prog_fd,
		.type = BPF_XDP,
		.flags = attachment->hook->flags,
	};

	if (position_is_relative(position))
		return error_set(err, -EOPNOTSUPP,
				 "XDP runs one program: none is before or after another");
	return link_create(attachment, &create);
}

static int link_replace(struct attachment *attachment, int prog_fd)
{
	return bpf_link_update(attachment->link_fd, prog_fd, NULL);
}

/*
 * Detach explicitly: after the last pin is removed, the kernel frees the link from a work queue,
 * and the program would run until then.
 */
static void link_detach(struct attachment *attachment)
{
	bpf_link_detach(attachment->link_fd);
	fd_close(&attachment->link_fd);
}

static const struct hook hooks[] = {
	{ "tcx", false, tcx_attach, link_replace, link_detach, chain_of_tcx, 0, LINK_TYPE_TCX },
	{ "tc", false, tc_attach, tc_replace, tc_detach, chain_of_tc, 0, 0 },
	{ "xdp", true, xdp_attach, link_replace, link_detach, chain_of_xdp, XDP_FLAGS_DRV_MODE,
	  BPF_LINK_TYPE_XDP },
	{ "xdp-generic", true, xdp_attach, link_replace, link_detach, chain_of_xdp,
	  XDP_FLAGS_SKB_MODE, BPF_LINK_TYPE_XDP },
};

const char *hook_names(void)
{
	return "auto, tcx, tc, xdp, xdp-generic";
}

/* A kernel without tcx rejects the attach type. */
static bool tcx_supported(void)
{
	uint32_t count = 0;

	/* Any other error, such as a missing capability, is reported when attaching. */
	return bpf_prog_query(IFINDEX_LOOPBACK, HOOK_TCX_INGRESS, 0, NULL, NULL, &count) != -EINVAL;
}

const struct hook *hook_find(const char *name)
{
	if (!strcasecmp(name, "auto"))
		name = tcx_supported() ? "tcx" : "tc";
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcasecmp(hooks[i].name, name))
			return &hooks[i];
	return NULL;
}

const struct hook *hook_for_direction(const struct hook *hook, bool egress)
{
	return hook->xdp && egress ? hook_find("auto") : hook;
}

static const char *hook_attach_hint(const struct hook *hook, int code)
{
	switch (code) {
	case -EBUSY:
		return hook->xdp ? "an XDP program is attached there already" : strerror(EBUSY);
	case -EEXIST:
		/* Native and generic XDP exclude each other. */
		return hook->xdp ? "an XDP program is attached there already"
				 : "the program is attached there already";
	case -ENOSPC:
		return "no priority is free that the kernel gives; another position has some";
	case -ERANGE:
		return "there are 64 programs already, more are not possible; hook tc has room";
	case -ENODEV:
		return "no such interface";
	case -EOPNOTSUPP:
	case -EINVAL:
		return hook->xdp ? "the driver does not support it; xdp-generic works everywhere"
				 : "this kernel does not support it";
	case -EPERM:
		return "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed";
	default:
		return error_text(code);
	}
}

/*
 * Returns true if attaching failed because the program of a relative position is not on the hook.
 * The kernel returns -ENOENT if that program does not exist or is on another hook, and -EINVAL if
 * it has another type.
 */
static bool place_is_missing(const struct attachment *attachment, const struct position *position,
			     int code)
{
	_cleanup_chain_ struct chain chain = {};

	if (!position_is_relative(position) || (code != -ENOENT && code != -EINVAL))
		return false;
	return chain_get(attachment->hook, attachment->ifindex, attachment->egress, &chain) == 0 &&
	       !chain_has(&chain, position->prog_id);
}

int attachment_attach(struct attachment *attachment, const struct hook *hook, int ifindex,
		      bool egress, int prog_fd, const struct position *position, struct error *err)
{
	static const struct position any = {};
	_cleanup_error_ struct error reason = {};
	_cleanup_text_ struct text said = {};
	int r;

	*attachment = (struct attachment){
		.hook = hook, .ifindex = ifindex, .egress = egress, .link_fd = -1
	};
	if (!position)
		position = &any;
	libbpf_log_begin(&said);
	r = hook->attach(attachment, prog_fd, position, &reason);
	libbpf_log_end();
	if (r == 0)
		return 0;
	if (!reason.code && place_is_missing(attachment, position, r))
		r = error_set(
			&reason, -ENOENT, "no program with id %u, %s which it is to run, is there",
			position->prog_id, position->where == POSITION_BEFORE ? "before" : "after");
	/* If there is a reason of our own, libbpf only says that a clsact qdisc exists already. */
	if (reason.code)
		text_clear(&said);
	*attachment = (struct attachment){};
	return error_set(err, r, "cannot attach to %s %s: %s%s%s", hook->name,
			 egress ? "egress" : "ingress",
			 reason.code ? error_message(&reason) : hook_attach_hint(hook, r),
			 said.len ? "\n" : "", text_str(&said));
}

int attachment_replace(struct attachment *attachment, int prog_fd, struct error *err)
{
	_cleanup_text_ struct text said = {};
	int r;

	libbpf_log_begin(&said);
	r = attachment->hook->replace(attachment, prog_fd);
	libbpf_log_end();
	if (r < 0)
		return error_set(err, r, "cannot replace the program on %s %s: %s",
				 attachment->hook->name, attachment->egress ? "egress" : "ingress",
				 error_text(r));
	return 0;
}

void attachment_detach(struct attachment *attachment)
{
	if (!attachment->hook)
		return;
	libbpf_log_begin(NULL);
	attachment->hook->detach(attachment);
	libbpf_log_end();
	*attachment = (struct attachment){};
}

/*
 * Returns true if the link is on the hook and interface of the attachment. The index does not match
 * if the interface was deleted or replaced.
 */
static bool link_is_on(const struct link_info *info, const struct attachment *attachment)
{
	const struct hook *hook = attachment->hook;

	return hook->link_type && info->link_type == hook->link_type &&
	       info->ifindex == (uint32_t)attachment->ifindex &&
	       (hook->xdp || info->type == (uint32_t)tcx_type(attachment->egress));
}

int attachment_adopt_link(struct attachment *attachment, const struct hook *hook, int ifindex,
			  bool egress, int link_fd, uint32_t *prog_id, struct error *err)
{
	const struct attachment adopted = {
		.hook = hook, .ifindex = ifindex, .egress = egress, .link_fd = link_fd
	};
	_cleanup_chain_ struct chain chain = {};
	struct link_info info = {};
	uint32_t len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(link_fd, &info, &len);

	/*
	 * Check the program chain, too: in another network namespace the same index may be another
	 * interface, and the info of an XDP link lacks the mode, which the hook determines.
	 */
	if (r == 0 && link_is_on(&info, &adopted))
		r = chain_get(hook, ifindex, egress, &chain);
	if (r < 0 || !chain_has(&chain, info.prog_id))
		return error_set(err, -ENOLINK, "not a link that is alive on %s %s%s%s", hook->name,
				 egress ? "egress" : "ingress", r < 0 ? ": " : "",
				 r < 0 ? strerror(-r) : "");
	*attachment = adopted;
	attachment->link_fd = descriptor_move_up(link_fd);
	*prog_id = info.prog_id;
	return 0;
}

int attachment_adopt_filter(struct attachment *attachment, const struct hook *hook, int ifindex,
			    bool egress, uint32_t prog_id)
{
	struct attachment adopted = {
		.hook = hook, .ifindex = ifindex, .egress = egress, .link_fd = -1
	};
	int r;

	if (hook->link_type)
		return -ENOLINK;
	libbpf_log_begin(NULL);
	r = tc_adopt(&adopted, prog_id);
	libbpf_log_end();
	if (r == 0)
		*attachment = adopted;
	return r;
}

int attachment_keep(struct attachment *attachment)
{
	int r;

	if (!attachment->hook || attachment->hook->link_type)
		return 0;
	r = owner_keep(attachment->prog_id, true);
	if (r == 0)
		attachment->kept = true;
	return r;
}

void attachment_leave(struct attachment *attachment)
{
	if (attachment->hook)
		fd_close(&attachment->link_fd);
	*attachment = (struct attachment){};
}
