/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Received packets and bytes by source address, IPv4 and IPv6.
 *
 * The table is an LRU hash: when it is full, the longest silent source is evicted together with its
 * counts. Packets merged by the kernel (GRO) count as the original packets; the headers removed by
 * merging are not included in the bytes.
 *
 * The object describes its metric itself and needs no document.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>
#include <dynmon/packet.h>

#define TALKERS 65536

struct talker {
	__be32 saddr[4]; /* IPv4 as mapped address */
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
			DYNMON_METRIC_CONFIG({ "max-series" : 100, "top-by" : "value.bytes" });

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
		/* Another CPU may have inserted the key first: look it up again. */
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
