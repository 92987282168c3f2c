/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendframes INTERFACE COUNT [-s SIZE] [-p SPORT] [-d DPORT] [-f FIRST] [-a SADDR]
 *
 * Sends exactly COUNT Ethernet frames with IPv4 and UDP out of an interface, for tests that
 * count them, and waits until the kernel has received them on the other side of the veth.
 * SIZE: bytes of a frame (60). FIRST: the payload's first byte (0).
 */
#include "settle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 1514
#define FRAME_MIN 60
#define COUNT_MAX 100000000ul
#define BATCH	  64

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[FRAME_MAX - sizeof(struct ethhdr) - sizeof(struct iphdr) -
			sizeof(struct udphdr)];
} __attribute__((packed));

static unsigned long number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || n < min || n > max) {
		fprintf(stderr, "sendframes: expected %lu to %lu, found \"%s\"\n", min, max, text);
		exit(2);
	}
	return n;
}

static uint16_t ip_checksum(const void *header)
{
	uint32_t sum = 0;
	uint16_t words[sizeof(struct iphdr) / 2];

	memcpy(words, header, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void send_all(int fd, const struct frame *frame, size_t size, unsigned long count)
{
	struct iovec iov = { .iov_base = (void *)frame, .iov_len = size };
	struct mmsghdr messages[BATCH];

	for (size_t i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	while (count) {
		unsigned int n = count < BATCH ? (unsigned int)count : BATCH;
		int sent = sendmmsg(fd, messages, n, 0);

		if (sent < 0 && (errno == ENOBUFS || errno == EAGAIN || errno == EINTR)) {
			usleep(100);
			continue;
		}
		if (sent < 0) {
			perror("sendframes");
			exit(1);
		}
		count -= (unsigned long)sent;
	}
}

int main(int argc, char **argv)
{
	struct frame frame = {
		.eth = { .h_dest = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
			 .h_source = { 2, 0, 0, 0, 0, 1 },
			 .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = htonl(0x0a090002),
			.daddr = htonl(0x0a090001) },
		.udp = { .source = htons(40000), .dest = htons(9) },
	};
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	unsigned long count;
	size_t size = FRAME_MIN;
	int option, fd, r;

	while ((option = getopt(argc, argv, "s:p:d:f:a:")) >= 0)
		switch (option) {
		case 's':
			size = number(optarg, FRAME_MIN, FRAME_MAX);
			break;
		case 'p':
			frame.udp.source = htons((uint16_t)number(optarg, 0, 65535));
			break;
		case 'd':
			frame.udp.dest = htons((uint16_t)number(optarg, 0, 65535));
			break;
		case 'f':
			frame.payload[0] = (uint8_t)number(optarg, 0, 255);
			break;
		case 'a':
			frame.ip.saddr = inet_addr(optarg);
			break;
		default:
			return 2;
		}
	if (argc - optind != 2) {
		fputs("usage: sendframes [options] INTERFACE COUNT\n", stderr);
		return 2;
	}
	count = number(argv[optind + 1], 0, COUNT_MAX);
	address.sll_ifindex = (int)if_nametoindex(argv[optind]);
	frame.ip.tot_len = htons((uint16_t)(size - sizeof(frame.eth)));
	frame.udp.len = htons((uint16_t)(size - sizeof(frame.eth) - sizeof(frame.ip)));
	frame.ip.check = ip_checksum(&frame.ip);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		fprintf(stderr, "sendframes: %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	r = link_settle(argv[optind]);
	if (r < 0) {
		fprintf(stderr, "sendframes: %s: %s\n", argv[optind], strerror(-r));
		return 1;
	}
	send_all(fd, &frame, size, count);
	r = frames_settle();
	if (r < 0) {
		fprintf(stderr, "sendframes: the loopback interface: %s\n", strerror(-r));
		return 1;
	}
	return 0;
}
