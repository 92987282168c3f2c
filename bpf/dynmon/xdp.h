/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialect at the XDP hook: the program that calls handle_rx(), and by hand what the kernel
 * has no helpers for there: VLAN tags and checksums.
 */
#ifndef DYNMON_XDP_H
#define DYNMON_XDP_H

#include <linux/errno.h>

static __always_inline void *dynmon_data(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *dynmon_data_end(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

/* The compiler would subtract in 32 bits what the verifier lets only 64 bits hold. */
static __always_inline __u32 dynmon_packet_len(struct xdp_md *ctx)
{
	__u64 len = (__u64)dynmon_data_end(ctx);

	asm("%0 -= %1" : "+r"(len) : "r"(dynmon_data(ctx)));
	return len;
}

static __always_inline __u32 dynmon_ifindex(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex;
}

SEC("xdp")
int dynmon_ingress(struct xdp_md *ctx)
{
	struct pkt_metadata md = {
		.cube_id = CUBE_ID,
		.packet_len = dynmon_packet_len(ctx),
	};

	switch (handle_rx(ctx, &md)) {
	case RX_OK:
		return XDP_PASS;
	case RX_DROP:
		return XDP_DROP;
	default:
		return XDP_ABORTED;
	}
}

struct vlan_hdr {
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};

/* The Ethernet header and the tag in it. */
struct dynmon_tagged {
	__u8 addresses[2 * ETH_ALEN];
	__be16 proto;
	__be16 tci;
};

/* The outer tag, NULL when there is none or the packet is too short for one. */
static __always_inline struct dynmon_tagged *dynmon_vlan(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_data(ctx);

	if ((void *)(tag + 1) > dynmon_data_end(ctx))
		return NULL;
	if (tag->proto != bpf_htons(ETH_P_8021Q) && tag->proto != bpf_htons(ETH_P_8021AD))
		return NULL;
	return tag;
}

static __always_inline bool pcn_is_vlan_present(struct xdp_md *ctx)
{
	return dynmon_vlan(ctx);
}

static __always_inline int pcn_get_vlan_id(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_vlan(ctx);

	return tag ? bpf_ntohs(tag->tci) & 0x0fff : -1;
}

/* The tag's own protocol in network order, as at the TC hook. */
static __always_inline int pcn_get_vlan_proto(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_vlan(ctx);

	return tag ? tag->proto : -1;
}

/* 0 also for a packet without a tag. Pointers into the packet are void after it. */
static __always_inline int pcn_vlan_pop_tag(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_vlan(ctx);

	if (!tag)
		return 0;
	__builtin_memmove((void *)tag + sizeof(struct vlan_hdr), tag, sizeof(tag->addresses));
	return bpf_xdp_adjust_head(ctx, sizeof(struct vlan_hdr));
}

/* eth_proto is in network order, as at the TC hook. Pointers into the packet are void after it. */
static __always_inline int pcn_vlan_push_tag(struct xdp_md *ctx, u16 eth_proto, u32 vlan_id)
{
	struct dynmon_tagged *tag;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct vlan_hdr)))
		return -1;
	tag = dynmon_data(ctx);
	if ((void *)(tag + 1) > dynmon_data_end(ctx))
		return -1;
	__builtin_memmove(tag, (void *)tag + sizeof(struct vlan_hdr), sizeof(tag->addresses));
	tag->proto = eth_proto == bpf_htons(ETH_P_8021AD) ? eth_proto : bpf_htons(ETH_P_8021Q);
	tag->tci = bpf_htons(vlan_id);
	return 0;
}

/* The checksum at offset, NULL when it is not in the packet. */
static __always_inline __sum16 *dynmon_csum(struct xdp_md *ctx, u32 offset)
{
	__sum16 *csum = dynmon_data(ctx) + (offset & 0xffff);

	return offset > 0xffff || (void *)(csum + 1) > dynmon_data_end(ctx) ? NULL : csum;
}

/* One's complement arithmetic of RFC 1624: size bytes were from and are to. */
static __always_inline int dynmon_csum_update(__sum16 *csum, u32 from, u32 to, u32 size)
{
	u64 sum = (u16)~*csum;

	switch (size) {
	case 0: /* to is a difference, as bpf_csum_diff() gives it */
		sum += to;
		break;
	case 2:
		sum += (u64)(u16)~from + (u16)to;
		break;
	case 4:
		sum += (u64)(u32)~from + to;
		break;
	default:
		return -EINVAL;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*csum = ~sum;
	return 0;
}

static __always_inline int pcn_l3_csum_replace(struct xdp_md *ctx, u32 offset, u32 from, u32 to,
					       u32 flags)
{
	__sum16 *csum = dynmon_csum(ctx, offset);

	return csum ? dynmon_csum_update(csum, from, to, flags) : -EFAULT;
}

/* BPF_F_PSEUDO_HDR makes no difference: there is no offload to be told about it. */
static __always_inline int pcn_l4_csum_replace(struct xdp_md *ctx, u32 offset, u32 from, u32 to,
					       u32 flags)
{
	__sum16 *csum = dynmon_csum(ctx, offset);
	int err;

	if (!csum)
		return -EFAULT;
	if (!*csum && flags & BPF_F_MARK_MANGLED_0 && !(flags & BPF_F_MARK_ENFORCE))
		return 0; /* UDP without a checksum */
	err = dynmon_csum_update(csum, from, to, flags & BPF_F_HDR_FIELD_MASK);
	if (!err && !*csum && flags & BPF_F_MARK_MANGLED_0)
		*csum = 0xffff;
	return err;
}

#endif
