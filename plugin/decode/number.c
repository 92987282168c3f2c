/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/number.h"

struct number number_add(struct number a, struct number b)
{
	if (a.kind == NUMBER_FLOAT)
		a.f += b.f;
	else
		a.u += b.u; /* also correct for signed numbers in two's complement */
	return a;
}

bool number_less(struct number a, struct number b)
{
	switch (a.kind) {
	case NUMBER_SIGNED:
		return a.i < b.i;
	case NUMBER_FLOAT:
		return a.f < b.f;
	default:
		return a.u < b.u;
	}
}

double number_double(struct number n)
{
	switch (n.kind) {
	case NUMBER_SIGNED:
		return (double)n.i;
	case NUMBER_FLOAT:
		return n.f;
	default:
		return (double)n.u;
	}
}

void number_text(struct number n, struct text *out)
{
	switch (n.kind) {
	case NUMBER_SIGNED:
		text_i64(out, n.i);
		break;
	case NUMBER_FLOAT:
		text_double(out, n.f);
		break;
	default:
		text_u64(out, n.u);
		break;
	}
}
