/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a dataplane tells user space: records in the ring buffer dynmon_events.
 *
 * Written by pcn_log() and pcn_pkt_controller(), read by the plugin. A record begins with its
 * kind; integers are in host order. When the ring is full a record is dropped and counted in
 * dynmon_lost[0], a __u64.
 */
#ifndef DYNMON_EVENT_H
#define DYNMON_EVENT_H

#include <linux/types.h>

#define DYNMON_EVENT_ARGS 4
#define DYNMON_EVENT_FORMAT_MAX 128 /* bytes, with the NUL */
#define DYNMON_EVENT_RING_SIZE (64 * 1024)

enum dynmon_event_kind { DYNMON_EVENT_LOG = 1, DYNMON_EVENT_PACKET };

/* pcn_log(): as long as its format, at least 8 + 8 * DYNMON_EVENT_ARGS + 1 bytes. */
struct dynmon_event_log {
	__u16 kind;       /* DYNMON_EVENT_LOG */
	__u16 level;      /* 0 trace, debug, info, warn, err, 5 critical */
	__u16 args_count; /* how many of args were given */
	__u16 format_len; /* bytes of format, with the NUL */
	__u64 args[DYNMON_EVENT_ARGS]; /* sign or zero extended from their own type */
	char format[];    /* printf's, with %I IPv4, %M MAC, %P port, in network order */
};

/* pcn_pkt_controller(): a packet worth a word. The packet itself is not copied. */
struct dynmon_event_packet {
	__u16 kind;       /* DYNMON_EVENT_PACKET */
	__u16 reason;     /* the caller's */
	__u32 packet_len; /* bytes */
	__u32 md[3];      /* the caller's metadata, else 0 */
	__u32 ifindex;    /* where it came in, or goes out on the egress path */
};

#endif
