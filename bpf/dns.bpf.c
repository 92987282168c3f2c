/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS over UDP, IPv4 and IPv6: queries by type, responses by type and code, and the response time
 * by code.
 *
 * Both roles are measured: incoming queries with outgoing responses, and outgoing queries with
 * incoming responses. The time of a repeated query starts with its first transmission, because the
 * client has been waiting since then. The table of pending queries is an LRU hash: when it is full,
 * the oldest queries are forgotten.
 *
 * The response code is the one in the DNS header, without the extension that EDNS adds.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <dynmon/packet.h>
#include <dynmon/slot.h>

#define DNS_PORT     53
#define PENDING	     16384
#define TIMEOUT	     60000000000ull /* nanoseconds; clients give up earlier */
#define SLOTS	     27		    /* of microseconds: up to two minutes */
#define RCODES	     16
#define LABELS	     127 /* maximum in a name of 255 bytes */
#define QUESTION_END 4	 /* bytes of type and class, after the name */
#define LABEL	     63	 /* bytes; greater lengths are pointers, which a question does not have */

#define DNS_QR	   0x8000 /* a response */
#define DNS_OPCODE 0x7800 /* 0: an ordinary query */
#define DNS_TC	   0x0200
#define DNS_RCODE  0x000f

#define QTYPE_NONE  0	  /* no question, or an unreadable one */
#define QTYPE_OTHER 65535 /* bounds the types that a client can create */
#define QTYPES	    80	  /* the named types and these two */

struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additionals;
};

struct message {
	struct dynmon_packet packet;
	struct udphdr udp;
	__be16 id;
	__u16 flags;
	__u16 qtype;
	bool malformed;
};

struct query {
	__u16 qtype;
};

struct response {
	__u16 qtype;
	__u16 rcode;
};

struct times {
	__u64 slots[SLOTS];
	__u64 sum; /* microseconds */
};

enum anomaly {
	ANOMALY_MALFORMED,  /* header or question truncated or malformed */
	ANOMALY_TRUNCATED,  /* truncated response: the client repeats the query over TCP */
	ANOMALY_REPEATED,   /* query that is already pending */
	ANOMALY_UNEXPECTED, /* response without a pending query */
	ANOMALIES
};

struct queries_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct query);
	__type(value, __u64);
	__uint(max_entries, QTYPES);
} queries_in SEC(".maps"), queries_out SEC(".maps");

struct responses_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct response);
	__type(value, __u64);
	__uint(max_entries, QTYPES *RCODES);
} responses_in SEC(".maps"), responses_out SEC(".maps");

struct times_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32); /* the response's code */
	__type(value, struct times);
	__uint(max_entries, RCODES);
} times_in SEC(".maps"), times_out SEC(".maps");

struct anomalies_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32); /* enum anomaly */
	__type(value, __u64);
	__uint(max_entries, ANOMALIES);
} anomalies_in SEC(".maps"), anomalies_out SEC(".maps");

/* A question and its response. A map key, so it must not have padding. */
struct exchange {
	__be32 client[4];
	__be32 server[4];
	__be16 client_port;
	__be16 id;
	__u32 incoming; /* the query was received by the interface */
};

struct asked {
	__u64 at; /* nanoseconds */
	__u16 qtype;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct exchange);
	__type(value, struct asked);
	__uint(max_entries, PENDING);
} pending SEC(".maps");

static __always_inline void add_one(void *map, const void *key)
{
	__u64 one = 1, *count = bpf_map_lookup_elem(map, key);

	/* Another CPU may have inserted the key first: look it up again. */
	if (!count && bpf_map_update_elem(map, key, &one, BPF_NOEXIST) == 0)
		return;
	if (!count)
		count = bpf_map_lookup_elem(map, key);
	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline void add_anomaly(bool incoming, __u32 anomaly)
{
	add_one(incoming ? (void *)&anomalies_in : &anomalies_out, &anomaly);
}

static __always_inline void add_time(bool incoming, __u32 rcode, __u64 nanoseconds)
{
	__u64 microseconds = nanoseconds / 1000;
	struct times *times =
		bpf_map_lookup_elem(incoming ? (void *)&times_in : &times_out, &rcode);

	if (!times)
		return;
	__sync_fetch_and_add(&times->slots[dynmon_slot(microseconds, SLOTS)], 1);
	__sync_fetch_and_add(&times->sum, microseconds);
}

/* Assigned but rare types, see https://www.iana.org/assignments/dns-parameters. */
static __always_inline __u16 known_qtype(__u16 qtype)
{
	return (qtype >= 1 && qtype <= 65) || (qtype >= 249 && qtype <= 257) ? qtype : QTYPE_OTHER;
}

/* Returns QTYPE_NONE if the question extends beyond the message; padding may follow the message. */
static __always_inline __u16 read_question(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	__be16 qtype;
	__u8 len;

	for (int i = 0; i <= LABELS; i++) {
		if (bpf_skb_load_bytes(skb, offset, &len, sizeof(len)) < 0 || len > LABEL)
			return QTYPE_NONE;
		offset += sizeof(len) + len;
		if (len)
			continue;
		if (offset + QUESTION_END > end ||
		    bpf_skb_load_bytes(skb, offset, &qtype, sizeof(qtype)) < 0)
			return QTYPE_NONE;
		return known_qtype(bpf_ntohs(qtype));
	}
	return QTYPE_NONE;
}

/*
 * Returns false if the packet is not DNS between a client and a server. A malformed message may
 * lack the ID.
 */
static __always_inline bool read_message(struct message *message, struct __sk_buff *skb)
{
	struct dynmon_packet *packet = &message->packet;
	struct dns_header dns;
	__u32 offset, end;

	if (!dynmon_packet_init(packet, skb) || packet->proto != IPPROTO_UDP || packet->fragment)
		return false;
	offset = packet->offset;
	if (bpf_skb_load_bytes(skb, offset, &message->udp, sizeof(message->udp)) < 0)
		return false;
	if (message->udp.source != bpf_htons(DNS_PORT) && message->udp.dest != bpf_htons(DNS_PORT))
		return false;
	end = offset + bpf_ntohs(message->udp.len);
	offset += sizeof(message->udp);
	message->flags = message->udp.dest == bpf_htons(DNS_PORT) ? 0 : DNS_QR;
	message->qtype = QTYPE_NONE;
	message->malformed = true;
	if (offset + sizeof(dns) > end || bpf_skb_load_bytes(skb, offset, &dns, sizeof(dns)) < 0)
		return true;
	message->id = dns.id;
	message->flags = bpf_ntohs(dns.flags);
	message->malformed = false;
	if (dns.questions) {
		message->qtype = read_question(skb, offset + sizeof(dns), end);
		message->malformed = message->qtype == QTYPE_NONE;
	}
	return true;
}

static __always_inline void take_query(const struct message *message, bool incoming)
{
	struct asked *known, asked = { .at = bpf_ktime_get_ns(), .qtype = message->qtype };
	struct query query = { .qtype = message->qtype };
	struct exchange exchange = {
		.client_port = message->udp.source,
		.id = message->id,
		.incoming = incoming,
	};

	__builtin_memcpy(exchange.client, message->packet.saddr, sizeof(exchange.client));
	__builtin_memcpy(exchange.server, message->packet.daddr, sizeof(exchange.server));
	add_one(incoming ? (void *)&queries_in : &queries_out, &query);
	known = bpf_map_lookup_elem(&pending, &exchange);
	if (known && known->qtype == asked.qtype && asked.at - known->at < TIMEOUT)
		add_anomaly(incoming, ANOMALY_REPEATED);
	else
		bpf_map_update_elem(&pending, &exchange, &asked, BPF_ANY);
}

static __always_inline void take_response(const struct message *message, bool incoming)
{
	struct response response = {
		.qtype = message->qtype,
		.rcode = message->flags & DNS_RCODE,
	};
	struct exchange exchange = {
		.client_port = message->udp.dest,
		.id = message->id,
		.incoming = incoming,
	};
	__u64 time = TIMEOUT;
	struct asked *asked;

	__builtin_memcpy(exchange.client, message->packet.daddr, sizeof(exchange.client));
	__builtin_memcpy(exchange.server, message->packet.saddr, sizeof(exchange.server));
	asked = bpf_map_lookup_elem(&pending, &exchange);
	if (asked) {
		time = bpf_ktime_get_ns() - asked->at;
		/*
		 * A server that did not understand the question may leave it out of the response.
		 */
		if (response.qtype == QTYPE_NONE)
			response.qtype = asked->qtype;
		bpf_map_delete_elem(&pending, &exchange);
	}
	add_one(incoming ? (void *)&responses_in : &responses_out, &response);
	if (time < TIMEOUT)
		add_time(incoming, response.rcode, time);
	else
		add_anomaly(incoming, ANOMALY_UNEXPECTED);
	if (message->flags & DNS_TC)
		add_anomaly(incoming, ANOMALY_TRUNCATED);
}

static __always_inline int count(struct __sk_buff *skb, bool ingress)
{
	struct message message;
	bool response;

	if (!read_message(&message, skb))
		return TC_ACT_UNSPEC;
	response = message.flags & DNS_QR;
	if (message.malformed)
		add_anomaly(response ? !ingress : ingress, ANOMALY_MALFORMED);
	else if (message.flags & DNS_OPCODE)
		return TC_ACT_UNSPEC;
	else if (!response && message.udp.dest == bpf_htons(DNS_PORT))
		take_query(&message, ingress);
	else if (response && message.udp.source == bpf_htons(DNS_PORT))
		take_response(&message, !ingress);
	return TC_ACT_UNSPEC;
}

SEC("tc/ingress")
int messages_in(struct __sk_buff *skb)
{
	return count(skb, true);
}

SEC("tc/egress")
int messages_out(struct __sk_buff *skb)
{
	return count(skb, false);
}

char LICENSE[] SEC("license") = "GPL";
