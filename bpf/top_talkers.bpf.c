/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sends the most: packets and bytes that come in, by their source address, IPv4 and IPv6.
 *
 * When the table is full the source that was silent for longest makes room, and its counts go.
 * Packets that the kernel has merged (GRO) count as the packets they were; the headers that merging
 * has taken away are not among the bytes.
 *
 * It describes its metric itself: its object needs no document beside it.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>
#include <dynmon/packet.h>

#define TALKERS 65536

struct talker {
	__be32 saddr[4]; /* of IPv4 the mapped address */
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct talker);
	__type(value, struct traffic);
	__uint(max_entries, TALKERS);
} talkers SEC(".maps")
	DYNMON_METRIC("talkers", "counter", "Packets and bytes received, by source address.")
	DYNMON_LABEL_FIELD("saddr", "key.saddr", "ip")
	DYNMON_METRIC_CONFIG({ "max-series": 100, "top-by": "value.bytes" });

SEC("tc/ingress")
int count_talker(struct __sk_buff *skb)
{
	struct traffic first = { .packets = skb->gso_segs ?: 1, .bytes = skb->len }, *traffic;
	struct dynmon_packet packet;
	struct talker talker;

	if (!dynmon_packet_init(&packet, skb))
		return TC_ACT_UNSPEC;
	__builtin_memcpy(talker.saddr, packet.saddr, sizeof(talker.saddr));
	traffic = bpf_map_lookup_elem(&talkers, &talker);
	if (!traffic) {
		/* Somebody may have been faster on another CPU: then it is there now. */
		if (bpf_map_update_elem(&talkers, &talker, &first, BPF_NOEXIST) == 0)
			return TC_ACT_UNSPEC;
		traffic = bpf_map_lookup_elem(&talkers, &talker);
		if (!traffic)
			return TC_ACT_UNSPEC;
	}
	__sync_fetch_and_add(&traffic->packets, first.packets);
	__sync_fetch_and_add(&traffic->bytes, first.bytes);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
