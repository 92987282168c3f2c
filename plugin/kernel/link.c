/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link.h"
#include "base/descriptor.h"
#include "kernel/chain.h"
#include "kernel/rtnl.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>

/* From linux/bpf.h of Linux 6.6; older headers lack them. libbpf supports them since 1.3. */
#define TCX_INGRESS   46
#define TCX_EGRESS    47
#define LINK_TYPE_TCX 11
#define LINK_BEFORE   (1u << 3)
#define LINK_AFTER    (1u << 4)
#define LINK_ID	      (1u << 5)

#define TCX_PROGRAMS_MAX 64 /* the kernel's BPF_MPROG_MAX */

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

int link_replace(struct attachment *attachment, int prog_fd)
{
	return bpf_link_update(attachment->link_fd, prog_fd, NULL);
}

/*
 * Detach explicitly: after the last pin is removed, the kernel frees the link from a work queue,
 * and the program would run until then.
 */
void link_detach(struct attachment *attachment)
{
	bpf_link_detach(attachment->link_fd);
	fd_close(&attachment->link_fd);
}

/* @type is 0 for links that do not report their attach type. */
static int link_adopt(struct attachment *attachment, uint32_t link_type, uint32_t type, int link_fd,
		      uint32_t *prog_id)
{
	_cleanup_chain_ struct chain chain = {};
	struct link_info info = {};
	uint32_t len = sizeof(info);

	/* The index does not match if the interface was deleted or replaced. */
	if (bpf_obj_get_info_by_fd(link_fd, &info, &len) < 0 || info.link_type != link_type ||
	    info.ifindex != (uint32_t)attachment->ifindex || (type && info.type != type))
		return -ENOLINK;
	/*
	 * Check the program chain, too: in another network namespace the same index may be another
	 * interface, and the info of an XDP link lacks the mode, which the hook determines.
	 */
	if (hook_chain(attachment->hook, attachment->ifindex, attachment->direction, &chain) < 0 ||
	    !chain_has(&chain, info.prog_id))
		return -ENOLINK;
	attachment->link_fd = descriptor_move_up(link_fd);
	*prog_id = info.prog_id;
	return 0;
}

/* -- tcx -- */

static uint32_t tcx_type(enum direction direction)
{
	return direction == EGRESS ? TCX_EGRESS : TCX_INGRESS;
}

bool tcx_supported(void)
{
	uint32_t count = 0;

	/*
	 * A kernel without tcx rejects the attach type. Any other error, such as a missing
	 * capability, is reported when attaching.
	 */
	return bpf_prog_query(IFINDEX_LOOPBACK, (enum bpf_attach_type)TCX_INGRESS, 0, NULL, NULL,
			      &count) != -EINVAL;
}

int tcx_attach(struct attachment *attachment, int prog_fd, const struct position *position,
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
		.type = tcx_type(attachment->direction),
		.flags = flags[position->where],
		.relative_id = position_is_relative(position) ? position->prog_id : 0,
	};

	(void)err;
	return link_create(attachment, &create);
}

int tcx_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id)
{
	return link_adopt(attachment, LINK_TYPE_TCX, tcx_type(attachment->direction), link_fd,
			  prog_id);
}

int tcx_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain)
{
	uint32_t ids[TCX_PROGRAMS_MAX], n = TCX_PROGRAMS_MAX;
	int r = bpf_prog_query(ifindex, (enum bpf_attach_type)tcx_type(direction), 0, NULL, ids,
			       &n);

	(void)hook;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = chain_append(chain, ids[i], "");
	return r;
}

/* -- XDP -- */

int xdp_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	       struct error *err)
{
	struct link_create create = {
		.prog_fd = (uint32_t)prog_fd,
		.type = BPF_XDP,
		.flags = attachment->hook->flags,
	};

	if (position_is_relative(position))
		return error_set(
			err, -EOPNOTSUPP,
			"XDP runs one program, so Position before or after is not possible");
	return link_create(attachment, &create);
}

int xdp_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id)
{
	return link_adopt(attachment, BPF_LINK_TYPE_XDP, 0, link_fd, prog_id);
}

struct xdp_query {
	uint16_t attr; /* attribute of the attach mode */
	uint32_t prog_id;
};

static int parse_xdp(const struct nlmsghdr *message, void *data)
{
	struct xdp_query *query = data;
	const struct nlattr *attr, *xdp;

	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_XDP)
			continue;
		mnl_attr_for_each_nested(xdp, attr)
		{
			if (mnl_attr_get_type(xdp) == query->attr &&
			    mnl_attr_validate(xdp, MNL_TYPE_U32) >= 0)
				query->prog_id = mnl_attr_get_u32(xdp);
		}
	}
	return MNL_CB_OK;
}

/*
 * bpf_xdp_query_id() is not used: it dumps all interfaces and treats an interrupted dump as empty.
 */
int xdp_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain)
{
	struct xdp_query query = {
		.attr = hook->flags & XDP_FLAGS_SKB_MODE ? IFLA_XDP_SKB_PROG_ID
							 : IFLA_XDP_DRV_PROG_ID,
	};
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	int r;

	(void)direction;
	request->nlmsg_type = RTM_GETLINK;
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = rtnl_get(request, parse_xdp, &query);
	return r < 0 || !query.prog_id ? r : chain_append(chain, query.prog_id, "");
}
