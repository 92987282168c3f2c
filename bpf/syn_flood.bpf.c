/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs, SYN/ACKs, and handshakes completed by an ACK, for each server, over IPv4 and IPv6.
 *
 * Normally the three counters grow together. SYNs without handshakes indicate a flood or a scan;
 * SYNs without SYN/ACKs indicate a server that is down or overloaded. Retransmitted segments are
 * counted again, a handshake is counted once.
 *
 * Servers in both directions are counted: those that receive connections through the interface, and
 * those that connections go out to. The tables are LRU hashes: when they are full, the longest idle
 * entries are evicted.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon/tcp.h>

#define SERVERS 16384
#define PENDING 65536 /* SYN/ACKs waiting for their ACK; a flood can fill this */

struct server {
	__be32 addr[4]; /* IPv4 as mapped address */
};

struct counts {
	__u64 syns;
	__u64 syn_acks;
	__u64 handshakes;
};

struct servers_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct server);
	__type(value, struct counts);
	__uint(max_entries, SERVERS);
} servers_in SEC(".maps"), servers_out SEC(".maps");

/* The acknowledgment number expected in the ACK that completes the handshake. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct dynmon_connection);
	__type(value, __u32);
	__uint(max_entries, PENDING);
} pending SEC(".maps");

static __always_inline struct counts *counts_of(void *servers, const __be32 *addr)
{
	struct counts none = {}, *counts;
	struct server server;

	__builtin_memcpy(server.addr, addr, sizeof(server.addr));
	counts = bpf_map_lookup_elem(servers, &server);
	if (counts)
		return counts;
	/* Another CPU may have inserted the key first: look it up again. */
	bpf_map_update_elem(servers, &server, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(servers, &server);
}

/* An ACK without a pending SYN/ACK is an ordinary one of an established connection. */
static __always_inline bool ends_handshake(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = dynmon_connection_from_client(segment, ingress);
	__u32 *ack = bpf_map_lookup_elem(&pending, &connection);

	return ack && *ack == segment->ack && bpf_map_delete_elem(&pending, &connection) == 0;
}

static __always_inline void expect_ack(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = dynmon_connection_from_server(segment, ingress);
	__u32 ack = segment->seq + 1;

	bpf_map_update_elem(&pending, &connection, &ack, BPF_ANY);
}

/*
 * to_servers and from_servers are the tables for segments sent by clients and by servers in this
 * direction.
 */
static __always_inline int count(struct __sk_buff *skb, bool ingress, void *to_servers,
				 void *from_servers)
{
	struct dynmon_segment segment;
	struct counts *counts;

	if (!dynmon_segment_init(&segment, skb))
		return TC_ACT_UNSPEC;
	switch (segment.flags & (DYNMON_TCP_SYN | DYNMON_TCP_ACK | DYNMON_TCP_RST)) {
	case DYNMON_TCP_SYN:
		counts = counts_of(to_servers, segment.packet.daddr);
		if (counts)
			__sync_fetch_and_add(&counts->syns, 1);
		break;
	case DYNMON_TCP_SYN | DYNMON_TCP_ACK:
		expect_ack(&segment, ingress);
		counts = counts_of(from_servers, segment.packet.saddr);
		if (counts)
			__sync_fetch_and_add(&counts->syn_acks, 1);
		break;
	case DYNMON_TCP_ACK:
		if (!ends_handshake(&segment, ingress))
			break;
		counts = counts_of(to_servers, segment.packet.daddr);
		if (counts)
			__sync_fetch_and_add(&counts->handshakes, 1);
		break;
	}
	return TC_ACT_UNSPEC;
}

SEC("tc/ingress")
int segments_in(struct __sk_buff *skb)
{
	return count(skb, true, &servers_in, &servers_out);
}

SEC("tc/egress")
int segments_out(struct __sk_buff *skb)
{
	return count(skb, false, &servers_out, &servers_in);
}

char LICENSE[] SEC("license") = "GPL";
