/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets dropped by the kernel, by drop reason. Requires Linux 5.17.
 *
 * The section attaches the program to a kernel tracepoint. The monitor has no interface and sees
 * all network namespaces of the host. The last line of
 * /sys/kernel/tracing/events/skb/kfree_skb/format maps the numbers to names; numbers from 65536
 * belong to subsystems.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <dynmon.h>

#define REASONS 1024

/*
 * Only the member that is read. Its offset differs between kernels (6.11 inserted a member before
 * it), so libbpf relocates the access with the kernel's BTF when it loads the program.
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

	/* Another CPU may have inserted the key first: look it up again. */
	if (!count && bpf_map_update_elem(&drops, &drop, &one, BPF_NOEXIST) == 0)
		return 0;
	if (!count)
		count = bpf_map_lookup_elem(&drops, &drop);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
