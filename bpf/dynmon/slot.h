/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of histograms with buckets that are powers of two. The document declares such a histogram
 * with "buckets": "log2", or "log2-floor" for code in the dialect.
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

/**
 * dynmon_slot() - find the slot of a value
 * @value: any value
 * @slots: number of slots, at least 1
 *
 * Return: slot i for values from 2^i to 2^(i+1) - 1; slot 0 for the value 0; the last slot for
 * values that are too large.
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
