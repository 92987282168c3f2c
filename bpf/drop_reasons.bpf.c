/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that the kernel has dropped, by its reason, from Linux 5.17.
 *
 * It is attached to the kernel's tracepoint by its section: its monitor has no interface, and sees
 * all of the host, in every network namespace. What the numbers mean is in the last line of
 * /sys/kernel/tracing/events/skb/kfree_skb/format; those from 65536 on are of subsystems.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>

#define REASONS 1024

/*
 * Only what is read. Where it stands differs between kernels (6.11 put a member before it), so
 * libbpf looks it up in the kernel's types when it loads the program.
 */
enum skb_drop_reason { SKB_NOT_DROPPED_YET };

struct trace_event_raw_kfree_skb {
	enum skb_drop_reason reason;
} __attribute__((preserve_access_index));

struct drop {
	__u32 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct drop);
	__type(value, __u64);
	__uint(max_entries, REASONS);
} drops SEC(".maps") DYNMON_METRIC("dropped_packets", "counter", "Packets the kernel has dropped.");

SEC("tracepoint/skb/kfree_skb")
int count_drop(struct trace_event_raw_kfree_skb *event)
{
	struct drop drop = { .reason = event->reason };
	__u64 one = 1, *count = bpf_map_lookup_elem(&drops, &drop);

	/* Somebody may be faster on another CPU: then it is there now. */
	if (!count && bpf_map_update_elem(&drops, &drop, &one, BPF_NOEXIST) == 0)
		return 0;
	if (!count)
		count = bpf_map_lookup_elem(&drops, &drop);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
