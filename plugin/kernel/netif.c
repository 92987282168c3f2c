/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netif.h"
#include "base/array.h"
#include "kernel/filter.h"
#include "kernel/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Number of attempts to get a dump that no change of interfaces interrupts. */
#define DUMP_TRIES 32

static int parse_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct netif_list *list = data;
	const struct nlattr *attr;
	struct netif *netif;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	netif = array_append(list->items, list->n);
	if (!netif)
		return MNL_CB_ERROR;
	netif->index = info->ifi_index;
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			strncpy(netif->name, mnl_attr_get_str(attr), sizeof(netif->name) - 1);
		else if (mnl_attr_get_type(attr) == IFLA_MASTER &&
			 mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			netif->master = (int)mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int netif_compare(const void *a, const void *b)
{
	const struct netif *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

int netif_list_get(struct netif_list *ret, struct error *err)
{
	int r = -EINTR;

	*ret = (struct netif_list){};
	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		_Alignas(struct nlmsghdr) char buffer[256];
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));

		request->nlmsg_type = RTM_GETLINK;
		info->ifi_family = AF_UNSPEC;
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		netif_list_release(ret);
		r = rtnl_dump(request, parse_link, ret);
	}
	if (r < 0) {
		netif_list_release(ret);
		return error_set(err, r, "cannot list the interfaces: %s",
				 r == -EINTR ? "the list changed during every attempt"
					     : error_text(r));
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), netif_compare);
	return 0;
}

void netif_list_release(struct netif_list *list)
{
	free(list->items);
	*list = (struct netif_list){};
}

const struct netif *netif_list_find(const struct netif_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

const struct netif *netif_list_at(const struct netif_list *list, int index)
{
	const struct netif key = { .index = index };

	return list->n ? bsearch(&key, list->items, list->n, sizeof(*list->items), netif_compare)
		       : NULL;
}

bool netif_exists(int index)
{
	char name[IF_NAMESIZE];

	return if_indextoname((unsigned int)index, name) || errno != ENXIO;
}

int netif_has_clsact(int ifindex)
{
	_cleanup_qdiscs_ struct qdisc_list list = {};
	int r = qdisc_list_get(&list);

	for (size_t i = 0; i < list.n; i++)
		if (list.items[i].ifindex == ifindex && list.items[i].clsact)
			return 1;
	return r;
}

int netif_has_filters(int ifindex)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		_cleanup_filters_ struct filter_list list = {};
		int r = filter_list_get(ifindex, direction, &list);

		if (r < 0 || list.n)
			return r < 0 ? r : 1;
	}
	return 0;
}

int netif_watch_open(struct error *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, -errno, "netlink: %s", error_text(-errno));
	return steal_fd(&fd);
}

int netif_watch_drain(int fd)
{
	char buffer[RTNL_BUFFER_SIZE];
	int changed = 0;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return changed;
		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return -errno;
		changed = 1;
	}
}
