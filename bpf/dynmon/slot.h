/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of histograms whose buckets are powers of two: "buckets": "log2" in the document, and
 * "log2-floor" where the code is of the dialect.
 *
 *	struct sizes {
 *		__u64 slots[20];
 *		__u64 sum;
 *	};
 *	...
 *	sizes->slots[dynmon_slot(skb->len, 20)]++;
 *	sizes->sum += skb->len;
 */
#ifndef DYNMON_SLOT_H
#define DYNMON_SLOT_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* Slot i is of the values from 2^i to 2^(i+1) - 1; 0 is in slot 0, too large ones are in the last.
 */
static __always_inline __u32 dynmon_slot(__u64 value, __u32 slots)
{
	__u32 slot = 0;

	for (__u32 half = 32; half; half /= 2) {
		if (value >> half) {
			value >>= half;
			slot += half;
		}
	}
	return slot < slots ? slot : slots - 1;
}

#endif
