/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <time.h>

static ssize_t receive(const struct mnl_socket *socket, char *buffer)
{
	ssize_t n;

	/* Retry here, because callers take -EINTR for an interrupted dump. */
	do
		n = mnl_socket_recvfrom(socket, buffer, RTNL_BUFFER_SIZE);
	while (n < 0 && errno == EINTR);
	return n;
}

static int rtnl_run(struct nlmsghdr *request, uint16_t flags, mnl_cb_t take, void *data)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char buffer[RTNL_BUFFER_SIZE];
	int r;

	if (!socket)
		return -errno;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = (uint32_t)time(NULL);
	r = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID);
	if (r == 0 && mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		r = -1;
	for (bool more = r == 0; more;) {
		ssize_t n = receive(socket, buffer);

		r = n < 0 ? -1
			  : mnl_cb_run(buffer, (size_t)n, request->nlmsg_seq,
				       mnl_socket_get_portid(socket), take, data);
		more = r > MNL_CB_STOP;
	}
	r = r < 0 ? -errno : 0;
	mnl_socket_close(socket);
	return r;
}

int rtnl_dump(struct nlmsghdr *request, mnl_cb_t take, void *data)
{
	return rtnl_run(request, NLM_F_DUMP, take, data);
}

/* NLM_F_ACK: the acknowledgement ends the loop in rtnl_run(). */
int rtnl_get(struct nlmsghdr *request, mnl_cb_t take, void *data)
{
	return rtnl_run(request, NLM_F_ACK, take, data);
}
