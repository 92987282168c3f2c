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

/**
 * number_add() - add two numbers of the same kind
 * @a:  first number
 * @b:  second number
 *
 * Return: the sum. Integers wrap around, like counters in the kernel.
 */
struct number number_add(struct number a, struct number b);

/**
 * number_less() - test whether a number is less than another one of the same kind
 * @a:  first number
 * @b:  second number
 */
bool number_less(struct number a, struct number b);

/**
 * number_double() - convert a number to double; integers above 2^53 lose their low bits
 * @n:  the number
 */
double number_double(struct number n);

/**
 * number_text() - append a number in decimal
 * @n:    the number
 * @out:  the text is appended
 */
void number_text(struct number n, struct text *out);

#endif
