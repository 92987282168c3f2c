/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet headers under BCC's names, in network layout.
 *
 * BCC converts fields that are read through its packet cursor to host byte order. There is no
 * cursor here: a field read by direct packet access is in network byte order, as with BCC.
 */
#ifndef DYNMON_BCC_PROTO_H
#define DYNMON_BCC_PROTO_H

#include <linux/if_ether.h>

#define BPF_PACKET_HEADER __attribute__((packed))

struct ethernet_t {
	unsigned long long dst : 48;
	unsigned long long src : 48;
	unsigned int type : 16;
} BPF_PACKET_HEADER;

struct dot1q_t {
	unsigned short pri : 3, cfi : 1, vlanid : 12;
	unsigned short type;
} BPF_PACKET_HEADER;

struct arp_t {
	unsigned short htype, ptype;
	unsigned char hlen, plen;
	unsigned short oper;
	unsigned long long sha : 48, spa : 32, tha : 48;
	unsigned int tpa;
} BPF_PACKET_HEADER;

struct ip_t {
	unsigned char ver : 4, hlen : 4;
	unsigned char tos;
	unsigned short tlen, identification;
	unsigned short ffo_unused : 1, df : 1, mf : 1, foffset : 13;
	unsigned char ttl, nextp;
	unsigned short hchecksum;
	unsigned int src, dst;
} BPF_PACKET_HEADER;

struct ip6_t {
	unsigned int ver : 4, priority : 8, flow_label : 20;
	unsigned short payload_len;
	unsigned char next_header, hop_limit;
	unsigned long long src_hi, src_lo, dst_hi, dst_lo;
} BPF_PACKET_HEADER;

struct ip6_opt_t {
	unsigned char next_header, ext_len, pad[6];
} BPF_PACKET_HEADER;

struct icmp_t {
	unsigned char type, code;
	unsigned short checksum;
} BPF_PACKET_HEADER;

struct icmp6_t {
	unsigned char type, code;
	unsigned short checksum;
} BPF_PACKET_HEADER;

struct udp_t {
	unsigned short sport, dport, length, crc;
} BPF_PACKET_HEADER;

struct tcp_t {
	unsigned short src_port, dst_port;
	unsigned int seq_num, ack_num;
	unsigned char offset : 4, reserved : 4;
	unsigned char flag_cwr : 1, flag_ece : 1, flag_urg : 1, flag_ack : 1;
	unsigned char flag_psh : 1, flag_rst : 1, flag_syn : 1, flag_fin : 1;
	unsigned short rcv_wnd, cksum, urg_ptr;
} BPF_PACKET_HEADER;

struct vxlan_t {
	unsigned int rsv1 : 4, iflag : 1, rsv2 : 3, rsv3 : 24;
	unsigned int key : 24, rsv4 : 8;
} BPF_PACKET_HEADER;

#endif
