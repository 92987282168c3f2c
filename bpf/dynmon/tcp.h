/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP segments at the tc hook, and the connections they are of. */
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

/* A connection by the end that opens it. Without padding: it is a key. */
struct dynmon_connection {
	__be32 client[4];
	__be32 server[4];
	__be16 client_port;
	__be16 server_port;
	__u32 incoming; /* the client's segments come in by the interface, the server's go out */
};

/* False for what is no TCP over IPv4 or IPv6, or a fragment without the header. */
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

/* Of a segment that its client sends. */
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

/* Of a segment that its server sends. */
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
