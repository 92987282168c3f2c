/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Retransmitted TCP segments by destination address and port.
 *
 * The section attaches the program to a kernel tracepoint. The monitor has no interface and sees
 * all network namespaces of the host. The table is an LRU hash: when it is full, the longest idle
 * peer is evicted.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>

#define PEERS 16384

/* Layout from /sys/kernel/tracing/events/tcp/tcp_retransmit_skb/format, Linux 5.6 and later. */
struct retransmit {
	__u64 common;
	const void *skb;
	const void *sk;
	int state;
	__u16 sport; /* host byte order */
	__u16 dport;
	__u16 family;
	__u8 saddr[4];
	__u8 daddr[4];
	__u8 saddr_v6[16]; /* IPv4 as mapped address */
	__u8 daddr_v6[16];
};

struct peer {
	__u8 daddr[16]; /* IPv4 as mapped address */
	__u16 dport;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct peer);
	__type(value, __u64);
	__uint(max_entries, PEERS);
} retransmits SEC(".maps")
	DYNMON_METRIC("tcp_retransmits", "counter", "TCP segments that were sent again.")
		DYNMON_LABEL_FIELD("daddr", "key.daddr", "ip");

SEC("tracepoint/tcp/tcp_retransmit_skb")
int count_retransmit(struct retransmit *event)
{
	struct peer peer = { .dport = event->dport };
	__u64 one = 1, *count;

	__builtin_memcpy(peer.daddr, event->daddr_v6, sizeof(event->daddr_v6));
	count = bpf_map_lookup_elem(&retransmits, &peer);
	/* Another CPU may have inserted the key first: look it up again. */
	if (!count && bpf_map_update_elem(&retransmits, &peer, &one, BPF_NOEXIST) == 0)
		return 0;
	if (!count)
		count = bpf_map_lookup_elem(&retransmits, &peer);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
