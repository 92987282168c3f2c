/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input for attack classifiers: a queue with one record for each received IPv4 packet. Reading the
 * queue as JSON also empties it. Written in Dynmon's dialect, for tc and XDP.
 *
 * Numbers are in host byte order. A field that a packet lacks is 0: only TCP and UDP have ports,
 * and fragments after the first one have none.
 */
#include <uapi/linux/icmp.h>
#include <uapi/linux/in.h>
#include <uapi/linux/ip.h>
#include <uapi/linux/tcp.h>
#include <uapi/linux/udp.h>

#define RECORDS		10240 /* between two reads; packets beyond it are counted but not stored */
#define VLAN_TAGS	2
#define FRAGMENT_OFFSET 0x1fff

#ifdef POLYCUBE_XDP
#define load_bytes bpf_xdp_load_bytes
#else
#define load_bytes bpf_skb_load_bytes
#endif

struct features {
	u64 timestamp; /* nanoseconds since 1970 */
	u32 saddr;
	u32 daddr;
	u16 sport;
	u16 dport;
	u16 length;   /* of the IP packet */
	u16 ip_flags; /* including the fragment offset */
	u8 ttl;
	u8 proto;
	u8 tcp_flags; /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32 */
	u8 icmp_type;
	u16 tcp_window;
	u16 udp_length;
};

BPF_QUEUESTACK("queue", FEATURES, struct features, RECORDS, 0);
BPF_ARRAY(FEATURES_LOST, u64, 1);

/*
 * Returns the offset of the IPv4 header, after VLAN tags in the frame; 0 if the packet is not IPv4.
 */
static __always_inline u32 find_ipv4(struct CTXTYPE *ctx)
{
	u32 offset = offsetof(struct ethhdr, h_proto);
	u16 proto;

	for (int i = 0; i <= VLAN_TAGS; i++) {
		if (load_bytes(ctx, offset, &proto, sizeof(proto)) < 0)
			return 0;
		offset += sizeof(proto);
		if (proto == htons(ETH_P_IP))
			return offset;
		if (proto != htons(ETH_P_8021Q) && proto != htons(ETH_P_8021AD))
			return 0;
		offset += sizeof(u16); /* the VLAN ID */
	}
	return 0;
}

static __always_inline void add_transport(struct CTXTYPE *ctx, u32 offset,
					  struct features *features)
{
	struct tcphdr tcp;
	struct udphdr udp;
	struct icmphdr icmp;

	if (features->proto == IPPROTO_TCP && load_bytes(ctx, offset, &tcp, sizeof(tcp)) == 0) {
		features->sport = ntohs(tcp.source);
		features->dport = ntohs(tcp.dest);
		features->tcp_flags = ntohl(tcp_flag_word(&tcp)) >> 16;
		features->tcp_window = ntohs(tcp.window);
	} else if (features->proto == IPPROTO_UDP &&
		   load_bytes(ctx, offset, &udp, sizeof(udp)) == 0) {
		features->sport = ntohs(udp.source);
		features->dport = ntohs(udp.dest);
		features->udp_length = ntohs(udp.len);
	} else if (features->proto == IPPROTO_ICMP &&
		   load_bytes(ctx, offset, &icmp, sizeof(icmp)) == 0) {
		features->icmp_type = icmp.type;
	}
}

static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	struct features features = { .timestamp = pcn_get_time_epoch() };
	u32 offset = find_ipv4(ctx);
	struct iphdr ip;

	if (!offset || load_bytes(ctx, offset, &ip, sizeof(ip)) < 0 || ip.version != 4 ||
	    ip.ihl < 5)
		return RX_OK;
	features.saddr = ntohl(ip.saddr);
	features.daddr = ntohl(ip.daddr);
	features.length = ntohs(ip.tot_len);
	features.ip_flags = ntohs(ip.frag_off);
	features.ttl = ip.ttl;
	features.proto = ip.protocol;
	if (!(features.ip_flags & FRAGMENT_OFFSET))
		add_transport(ctx, offset + ip.ihl * 4, &features);
	if (FEATURES.push(&features, 0) < 0)
		FEATURES_LOST.atomic_increment(0);
	return RX_OK;
}
