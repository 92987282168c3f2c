/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as maps have them: integers keep all their 64 bits. */
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

/* Adds b to a; integers wrap around as the kernel's own counters do. */
struct number number_add(struct number a, struct number b);
/* Of numbers of one kind. */
bool number_less(struct number a, struct number b);
double number_double(struct number n);
void number_text(struct number n, struct text *out);

#endif
