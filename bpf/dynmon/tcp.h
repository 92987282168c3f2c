/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP segments at the tc hook, and the connections to which they belong. */
#ifndef DYNMON_TCP_H
#define DYNMON_TCP_H

#include <linux/tcp.h>

#include <dynmon/packet.h>

enum {
	DYNMON_TCP_FIN = 1,
	DYNMON_TCP_SYN = 2,
	DYNMON_TCP_RST = 4,
	DYNMON_TCP_ACK = 16,
};

struct dynmon_segment {
	struct dynmon_packet packet;
	__be16 sport;
	__be16 dport;
	__u32 seq;
	__u32 ack;
	__u8 flags;
};

/*
 * A connection, identified by its client, the end that opens it, and its server. Usable as a map
 * key, because the structure has no padding.
 */
struct dynmon_connection {
	__be32 client[4];
	__be32 server[4];
	__be16 client_port;
	__be16 server_port;
	__u32 incoming; /* 1: segments of the client are received, of the server sent */
};

/**
 * dynmon_segment_init() - parse a TCP segment
 * @segment: receives the result; contents are unspecified on failure
 * @skb:     packet at the tc hook
 *
 * seq and ack are in host byte order, addresses and ports in network byte order.
 *
 * Return: false if the packet is not TCP over IPv4 or IPv6, or is a fragment without a TCP header.
 */
static __always_inline bool dynmon_segment_init(struct dynmon_segment *segment,
						struct __sk_buff *skb)
{
	struct dynmon_packet *packet = &segment->packet;
	struct tcphdr tcp;

	if (!dynmon_packet_init(packet, skb) || packet->proto != IPPROTO_TCP || packet->fragment)
		return false;
	if (bpf_skb_load_bytes(skb, packet->offset, &tcp, sizeof(tcp)) < 0)
		return false;
	segment->sport = tcp.source;
	segment->dport = tcp.dest;
	segment->seq = bpf_ntohl(tcp.seq);
	segment->ack = bpf_ntohl(tcp.ack_seq);
	segment->flags = bpf_ntohl(tcp_flag_word(&tcp)) >> 16;
	return true;
}

/* Returns the connection of a segment that the client sent. ingress: direction of the segment. */
static __always_inline struct dynmon_connection
dynmon_connection_from_client(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = {
		.client_port = segment->sport,
		.server_port = segment->dport,
		.incoming = ingress,
	};

	__builtin_memcpy(connection.client, segment->packet.saddr, sizeof(connection.client));
	__builtin_memcpy(connection.server, segment->packet.daddr, sizeof(connection.server));
	return connection;
}

/* Returns the connection of a segment that the server sent. ingress: direction of the segment. */
static __always_inline struct dynmon_connection
dynmon_connection_from_server(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = {
		.client_port = segment->dport,
		.server_port = segment->sport,
		.incoming = !ingress,
	};

	__builtin_memcpy(connection.client, segment->packet.daddr, sizeof(connection.client));
	__builtin_memcpy(connection.server, segment->packet.saddr, sizeof(connection.server));
	return connection;
}

#endif
