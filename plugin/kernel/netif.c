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

static int count_filter(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		++*(int *)data;
	return MNL_CB_OK;
}

/* Counts the filters below one parent of an interface's qdisc. */
static int count_filters(struct mnl_socket *socket, int ifindex, uint32_t parent)
{
	char buffer[BUFFER_SIZE];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	unsigned int seq = (unsigned int)time(NULL);
	struct tcmsg *tc;
	int count = 0, r;

	message->nlmsg_type = RTM_GETTFILTER;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = seq;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)n, seq, mnl_socket_get_portid(socket), count_filter,
			       &count);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : count;
}

int netif_has_filters(int ifindex)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int ingress, egress = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		ingress = -errno;
	} else {
		ingress = count_filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
		egress = count_filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
	}
	mnl_socket_close(socket);
	if (ingress < 0 || egress < 0)
		return ingress < 0 ? ingress : egress;
	return ingress + egress > 0;
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
