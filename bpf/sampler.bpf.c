/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets and bytes of an interface, estimated from a sample of one packet in N. N is set from
 * outside: raise N with the load of the machine to limit the cost per packet.
 *
 * Each sampled packet counts N times, so packets and bytes remain estimates of the totals while N
 * changes. sampled is the number of packets in the sample.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>

struct config {
	__u32 one_of; /* 0 and 1: every packet */
};

/* Mapped by user space, which writes the word without copying the whole value. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct config);
	__uint(max_entries, 1);
} config SEC(".maps") DYNMON_METRIC("sampling", "gauge", "One packet of so many is looked at.");

struct counts {
	__u64 sampled;
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct counts);
	__uint(max_entries, 1);
} counts SEC(".maps") DYNMON_METRIC("sampler", "counter",
				    "Packets looked at; packets and bytes in all, estimated.");

__u64 seen;

SEC("tc/ingress")
int sampler(struct __sk_buff *skb)
{
	__u32 zero = 0, one_of;
	struct config *settings = bpf_map_lookup_elem(&config, &zero);
	struct counts *sums = bpf_map_lookup_elem(&counts, &zero);

	if (!settings || !sums)
		return TC_ACT_UNSPEC;
	one_of = settings->one_of ? settings->one_of : 1;
	if (__sync_fetch_and_add(&seen, 1) % one_of)
		return TC_ACT_UNSPEC;
	__sync_fetch_and_add(&sums->sampled, 1);
	__sync_fetch_and_add(&sums->packets, one_of);
	__sync_fetch_and_add(&sums->bytes, (__u64)skb->len * one_of);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
