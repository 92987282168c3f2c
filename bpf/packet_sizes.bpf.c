/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms of packet sizes, received and sent, including the Ethernet header.
 *
 * On tc the sizes are those of the packets in the host's stack, which may exceed the MTU: received
 * packets may be merged (GRO), and sent packets are not segmented yet (TSO). On XDP received
 * packets have their size on the wire.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>
#include <dynmon/slot.h>

#define SLOTS 20 /* up to 1 MiB - 1; the kernel's largest packet has 512 KiB */

struct sizes {
	__u64 slots[SLOTS];
	__u64 sum;
};

/* Per-CPU, to avoid contention. */
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

/*
 * Not xdp.frags: generic XDP copies packets for it, and tc then receives them without their
 * beginning.
 */
SEC("xdp")
int frame_in(struct xdp_md *xdp)
{
	count(&sizes_in, bpf_xdp_get_buff_len(xdp));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
