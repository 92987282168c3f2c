/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events from a dataplane to user space: records in the ring buffer dynmon_events.
 *
 * pcn_log() and pcn_pkt_controller() write records; the plugin reads them. A record begins with its
 * kind. Integers are in host byte order. If the ring buffer is full, the record is dropped and
 * counted in dynmon_lost[0], a __u64.
 */
#ifndef DYNMON_EVENT_H
#define DYNMON_EVENT_H

#include <linux/types.h>

#define DYNMON_EVENT_ARGS 4
#define DYNMON_EVENT_FORMAT_MAX 128 /* bytes, including the NUL */
#define DYNMON_EVENT_RING_SIZE (64 * 1024)

enum dynmon_event_kind { DYNMON_EVENT_LOG = 1, DYNMON_EVENT_PACKET };

/*
 * Record of pcn_log(). Its length depends on the format and is at least
 * 8 + 8 * DYNMON_EVENT_ARGS + 1 bytes.
 */
struct dynmon_event_log {
	__u16 kind;       /* DYNMON_EVENT_LOG */
	__u16 level;      /* LOG_TRACE (0) to LOG_CRITICAL (5) */
	__u16 args_count; /* number of args in use */
	__u16 format_len; /* bytes of format, including the NUL */
	__u64 args[DYNMON_EVENT_ARGS]; /* sign- or zero-extended from the argument's type */
	char format[];    /* as of printf(), plus %I IPv4, %M MAC, %P port in network order */
};

/* Record of pcn_pkt_controller(): an event about a packet, without the packet's bytes. */
struct dynmon_event_packet {
	__u16 kind;       /* DYNMON_EVENT_PACKET */
	__u16 reason;     /* from the caller */
	__u32 packet_len; /* length of the packet in bytes */
	__u32 md[3];      /* metadata from the caller, else 0 */
	__u32 ifindex;    /* receiving interface; on egress the sending interface */
};

#endif
