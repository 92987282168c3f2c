/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/chain.h"
#include "kernel/filter.h"
#include "kernel/rtnl.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define TCX_PROGRAMS_MAX 64 /* the kernel's BPF_MPROG_MAX */

/*
 * @name is used if the kernel does not reveal the program's name. libbpf names a filter
 * "program:[id]".
 */
static void link_set(struct chain_link *link, uint32_t prog_id, const char *name)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	*link = (struct chain_link){ .prog_id = prog_id };
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		memcpy(link->name, info.name, sizeof(link->name) - 1);
	else
		snprintf(link->name, sizeof(link->name), "%.*s", (int)strcspn(name, ":"), name);
}

static int chain_of_ids(const uint32_t *ids, uint32_t n, struct chain *ret)
{
	ret->links = n ? calloc(n, sizeof(*ret->links)) : NULL;
	if (n && !ret->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		link_set(&ret->links[ret->n++], ids[i], "");
	return 0;
}

int chain_of_tcx(const struct hook *hook, int ifindex, bool egress, struct chain *ret)
{
	uint32_t ids[TCX_PROGRAMS_MAX], n = TCX_PROGRAMS_MAX;
	int r = bpf_prog_query(ifindex, egress ? HOOK_TCX_EGRESS : HOOK_TCX_INGRESS, 0, NULL, ids,
			       &n);

	(void)hook;
	return r < 0 ? r : chain_of_ids(ids, n, ret);
}

struct xdp_query {
	uint16_t attr; /* attribute of the attach mode */
	uint32_t id;
};

static int take_xdp(const struct nlmsghdr *message, void *data)
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
				query->id = mnl_attr_get_u32(xdp);
		}
	}
	return MNL_CB_OK;
}

/*
 * bpf_xdp_query_id() is not used: it dumps all interfaces and treats an interrupted dump as empty.
 */
int chain_of_xdp(const struct hook *hook, int ifindex, bool egress, struct chain *ret)
{
	struct xdp_query query = {
		.attr = hook->flags & XDP_FLAGS_SKB_MODE ? IFLA_XDP_SKB_PROG_ID
							 : IFLA_XDP_DRV_PROG_ID,
	};
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	int r;

	(void)egress;
	request->nlmsg_type = RTM_GETLINK;
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = rtnl_get(request, take_xdp, &query);
	return r < 0 ? r : chain_of_ids(&query.id, query.id != 0, ret);
}

int chain_of_tc(const struct hook *hook, int ifindex, bool egress, struct chain *ret)
{
	_cleanup_filters_ struct filter_list list = {};
	int r = filter_list_get(ifindex, egress, &list);

	(void)hook;
	if (r < 0 || !list.n)
		return r;
	ret->links = calloc(list.n, sizeof(*ret->links));
	if (!ret->links)
		return -ENOMEM;
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i].prog_id && list.items[i].chain == 0)
			link_set(&ret->links[ret->n++], list.items[i].prog_id, list.items[i].name);
	return 0;
}

int chain_get(const struct hook *hook, int ifindex, bool egress, struct chain *ret)
{
	int r;

	*ret = (struct chain){};
	r = hook->chain(hook, ifindex, egress, ret);
	if (r < 0)
		chain_release(ret);
	return r;
}

void chain_release(struct chain *chain)
{
	free(chain->links);
	*chain = (struct chain){};
}

bool chain_has(const struct chain *chain, uint32_t prog_id)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->links[i].prog_id == prog_id)
			return true;
	return false;
}
