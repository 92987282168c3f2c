/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number from a map. Integers keep all 64 bits; they are not converted to double.
 *
 * Passed by value. The functions keep no state; any thread may call them.
 */
#ifndef DYNMON_DECODE_NUMBER_H
#define DYNMON_DECODE_NUMBER_H

#include "base/text.h"

struct number {
	enum { NUMBER_UNSIGNED, NUMBER_SIGNED, NUMBER_FLOAT } kind;
	union {
		uint64_t u;
		int64_t i;
		double f;
	};
};

/* Loads an unsigned integer of 1, 2, 4 or 8 bytes, which need not be aligned. */
static inline uint64_t number_load(const void *at, uint32_t size)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case sizeof(uint8_t):
		return *(const uint8_t *)at;
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

/* Extends the sign of an integer of 1 to 64 bits. */
static inline int64_t number_sign_extend(uint64_t value, unsigned int bits)
{
	return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

/* Stores the low bytes of an integer: 1, 2, 4 or 8 bytes, which need not be aligned. */
static inline void number_store(uint64_t value, uint32_t size, void *at)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value <<= 64 - 8 * size;
#endif
	memcpy(at, &value, size);
}

/* Adds two numbers of the same kind. Integers wrap around, like counters in the kernel. */
static inline struct number number_add(struct number a, struct number b)
{
	if (a.kind == NUMBER_FLOAT)
		a.f += b.f;
	else
		a.u += b.u; /* also correct for signed numbers in two's complement */
	return a;
}

/* Compares two numbers of the same kind. */
static inline bool number_less(struct number a, struct number b)
{
	return a.kind == NUMBER_FLOAT ? a.f < b.f : a.kind == NUMBER_SIGNED ? a.i < b.i : a.u < b.u;
}

/* Converts a number to double. Integers above 2^53 lose their low bits. */
static inline double number_double(struct number n)
{
	return n.kind == NUMBER_FLOAT ? n.f : n.kind == NUMBER_SIGNED ? (double)n.i : (double)n.u;
}

/* Appends a number in decimal. */
static inline void number_text(struct number n, struct text *out)
{
	if (n.kind == NUMBER_FLOAT)
		text_double(out, n.f);
	else if (n.kind == NUMBER_SIGNED)
		text_i64(out, n.i);
	else
		text_u64(out, n.u);
}

#endif
