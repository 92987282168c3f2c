/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parser of packet headers at the tc hook, for libbpf-style C and for the dialect. It supports
 * Ethernet with up to two VLAN tags, IPv4 with options, and IPv6 with extension headers.
 *
 * The parser copies headers with bpf_skb_load_bytes(), so headers may lie in the nonlinear part of
 * the socket buffer. For most received packets the outer VLAN tag is in the socket buffer, not in
 * the frame. The parser does not have to skip such a tag: skb->protocol is the protocol after it.
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

#define DYNMON_VLAN_TAGS       2 /* in the frame, not counting one in the socket buffer */
#define DYNMON_IPV6_EXTENSIONS 8 /* packets with more extension headers are rejected */

struct dynmon_packet {
	__be32 saddr[4]; /* IPv4: mapped, ::ffff:10.9.0.1; format "ip" prints both */
	__be32 daddr[4];
	__u32 offset;  /* of the transport header, in bytes from the start of the frame */
	__u8 proto;    /* protocol of the transport header, such as IPPROTO_TCP */
	bool fragment; /* not the first fragment: there is no transport header */
};

struct dynmon_vlan_tag {
	__be16 tci;
	__be16 proto; /* protocol after the tag */
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

/* Start of an extension header. In a fragment header the field fragment holds offset and flags. */
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
			return true; /* the data is the middle of another header or payload */
	}
	return false;
}

/**
 * dynmon_packet_init() - parse the headers up to the transport header
 * @packet: receives the result; contents are unspecified on failure
 * @skb:    packet at the tc hook
 *
 * Return: false if the packet is neither IPv4 nor IPv6, or if a header is truncated or invalid.
 */
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
