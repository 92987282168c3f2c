/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's <linux/jhash.h> for dataplanes. The hash is lookup3 by Bob Jenkins, May 2006, Public
 * Domain: https://burtleburtle.net/bob/c/lookup3.c (hashlittle() for bytes, hashword() for words).
 * The results are those of the kernel.
 */
#ifndef DYNMON_LINUX_JHASH_H
#define DYNMON_LINUX_JHASH_H

#include <linux/types.h>

#define JHASH_INITVAL 0xdeadbeef

static inline __attribute__((always_inline)) __u32 dynmon_rotate(__u32 word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

static inline __attribute__((always_inline)) void dynmon_jhash_mix(__u32 state[3])
{
	__u32 a = state[0], b = state[1], c = state[2];

	a = (a - c) ^ dynmon_rotate(c, 4), c += b;
	b = (b - a) ^ dynmon_rotate(a, 6), a += c;
	c = (c - b) ^ dynmon_rotate(b, 8), b += a;
	a = (a - c) ^ dynmon_rotate(c, 16), c += b;
	b = (b - a) ^ dynmon_rotate(a, 19), a += c;
	c = (c - b) ^ dynmon_rotate(b, 4), b += a;
	state[0] = a, state[1] = b, state[2] = c;
}

static inline __attribute__((always_inline)) __u32 dynmon_jhash_final(__u32 a, __u32 b, __u32 c)
{
	c = (c ^ b) - dynmon_rotate(b, 14);
	a = (a ^ c) - dynmon_rotate(c, 11);
	b = (b ^ a) - dynmon_rotate(a, 25);
	c = (c ^ b) - dynmon_rotate(b, 16);
	a = (a ^ c) - dynmon_rotate(c, 4);
	b = (b ^ a) - dynmon_rotate(a, 14);
	return (c ^ b) - dynmon_rotate(b, 24);
}

/* Hashes length bytes. length is a constant, or has a bound that the verifier knows. */
static inline __attribute__((always_inline)) __u32 jhash(const void *key, __u32 length,
							 __u32 initval)
{
	const unsigned char *bytes = key;
	__u32 start = JHASH_INITVAL + length + initval;
	__u32 state[3] = { start, start, start }, words[3];

	for (; length > 12; length -= 12, bytes += 12) {
		__builtin_memcpy(words, bytes, sizeof(words));
		for (int i = 0; i < 3; i++)
			state[i] += words[i];
		dynmon_jhash_mix(state);
	}
	if (!length)
		return state[2];
	for (__u32 i = 0; i < 12; i++)
		if (i < length)
			state[i / 4] += (__u32)bytes[i] << 8 * (i % 4);
	return dynmon_jhash_final(state[0], state[1], state[2]);
}

/* Hashes length words of 32 bits. */
static inline __attribute__((always_inline)) __u32 jhash2(const __u32 *words, __u32 length,
							  __u32 initval)
{
	__u32 start = JHASH_INITVAL + (length << 2) + initval;
	__u32 state[3] = { start, start, start };

	for (; length > 3; length -= 3, words += 3) {
		for (int i = 0; i < 3; i++)
			state[i] += words[i];
		dynmon_jhash_mix(state);
	}
	if (!length)
		return state[2];
	for (__u32 i = 0; i < 3; i++)
		if (i < length)
			state[i] += words[i];
	return dynmon_jhash_final(state[0], state[1], state[2]);
}

static inline __attribute__((always_inline)) __u32 jhash_3words(__u32 a, __u32 b, __u32 c,
								__u32 initval)
{
	__u32 start = JHASH_INITVAL + (3 << 2) + initval;

	return dynmon_jhash_final(a + start, b + start, c + start);
}

static inline __attribute__((always_inline)) __u32 jhash_2words(__u32 a, __u32 b, __u32 initval)
{
	__u32 start = JHASH_INITVAL + (2 << 2) + initval;

	return dynmon_jhash_final(a + start, b + start, start);
}

static inline __attribute__((always_inline)) __u32 jhash_1word(__u32 a, __u32 initval)
{
	__u32 start = JHASH_INITVAL + (1 << 2) + initval;

	return dynmon_jhash_final(a + start, start, start);
}

#endif
