/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames and bytes by VLAN and ethertype, received and sent. Up to two tags (802.1Q and 802.1ad)
 * are parsed; the type of a third tag counts as the ethertype of the frame.
 *
 * On tc the kernel keeps the outer tag in the socket buffer: it was removed from a received frame,
 * and is not yet inserted into a frame to be sent. On XDP the tags are in the frame, unless the
 * interface removes the outer one: see rxvlan in ethtool(8). The table is an LRU hash: when it is
 * full, the least recently seen kind of frame is evicted.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <dynmon/packet.h>

#define KINDS	  4096
#define TAGS	  2
#define VLAN_HLEN 4
#define VLAN_ID	  0x0fff
#define VLAN_NONE 4096 /* no tag; 0 is a priority tag */
#define LENGTH	  0    /* 802.3 frame: the field is a length */

/* In host byte order. */
struct kind {
	__u16 tag; /* type of the outer tag, 0x8100 or 0x88a8; 0: untagged */
	__u16 vlan;
	__u16 inner_vlan;
	__u16 ethertype;
};

struct traffic {
	__u64 frames;
	__u64 bytes;
};

/* Nearly all frames are of one kind, so per-CPU counters avoid contention. */
struct kinds_map {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__type(key, struct kind);
	__type(value, struct traffic);
	__uint(max_entries, KINDS);
} kinds_in SEC(".maps"), kinds_out SEC(".maps");

static __always_inline void add_tag(struct kind *kind, __u16 tag, __u16 tci)
{
	if (kind->vlan == VLAN_NONE) {
		kind->tag = tag;
		kind->vlan = tci & VLAN_ID;
	} else {
		kind->inner_vlan = tci & VLAN_ID;
	}
}

/* Reads a field of the frame at an offset. */
static __always_inline bool load(void *ctx, bool xdp, __u32 offset, void *to, __u32 size)
{
	return (xdp ? bpf_xdp_load_bytes(ctx, offset, to, size)
		    : bpf_skb_load_bytes(ctx, offset, to, size)) == 0;
}

/* Parses the tags in the frame, after the tag in the socket buffer, if any. */
static __always_inline bool read_frame(struct kind *kind, void *ctx, bool xdp)
{
	__u32 offset = 2 * ETH_ALEN;
	struct dynmon_vlan_tag tag;
	__be16 proto;

	if (!load(ctx, xdp, offset, &proto, sizeof(proto)))
		return false;
	offset += sizeof(proto);
	for (int i = 0; i < TAGS && dynmon_is_vlan(proto) && kind->inner_vlan == VLAN_NONE; i++) {
		if (!load(ctx, xdp, offset, &tag, sizeof(tag)))
			break; /* truncated tag: only its type is known */
		add_tag(kind, bpf_ntohs(proto), bpf_ntohs(tag.tci));
		offset += sizeof(tag);
		proto = tag.proto;
	}
	kind->ethertype = bpf_ntohs(proto);
	if (kind->ethertype < ETH_P_802_3_MIN)
		kind->ethertype = LENGTH;
	return true;
}

static __always_inline void count(void *kinds, const struct kind *kind, __u64 bytes, __u64 frames)
{
	struct traffic first = { .frames = frames, .bytes = bytes }, *traffic;

	traffic = bpf_map_lookup_elem(kinds, kind);
	if (!traffic) {
		/* Another CPU may have inserted the key first: look it up again. */
		if (bpf_map_update_elem(kinds, kind, &first, BPF_NOEXIST) == 0)
			return;
		traffic = bpf_map_lookup_elem(kinds, kind);
		if (!traffic)
			return;
	}
	traffic->frames += frames;
	traffic->bytes += bytes;
}

static __always_inline int count_skb(struct __sk_buff *skb, void *kinds)
{
	struct kind kind = { .vlan = VLAN_NONE, .inner_vlan = VLAN_NONE };

	if (skb->vlan_present)
		add_tag(&kind, bpf_ntohs(skb->vlan_proto), skb->vlan_tci);
	if (read_frame(&kind, skb, false))
		count(kinds, &kind, skb->len + (skb->vlan_present ? VLAN_HLEN : 0),
		      skb->gso_segs ?: 1);
	return TC_ACT_UNSPEC;
}

SEC("tc/ingress")
int packets_in(struct __sk_buff *skb)
{
	return count_skb(skb, &kinds_in);
}

SEC("tc/egress")
int packets_out(struct __sk_buff *skb)
{
	return count_skb(skb, &kinds_out);
}

/*
 * Not xdp.frags: generic XDP copies packets for it, and tc then receives them without their
 * beginning.
 */
SEC("xdp")
int frames_in(struct xdp_md *xdp)
{
	struct kind kind = { .vlan = VLAN_NONE, .inner_vlan = VLAN_NONE };

	if (read_frame(&kind, xdp, true))
		count(&kinds_in, &kind, bpf_xdp_get_buff_len(xdp), 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
