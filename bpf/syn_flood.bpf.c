/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs, the SYN/ACKs that answer them, and the handshakes that are ended by an ACK, of each server,
 * over IPv4 and IPv6.
 *
 * The three grow together while all is well. SYNs without handshakes are a flood or a scan; SYNs
 * without SYN/ACKs as well are a server that is down, or does not keep up. Segments that are sent
 * again count again, a handshake once.
 *
 * Of servers behind the interface in both directions: those that connections come in to, and those
 * that they go out to. When the tables are full, what was idle for longest makes room.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon/tcp.h>

#define SERVERS 16384
#define PENDING 65536 /* SYN/ACKs that no ACK has come for yet: what a flood may leave */

struct server {
	__be32 addr[4]; /* of IPv4 the mapped address */
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

/* The sequence number that the handshake's ACK says it has seen. */
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
	/* When somebody is faster on another CPU it is there as well. */
	bpf_map_update_elem(servers, &server, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(servers, &server);
}

/* An ACK that no SYN/ACK was before is one of the many inside of a connection. */
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

/* to_servers and from_servers: what its clients and what its servers send, in this direction. */
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
