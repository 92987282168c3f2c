/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way through a packet's headers at the tc hook, for libbpf C and for the dialect: Ethernet
 * with up to two VLAN tags, IPv4 with its options, IPv6 with its extension headers.
 *
 * Headers are copied with bpf_skb_load_bytes(), so it does not matter which part of them the kernel
 * holds in one piece. An outer tag that is in the socket buffer and not in the frame, as it is for
 * most received packets, needs no care: skb->protocol is what follows it.
 */
#ifndef DYNMON_PACKET_H
#define DYNMON_PACKET_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DYNMON_VLAN_TAGS       2 /* in the frame, beside one in the socket buffer */
#define DYNMON_IPV6_EXTENSIONS 8 /* a packet with more of them is not taken */

struct dynmon_packet {
	__be32 saddr[4]; /* of IPv4 the mapped address, ::ffff:10.9.0.1: format "ip" shows both */
	__be32 daddr[4];
	__u32 offset;  /* of the transport header, from the start of the frame */
	__u8 proto;    /* of the transport header: IPPROTO_TCP ... */
	bool fragment; /* not the first one: there is no transport header */
};

struct dynmon_vlan_tag {
	__be16 tci;
	__be16 proto; /* of what follows */
};

static __always_inline bool dynmon_is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool dynmon_packet_ipv4(struct dynmon_packet *packet, struct __sk_buff *skb,
					       __u32 offset)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0 || ip.version != 4 || ip.ihl < 5)
		return false;
	packet->saddr[2] = packet->daddr[2] = bpf_htonl(0xffff);
	packet->saddr[3] = ip.saddr;
	packet->daddr[3] = ip.daddr;
	packet->proto = ip.protocol;
	packet->fragment = ip.frag_off & bpf_htons(0x1fff);
	packet->offset = offset + ip.ihl * 4;
	return true;
}

/* Every extension header begins so; the last two are the offset of a fragment header. */
struct dynmon_ipv6_extension {
	__u8 next;
	__u8 len;
	__be16 fragment;
};

static __always_inline bool dynmon_packet_ipv6(struct dynmon_packet *packet, struct __sk_buff *skb,
					       __u32 offset)
{
	struct dynmon_ipv6_extension extension;
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0 || ip.version != 6)
		return false;
	__builtin_memcpy(packet->saddr, &ip.saddr, sizeof(packet->saddr));
	__builtin_memcpy(packet->daddr, &ip.daddr, sizeof(packet->daddr));
	packet->proto = ip.nexthdr;
	packet->offset = offset + sizeof(ip);
	for (int i = 0; i < DYNMON_IPV6_EXTENSIONS; i++) {
		switch (packet->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			return true;
		}
		if (bpf_skb_load_bytes(skb, packet->offset, &extension, sizeof(extension)) < 0)
			return false;
		if (packet->proto == IPPROTO_FRAGMENT) {
			packet->offset += 8;
			packet->fragment = extension.fragment & bpf_htons(0xfff8);
		} else if (packet->proto == IPPROTO_AH) {
			packet->offset += (extension.len + 2) * 4;
		} else {
			packet->offset += (extension.len + 1) * 8;
		}
		packet->proto = extension.next;
		if (packet->fragment)
			return true; /* what follows is a piece of something */
	}
	return false;
}

/* False for what is neither IPv4 nor IPv6, or is cut short in its headers. */
static __always_inline bool dynmon_packet_init(struct dynmon_packet *packet, struct __sk_buff *skb)
{
	__be16 proto = skb->protocol;
	__u32 offset = ETH_HLEN;
	struct dynmon_vlan_tag tag;

	*packet = (struct dynmon_packet){};
	for (int i = 0; i < DYNMON_VLAN_TAGS && dynmon_is_vlan(proto); i++) {
		if (bpf_skb_load_bytes(skb, offset, &tag, sizeof(tag)) < 0)
			return false;
		offset += sizeof(tag);
		proto = tag.proto;
	}
	if (proto == bpf_htons(ETH_P_IP))
		return dynmon_packet_ipv4(packet, skb, offset);
	if (proto == bpf_htons(ETH_P_IPV6))
		return dynmon_packet_ipv6(packet, skb, offset);
	return false;
}

#endif
