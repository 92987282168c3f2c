/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialect at the XDP hook: the program that calls handle_rx(), and functions for VLAN tags and
 * checksums, for which the kernel has no helpers at this hook.
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

/*
 * Inline assembly, because the compiler would subtract in 32 bits and the verifier allows
 * arithmetic on packet pointers in 64 bits only.
 */
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

/* An Ethernet header with a VLAN tag. */
struct dynmon_tagged {
	__u8 addresses[2 * ETH_ALEN];
	__be16 proto;
	__be16 tci;
};

/* Returns the outer tag, or NULL if there is none or the packet is too short. */
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

/* Protocol of the tag itself in network byte order, as at the TC hook; -1 without a tag. */
static __always_inline int pcn_get_vlan_proto(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_vlan(ctx);

	return tag ? tag->proto : -1;
}

/* Returns 0 also for a packet without a tag. Pointers into the packet become invalid. */
static __always_inline int pcn_vlan_pop_tag(struct xdp_md *ctx)
{
	struct dynmon_tagged *tag = dynmon_vlan(ctx);

	if (!tag)
		return 0;
	__builtin_memmove((void *)tag + sizeof(struct vlan_hdr), tag, sizeof(tag->addresses));
	return bpf_xdp_adjust_head(ctx, sizeof(struct vlan_hdr));
}

/* eth_proto is in network byte order, as at the TC hook. Packet pointers become invalid. */
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

/* Returns the checksum at offset bytes, or NULL if it is not within the packet. */
static __always_inline __sum16 *dynmon_csum(struct xdp_md *ctx, u32 offset)
{
	__sum16 *csum = dynmon_data(ctx) + (offset & 0xffff);

	return offset > 0xffff || (void *)(csum + 1) > dynmon_data_end(ctx) ? NULL : csum;
}

/*
 * Updates a checksum as in RFC 1624, after size bytes changed from the value "from" to the value
 * "to". Returns 0, or -EINVAL for a size other than 0, 2 and 4.
 */
static __always_inline int dynmon_csum_update(__sum16 *csum, u32 from, u32 to, u32 size)
{
	u64 sum = (u16)~*csum;

	switch (size) {
	case 0: /* to is a difference from bpf_csum_diff() */
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

/* BPF_F_PSEUDO_HDR has no effect, because XDP has no checksum offload state to update. */
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
