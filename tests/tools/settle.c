/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "settle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * If the receiving side of a veth uses NAPI (XDP, GRO), frames wait in a ring of 256 frames. The
 * kernel receives at least 64 of them while it receives one loopback datagram.
 */
#define DATAGRAMS 8

/* A CPU with a full backlog drops the datagram, which is then sent again. */
#define AGAIN_MS 100

/* The kernel runs an interface's pending carrier work before it reports the carrier. */
int link_settle(const char *interface)
{
	struct ethtool_value carrier = { .cmd = ETHTOOL_GLINK };
	struct ifreq request = { .ifr_data = (char *)&carrier };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	/* Interfaces without a carrier, such as the loopback, need no wait. */
	if (ioctl(fd, SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP)
		r = -errno;
	close(fd);
	return r;
}

/* Sends one datagram over the loopback and waits for it. */
static int loop_once(int fd, uint32_t number)
{
	struct pollfd polls = { .fd = fd, .events = POLLIN };
	uint32_t got = 0;

	do {
		if (send(fd, &number, sizeof(number), 0) < 0 && errno != ENOBUFS)
			return -errno;
		if (poll(&polls, 1, AGAIN_MS) < 0 && errno != EINTR)
			return -errno;
		while (recv(fd, &got, sizeof(got), MSG_DONTWAIT) == sizeof(got) && got != number)
			;
	} while (got != number);
	return 0;
}

/* A UDP socket that is connected to itself. */
static int loop_open(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&address, len) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/*
 * Loopback datagrams use the backlog of the sending CPU, as the frames did, and a backlog is in
 * order. A thread does not interrupt a softirq: frames taken from the backlog earlier have been
 * processed when this thread runs on that CPU.
 */
int frames_settle(void)
{
	cpu_set_t before, one;
	uint32_t number = 0;
	int fd, r = 0;

	if (sched_getaffinity(0, sizeof(before), &before) < 0)
		return -errno;
	fd = loop_open();
	if (fd < 0)
		return fd;
	for (int cpu = 0; r == 0 && cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) < 0)
			r = -errno;
		for (int i = 0; r == 0 && i < DATAGRAMS; i++)
			r = loop_once(fd, ++number);
	}
	sched_setaffinity(0, sizeof(before), &before);
	close(fd);
	return r;
}
