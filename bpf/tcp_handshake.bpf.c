/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durations of the legs of TCP's handshake, as seen at the interface, over IPv4 and IPv6:
 *
 *	LEG_SERVER	SYN to SYN/ACK: from here to the server and back
 *	LEG_CLIENT	SYN/ACK to ACK: from here to the client and back
 *	LEG_BOTH	SYN to ACK: from the client to the server and back
 *
 * Connections accepted through the interface and connections opened through it have separate
 * histograms. At an end host, one leg is the network's time and the other one the host's own time.
 *
 * A retransmitted segment gives no valid time, because the answer may belong to either
 * transmission. Such legs are left out, and so are connections of TCP Fast Open. The table of
 * handshakes in progress is an LRU hash: when it is full, the oldest handshakes are forgotten.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon/slot.h>
#include <dynmon/tcp.h>

#define PENDING 16384
#define SLOTS	27 /* of microseconds: up to two minutes */

enum leg { LEG_SERVER, LEG_CLIENT, LEG_BOTH, LEGS };

struct times {
	__u64 slots[SLOTS];
	__u64 sum; /* microseconds */
};

struct times_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32); /* enum leg */
	__type(value, struct times);
	__uint(max_entries, LEGS);
} times_in SEC(".maps"), times_out SEC(".maps");

struct handshake {
	__u64 syn_at;	  /* nanoseconds */
	__u64 syn_ack_at; /* 0: not yet */
	__u32 syn_seq;
	__u32 syn_ack_seq;
	bool syn_again; /* retransmitted */
	bool syn_ack_again;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct dynmon_connection);
	__type(value, struct handshake);
	__uint(max_entries, PENDING);
} pending SEC(".maps");

static __always_inline void record(bool incoming, __u32 leg, __u64 nanoseconds)
{
	__u64 microseconds = nanoseconds / 1000;
	struct times *times = incoming ? bpf_map_lookup_elem(&times_in, &leg)
				       : bpf_map_lookup_elem(&times_out, &leg);

	if (!times)
		return;
	__sync_fetch_and_add(&times->slots[dynmon_slot(microseconds, SLOTS)], 1);
	__sync_fetch_and_add(&times->sum, microseconds);
}

static __always_inline void take_syn(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = dynmon_connection_from_client(segment, ingress);
	struct handshake *known = bpf_map_lookup_elem(&pending, &connection);
	struct handshake handshake = { .syn_at = bpf_ktime_get_ns(), .syn_seq = segment->seq };

	if (known && known->syn_seq == segment->seq)
		known->syn_again = true;
	else
		bpf_map_update_elem(&pending, &connection, &handshake, BPF_ANY);
}

static __always_inline void take_syn_ack(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = dynmon_connection_from_server(segment, ingress);
	struct handshake *handshake = bpf_map_lookup_elem(&pending, &connection);

	if (!handshake || segment->ack != handshake->syn_seq + 1)
		return;
	if (handshake->syn_ack_at) {
		handshake->syn_ack_again = true;
		return;
	}
	handshake->syn_ack_seq = segment->seq;
	handshake->syn_ack_at = bpf_ktime_get_ns();
	if (!handshake->syn_again)
		record(connection.incoming, LEG_SERVER, handshake->syn_ack_at - handshake->syn_at);
}

/*
 * Called for every segment after the first two of a connection; only the first one matches a
 * pending handshake.
 */
static __always_inline void take_ack(const struct dynmon_segment *segment, bool ingress)
{
	struct dynmon_connection connection = dynmon_connection_from_client(segment, ingress);
	struct handshake *handshake = bpf_map_lookup_elem(&pending, &connection);
	__u64 now;

	if (!handshake || !handshake->syn_ack_at || segment->seq != handshake->syn_seq + 1 ||
	    segment->ack != handshake->syn_ack_seq + 1)
		return;
	now = bpf_ktime_get_ns();
	if (!handshake->syn_ack_again)
		record(connection.incoming, LEG_CLIENT, now - handshake->syn_ack_at);
	if (!handshake->syn_ack_again && !handshake->syn_again)
		record(connection.incoming, LEG_BOTH, now - handshake->syn_at);
	bpf_map_delete_elem(&pending, &connection);
}

static __always_inline int measure(struct __sk_buff *skb, bool ingress)
{
	struct dynmon_segment segment;

	if (!dynmon_segment_init(&segment, skb))
		return TC_ACT_UNSPEC;
	switch (segment.flags & (DYNMON_TCP_SYN | DYNMON_TCP_ACK | DYNMON_TCP_RST)) {
	case DYNMON_TCP_SYN:
		take_syn(&segment, ingress);
		break;
	case DYNMON_TCP_SYN | DYNMON_TCP_ACK:
		take_syn_ack(&segment, ingress);
		break;
	case DYNMON_TCP_ACK:
		take_ack(&segment, ingress);
		break;
	}
	return TC_ACT_UNSPEC;
}

SEC("tc/ingress")
int handshakes_in(struct __sk_buff *skb)
{
	return measure(skb, true);
}

SEC("tc/egress")
int handshakes_out(struct __sk_buff *skb)
{
	return measure(skb, false);
}

char LICENSE[] SEC("license") = "GPL";
