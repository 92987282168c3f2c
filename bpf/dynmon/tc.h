/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dialect at the TC hook: the program that calls handle_rx(), and socket buffer functions. */
#ifndef DYNMON_TC_H
#define DYNMON_TC_H

#if POLYCUBE_PROGRAM_TYPE == 0
#define dynmon_entry dynmon_ingress
#else
#define dynmon_entry dynmon_egress
#endif

/* The compiler removes fields of md, and the update of the mark, if handle_rx() ignores them. */
SEC("tc")
int dynmon_entry(struct __sk_buff *ctx)
{
	__u32 mark = ctx->mark;
	struct pkt_metadata md = {
		.cube_id = CUBE_ID,
		.packet_len = ctx->len,
		.traffic_class = mark,
	};
	int verdict = handle_rx(ctx, &md);

	if (md.traffic_class != mark)
		ctx->mark = md.traffic_class;
	return verdict == RX_OK ? TC_ACT_UNSPEC : TC_ACT_SHOT; /* UNSPEC: run the next program */
}

static __always_inline __u32 dynmon_packet_len(struct __sk_buff *ctx)
{
	return ctx->len;
}

static __always_inline __u32 dynmon_ifindex(struct __sk_buff *ctx)
{
	return ctx->ifindex;
}

static __always_inline bool pcn_is_vlan_present(struct __sk_buff *ctx)
{
	return ctx->vlan_present;
}

static __always_inline int pcn_get_vlan_id(struct __sk_buff *ctx)
{
	return ctx->vlan_tci & 0x0fff;
}

/* Protocol of the VLAN tag itself, in network byte order. */
static __always_inline int pcn_get_vlan_proto(struct __sk_buff *ctx)
{
	return ctx->vlan_proto;
}

static __always_inline int pcn_vlan_pop_tag(struct __sk_buff *ctx)
{
	return bpf_skb_vlan_pop(ctx);
}

/* eth_proto is in network byte order. */
static __always_inline int pcn_vlan_push_tag(struct __sk_buff *ctx, u16 eth_proto, u32 vlan_id)
{
	return bpf_skb_vlan_push(ctx, eth_proto, vlan_id);
}

static __always_inline int pcn_l3_csum_replace(struct __sk_buff *ctx, u32 offset, u32 from, u32 to,
					       u32 flags)
{
	return bpf_l3_csum_replace(ctx, offset, from, to, flags);
}

static __always_inline int pcn_l4_csum_replace(struct __sk_buff *ctx, u32 offset, u32 from, u32 to,
					       u32 flags)
{
	return bpf_l4_csum_replace(ctx, offset, from, to, flags);
}

#endif
