/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets and bytes of each flow, by 5-tuple: IPv4, TCP and UDP.
 *
 * Each direction has a map, so that the label "direction" of each series is that of its packets.
 * The maps are LRU hashes: when one is full, the longest idle flow is evicted. Flows are many and
 * short-lived: only the largest are exported.
 *
 * The object describes its metric itself and needs no document.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <dynmon.h>
#include <stdbool.h>

#define FLOWS 65536

struct flow {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u32 proto;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct flows {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow);
	__type(value, struct traffic);
	__uint(max_entries, FLOWS);
};

#define METRIC                                                                                     \
	DYNMON_METRIC("flows", "counter", "Packets and bytes of each TCP and UDP flow over IPv4.") \
	DYNMON_METRIC_CONFIG({ "max-series" : 1000, "top-by" : "value.bytes" })

struct flows flows_in SEC(".maps") METRIC;
struct flows flows_out SEC(".maps") METRIC DYNMON_DIRECTION("egress");

/* The ports of TCP and UDP are at the same offset. */
struct ports {
	__be16 source;
	__be16 dest;
};

/* Returns false unless the packet is TCP or UDP over IPv4, unfragmented or a first fragment. */
static __always_inline bool flow_of(struct __sk_buff *skb, struct flow *flow)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ports *ports;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return false;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return false;
	if (ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return false;
	ports = (void *)ip + ip->ihl * 4;
	if ((void *)(ports + 1) > end)
		return false;
	flow->saddr = ip->saddr;
	flow->daddr = ip->daddr;
	flow->sport = ports->source;
	flow->dport = ports->dest;
	flow->proto = ip->protocol;
	return true;
}

static __always_inline int count(struct __sk_buff *skb, struct flows *flows)
{
	struct traffic first = { .packets = 1, .bytes = skb->len }, *traffic;
	struct flow flow;

	if (!flow_of(skb, &flow))
		return TC_ACT_UNSPEC;
	traffic = bpf_map_lookup_elem(flows, &flow);
	if (!traffic) {
		/* Another CPU may have inserted the key first: look it up again. */
		if (bpf_map_update_elem(flows, &flow, &first, BPF_NOEXIST) == 0)
			return TC_ACT_UNSPEC;
		traffic = bpf_map_lookup_elem(flows, &flow);
		if (!traffic)
			return TC_ACT_UNSPEC;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, skb->len);
	return TC_ACT_UNSPEC;
}

SEC("tc/ingress")
int count_in(struct __sk_buff *skb)
{
	return count(skb, &flows_in);
}

SEC("tc/egress")
int count_out(struct __sk_buff *skb)
{
	return count(skb, &flows_out);
}

char LICENSE[] SEC("license") = "GPL";
