/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram of the sizes of packets, in and out, from the Ethernet header on.
 *
 * On tc they are those of the packets that the host's stack handles: received ones may be merged
 * (GRO), sent ones not yet cut to pieces (TSO), to more than an interface's MTU. On XDP received
 * ones are as they were on the wire.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon/slot.h>

#define SLOTS 20 /* up to 1 MiB - 1; the kernel's largest has 512 KiB */

struct sizes {
	__u64 slots[SLOTS];
	__u64 sum;
};

/* Of each CPU its own: nobody waits for anybody. */
struct sizes_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sizes);
	__uint(max_entries, 1);
} sizes_in SEC(".maps"), sizes_out SEC(".maps");

static __always_inline void count(void *map, __u64 size)
{
	__u32 zero = 0;
	struct sizes *sizes = bpf_map_lookup_elem(map, &zero);

	if (!sizes)
		return;
	sizes->slots[dynmon_slot(size, SLOTS)]++;
	sizes->sum += size;
}

SEC("tc/ingress")
int packet_in(struct __sk_buff *skb)
{
	count(&sizes_in, skb->len);
	return TC_ACT_UNSPEC;
}

SEC("tc/egress")
int packet_out(struct __sk_buff *skb)
{
	count(&sizes_out, skb->len);
	return TC_ACT_UNSPEC;
}

/* Not xdp.frags: generic XDP copies packets for that, and tc gets them without their beginning. */
SEC("xdp")
int frame_in(struct xdp_md *xdp)
{
	count(&sizes_in, bpf_xdp_get_buff_len(xdp));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
