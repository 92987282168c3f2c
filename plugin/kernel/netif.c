/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netif.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define BUFFER_SIZE (16 * 1024) /* a dump's messages are no larger */

int netif_index(const char *name, struct error *err)
{
	unsigned int index;

	if (!*name || strlen(name) >= IF_NAMESIZE)
		return error_set(err, -EINVAL, "interface \"%s\": a name has 1 to %d bytes", name,
				 IF_NAMESIZE - 1);
	index = if_nametoindex(name);
	if (!index)
		return error_set(err, -ENODEV, "interface \"%s\" does not exist", name);
	return (int)index;
}

struct count {
	int ifindex; /* a dump of qdiscs is one of all interfaces */
	int n;
};

static int count_filter(const struct nlmsghdr *message, void *data)
{
	struct count *count = data;

	if (message->nlmsg_type == RTM_NEWTFILTER)
		count->n++;
	return MNL_CB_OK;
}

static int count_clsact(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct count *count = data;
	struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != count->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
		    !strcmp(mnl_attr_get_str(attr), "clsact"))
			count->n++;
	}
	return MNL_CB_OK;
}

/* Dumps what there is of a type below a parent, and counts it with take. */
static int dump_count(uint16_t type, int ifindex, uint32_t parent,
		      int (*take)(const struct nlmsghdr *message, void *data))
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buffer[BUFFER_SIZE];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct count count = { .ifindex = ifindex };
	unsigned int seq = (unsigned int)time(NULL);
	struct tcmsg *tc;
	int r;

	if (!socket)
		return -errno;
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = seq;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	r = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID);
	if (r == 0 && mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		r = -1;
	for (bool more = r == 0; more;) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		r = n < 0 ? -1
			  : mnl_cb_run(buffer, (size_t)n, seq, mnl_socket_get_portid(socket), take,
				       &count);
		more = r > MNL_CB_STOP;
	}
	r = r < 0 ? -errno : count.n;
	mnl_socket_close(socket);
	return r;
}

int netif_has_clsact(int ifindex)
{
	int n = dump_count(RTM_GETQDISC, ifindex, 0, count_clsact);

	return n < 0 ? n : n > 0;
}

int netif_has_filters(int ifindex)
{
	static const uint32_t parents[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	int sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		int n = dump_count(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, parents[i]),
				   count_filter);

		if (n < 0)
			return n;
		sum += n;
	}
	return sum > 0;
}

int netif_watch_open(struct error *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, -errno, "netlink: %s", strerror(errno));
	return steal_fd(&fd);
}

int netif_watch_drain(int fd)
{
	char buffer[BUFFER_SIZE];
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
