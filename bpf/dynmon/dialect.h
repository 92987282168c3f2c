/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Dynmon dialect: declarations for a dataplane that defines handle_rx().
 *
 * dynmon-cc includes this file before the code, runs the preprocessor, rewrites the constructs for
 * which C has no syntax (the map markers below and MAP.method(...) calls) and compiles the result
 * with dynmon/methods.h. Dataplanes define their own iphdr, tcphdr and IPPROTO_*, so do not include
 * headers that define these names.
 *
 * Macros that dynmon-cc defines on the command line:
 *	POLYCUBE_PROGRAM_TYPE	0 ingress, 1 egress
 *	POLYCUBE_XDP		defined for the XDP hook, else the hook is TC
 *	CUBE_ID			a number for the dataplane's own use
 *	LOG_LEVEL		LOG_TRACE to LOG_CRITICAL, or LOG_OFF
 *	DYNMON_EPOCH_BASE	nanoseconds from CLOCK_MONOTONIC to CLOCK_REALTIME
 */
#ifndef DYNMON_DIALECT_H
#define DYNMON_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include <asm/byteorder.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <linux/version.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <bcc/proto.h>
#include <dynmon/event.h>

/* -- names from the kernel and BCC -- */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
/* <stdint.h> is not included: dataplanes define their own UINT16_MAX and similar macros. */
typedef __u8 uint8_t, u_int8_t;
typedef __u16 uint16_t, u_int16_t;
typedef __u32 uint32_t, u_int32_t;
typedef __u64 uint64_t, u_int64_t;
typedef __s8 int8_t;
typedef __s16 int16_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
typedef unsigned long uintptr_t;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __maybe_unused __attribute__((unused))
#define __force
#define __user

#define htons(x) bpf_htons(x)
#define ntohs(x) bpf_ntohs(x)
#define htonl(x) bpf_htonl(x)
#define ntohl(x) bpf_ntohl(x)
#define bpf_htonll(x) bpf_cpu_to_be64(x)
#define bpf_ntohll(x) bpf_be64_to_cpu(x)
#define cpu_to_be16(x) bpf_htons(x)
#define be16_to_cpu(x) bpf_ntohs(x)
#define cpu_to_be32(x) bpf_htonl(x)
#define be32_to_cpu(x) bpf_ntohl(x)
#define cpu_to_be64(x) bpf_cpu_to_be64(x)
#define be64_to_cpu(x) bpf_be64_to_cpu(x)

#define lock_xadd(ptr, n) ((void)__sync_fetch_and_add(ptr, n))

/* Declared to avoid warnings. The compiler expands calls with a constant size. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* As in BCC: fmt is a string literal, without a size argument. */
#define bpf_trace_printk(fmt, ...)                                                                \
	({                                                                                         \
		static const char dynmon_fmt[] = fmt;                                              \
		((long (*)(const char *, __u32, ...))BPF_FUNC_trace_printk)(                       \
			dynmon_fmt, sizeof(dynmon_fmt), ##__VA_ARGS__);                            \
	})
#undef bpf_printk
#define bpf_printk(...) bpf_trace_printk(__VA_ARGS__)

/* As in BCC: the logarithm to base 2, rounded down: 0 for 0 and 1, 1 for 2 and 3. */
static __always_inline unsigned int bpf_log2(unsigned int v)
{
	unsigned int power = 0;

	for (unsigned int half = 16; half; half /= 2) {
		if (v >> half) {
			v >>= half;
			power += half;
		}
	}
	return power;
}

/* As in BCC: bpf_log2() + 1, the slot of a log2 histogram: 1 for 0 and 1, 2 for 2 and 3. */
static __always_inline unsigned int bpf_log2l(unsigned long v)
{
	return (v >> 32 ? bpf_log2(v >> 32) + 32 : bpf_log2(v)) + 1;
}

/* -- maps -- */

/* Tags a map's variable for the loader: how other dataplanes share the map. */
#define dynmon_tag(words) __attribute__((btf_decl_tag("dynmon:" words)))

/*
 * dynmon-cc rewrites dynmon_table and dynmon_queue: it makes the type a part of the name of a macro
 * in methods.h. The semicolon permits declarations without one.
 */
#define BPF_F_TABLE(type, K, V, name, size, flags) dynmon_table(type, name, K, V, size, flags);
#define BPF_TABLE(type, K, V, name, size) BPF_F_TABLE(type, K, V, name, size, 0)
#define BPF_TABLE_SHARED(type, K, V, name, size)                                                  \
	dynmon_tag("shared") BPF_TABLE(type, K, V, name, size)
#define BPF_TABLE_PUBLIC(type, K, V, name, size)                                                  \
	dynmon_tag("public") BPF_TABLE(type, K, V, name, size)
#define BPF_TABLE_PINNED(type, K, V, name, size, path)                                            \
	dynmon_tag("pin=" path) BPF_TABLE(type, K, V, name, size)

#define BPF_QUEUESTACK(type, name, V, size, flags) dynmon_queue(type, name, V, size, flags);
#define BPF_QUEUESTACK_SHARED(type, name, V, size, flags)                                         \
	dynmon_tag("shared") BPF_QUEUESTACK(type, name, V, size, flags)
#define BPF_QUEUESTACK_PUBLIC(type, name, V, size, flags)                                         \
	dynmon_tag("public") BPF_QUEUESTACK(type, name, V, size, flags)
#define BPF_QUEUESTACK_PINNED(type, name, V, size, flags, path)                                   \
	dynmon_tag("pin=" path) BPF_QUEUESTACK(type, name, V, size, flags)

/* Optional arguments: the first, second or third argument, or the fallback if it is absent. */
#define dynmon_or(fallback, ...) dynmon_or_(, ##__VA_ARGS__, fallback)
#define dynmon_or_(_, first, ...) first
#define dynmon_or2(fallback, ...) dynmon_or2_(, ##__VA_ARGS__, fallback, fallback)
#define dynmon_or2_(_, first, second, ...) second
#define dynmon_or3(fallback, ...) dynmon_or3_(, ##__VA_ARGS__, fallback, fallback, fallback)
#define dynmon_or3_(_, first, second, third, ...) third

/* Arguments after the name: [V [, size]] for arrays, [K [, V [, size]]] for hashes. */
#define dynmon_array(type, name, ...)                                                             \
	BPF_TABLE(type, int, dynmon_or(u64, ##__VA_ARGS__), name, dynmon_or2(10240, ##__VA_ARGS__))
#define dynmon_hash(type, name, ...)                                                              \
	BPF_TABLE(type, dynmon_or(u64, ##__VA_ARGS__), dynmon_or2(u64, ##__VA_ARGS__), name,       \
		  dynmon_or3(10240, ##__VA_ARGS__))

#define BPF_ARRAY(name, ...) dynmon_array("array", name, ##__VA_ARGS__)
#define BPF_PERCPU_ARRAY(name, ...) dynmon_array("percpu_array", name, ##__VA_ARGS__)
#define BPF_HASH(name, ...) dynmon_hash("hash", name, ##__VA_ARGS__)
#define BPF_PERCPU_HASH(name, ...) dynmon_hash("percpu_hash", name, ##__VA_ARGS__)
#define BPF_LRU_HASH(name, ...) dynmon_hash("lru_hash", name, ##__VA_ARGS__)
#define BPF_LRU_PERCPU_HASH(name, ...) dynmon_hash("lru_percpu_hash", name, ##__VA_ARGS__)
#define BPF_LPM_TRIE(name, ...) dynmon_hash("lpm_trie", name, ##__VA_ARGS__)
#define BPF_HISTOGRAM(name, ...)                                                                  \
	BPF_TABLE("histogram", dynmon_or(int, ##__VA_ARGS__), u64, name,                           \
		  dynmon_or2(64, ##__VA_ARGS__))
#define BPF_QUEUE(name, V, size, ...)                                                             \
	BPF_QUEUESTACK("queue", name, V, size, dynmon_or(0, ##__VA_ARGS__))
#define BPF_STACK(name, V, size, ...)                                                             \
	BPF_QUEUESTACK("stack", name, V, size, dynmon_or(0, ##__VA_ARGS__))
#define BPF_PROG_ARRAY(name, size) BPF_TABLE("prog", u32, u32, name, size)
#define BPF_PERF_OUTPUT(name) BPF_TABLE("perf_output", int, int, name, 0) /* 0: one slot per CPU */

/* -- Polycube's packet and its verdicts -- */

#ifdef POLYCUBE_XDP
#define CTXTYPE xdp_md
#else
#define CTXTYPE __sk_buff
#endif

enum { RX_OK, RX_REDIRECT, RX_DROP, RX_RECIRCULATE, RX_ERROR };

struct pkt_metadata {
	u16 cube_id;
	u16 in_port;
	u32 packet_len;
	u32 traffic_class; /* mark of the packet; written back at the TC hook */
	u16 reason;
	u32 md[3];
} __attribute__((packed));

static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md);

static __always_inline int pcn_pkt_drop(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	return RX_DROP;
}

int pcn_pkt_redirect(struct CTXTYPE *ctx, struct pkt_metadata *md, u32 port)
	__attribute__((unavailable("a transparent monitor cannot redirect packets; "
				   "return RX_OK or RX_DROP")));
int pcn_pkt_redirect_ns(struct CTXTYPE *ctx, struct pkt_metadata *md, u32 port)
	__attribute__((unavailable("a transparent monitor cannot redirect packets; "
				   "return RX_OK or RX_DROP")));

/*
 * Wall clock in nanoseconds since 1970. BPF programs cannot read CLOCK_REALTIME; CLOCK_TAI differs
 * by an offset that the kernel may not know. Therefore the wall clock is the monotonic clock plus
 * the difference of the two clocks at compile time. The loader updates dynmon_epoch_base, so that
 * an object stays correct after a reboot. A step of the wall clock takes effect at the next reload.
 */
static const volatile __u64 dynmon_epoch_base = DYNMON_EPOCH_BASE;

static __always_inline uint64_t pcn_get_time_epoch(void)
{
	return dynmon_epoch_base + bpf_ktime_get_ns();
}

/* The name of pcn_get_time_epoch() in Polycube before August 2020, with the same result. */
static __always_inline uint64_t pcn_get_packet_tstamp(struct CTXTYPE *ctx)
{
	return pcn_get_time_epoch();
}

static __always_inline __wsum pcn_csum_diff(__be32 *from, u32 from_size, __be32 *to, u32 to_size,
					    __wsum seed)
{
	return bpf_csum_diff(from, from_size, to, to_size, seed);
}

#ifdef POLYCUBE_XDP
#include <dynmon/xdp.h>
#else
#include <dynmon/tc.h>
#endif

/* -- events -- */

/* Macros, not an enum, because the preprocessor evaluates LOG_LEVEL. */
#define LOG_TRACE 0
#define LOG_DEBUG 1
#define LOG_INFO 2
#define LOG_WARN 3
#define LOG_ERR 4
#define LOG_CRITICAL 5
#define LOG_OFF 6

#if LOG_LEVEL < LOG_OFF

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DYNMON_EVENT_RING_SIZE);
} dynmon_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} dynmon_lost SEC(".maps");

static __always_inline void *dynmon_event_reserve(__u64 size)
{
	void *event = bpf_ringbuf_reserve(&dynmon_events, size, 0);
	__u32 zero = 0;
	__u64 *lost;

	if (event)
		return event;
	lost = bpf_map_lookup_elem(&dynmon_lost, &zero);
	if (lost)
		__sync_fetch_and_add(lost, 1);
	return NULL;
}

static __always_inline void dynmon_log(__u16 level, __u16 args_count, const __u64 *args,
				       __u16 format_len, const char *format)
{
	struct dynmon_event_log *event = dynmon_event_reserve(sizeof(*event) + format_len);

	if (!event)
		return;
	event->kind = DYNMON_EVENT_LOG;
	event->level = level;
	event->args_count = args_count;
	event->format_len = format_len;
	__builtin_memcpy(event->args, args, sizeof(event->args));
	__builtin_memcpy(event->format, format, format_len);
	bpf_ringbuf_submit(event, 0);
}

/* One macro per number of arguments. The cast sign- or zero-extends from the argument's type. */
#define dynmon_args_0()
#define dynmon_args_1(a) (__u64)(a)
#define dynmon_args_2(a, ...) (__u64)(a), dynmon_args_1(__VA_ARGS__)
#define dynmon_args_3(a, ...) (__u64)(a), dynmon_args_2(__VA_ARGS__)
#define dynmon_args_4(a, ...) (__u64)(a), dynmon_args_3(__VA_ARGS__)
#define dynmon_args_5(...) ({ _Static_assert(0, "pcn_log: at most 4 arguments"); 0; })
#define dynmon_count(...) dynmon_count_(, ##__VA_ARGS__, 5, 5, 5, 5, 4, 3, 2, 1, 0)
#define dynmon_count_(_, a, b, c, d, e, f, g, h, n, ...) n
#define dynmon_paste(a, b) dynmon_paste_(a, b)
#define dynmon_paste_(a, b) a##b

#define pcn_log(ctx, level, fmt, ...)                                                             \
	do {                                                                                       \
		if ((level) >= LOG_LEVEL) {                                                        \
			const __u64 dynmon_args[DYNMON_EVENT_ARGS] = {                             \
				dynmon_paste(dynmon_args_, dynmon_count(__VA_ARGS__))(__VA_ARGS__) \
			};                                                                         \
			_Static_assert(sizeof("" fmt) <= DYNMON_EVENT_FORMAT_MAX,                  \
				       "pcn_log: the format is longer than 127 bytes");            \
			dynmon_log(level, dynmon_count(__VA_ARGS__), dynmon_args, sizeof(fmt),     \
				   fmt);                                                           \
		}                                                                                  \
	} while (0)

#else

#define pcn_log(ctx, level, fmt, ...)                                                             \
	do {                                                                                       \
	} while (0)

#endif

/*
 * Sends an event about this packet to user space if LOG_LEVEL is LOG_DEBUG or lower. Returns RX_OK:
 * the packet is not consumed.
 */
static __always_inline int pcn_pkt_controller(struct CTXTYPE *ctx, struct pkt_metadata *md,
					      u16 reason)
{
	md->cube_id = CUBE_ID;
	md->in_port = POLYCUBE_PROGRAM_TYPE;
	md->packet_len = dynmon_packet_len(ctx);
	md->reason = reason;
#if LOG_LEVEL <= LOG_DEBUG
	struct dynmon_event_packet *event = dynmon_event_reserve(sizeof(*event));

	if (!event)
		return RX_OK;
	event->kind = DYNMON_EVENT_PACKET;
	event->reason = reason;
	event->packet_len = md->packet_len;
	__builtin_memcpy(event->md, md->md, sizeof(event->md));
	event->ifindex = dynmon_ifindex(ctx);
	bpf_ringbuf_submit(event, 0);
#endif
	return RX_OK;
}

static __always_inline int pcn_pkt_controller_with_metadata(struct CTXTYPE *ctx,
							    struct pkt_metadata *md, u16 reason,
							    u32 metadata[3])
{
	__builtin_memcpy(md->md, metadata, sizeof(md->md));
	return pcn_pkt_controller(ctx, md, reason);
}

char dynmon_license[] SEC("license") = "GPL";

#endif
