/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/plan.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

void plan_release(struct plan *plan)
{
	free(plan->ops);
	text_release(&plan->text);
	*plan = (struct plan){};
}

static int64_t load_signed(const void *at, uint32_t size)
{
	return number_sign_extend(number_load(at, size), 8 * size);
}

static double load_float(const void *at, uint32_t size)
{
	float f;
	double d;

	if (size == sizeof(f)) {
		memcpy(&f, at, sizeof(f));
		return (double)f;
	}
	memcpy(&d, at, sizeof(d));
	return d;
}

/* Returns a bit field, shifted to bit 0. A field of up to 64 bits may span 9 bytes. */
static uint64_t load_bits(const struct plan_op *op, const void *at)
{
	unsigned __int128 bytes = 0;
	uint64_t mask = op->bits >= 64 ? UINT64_MAX : (1ULL << op->bits) - 1;
	unsigned int shift = op->bit;

	memcpy(&bytes, at, op->size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	/* On big-endian machines the first bit is the highest bit of the first byte. */
	shift = 128u - op->bit - op->bits;
#endif
	return (uint64_t)(bytes >> shift) & mask;
}

static int64_t load_signed_bits(const struct plan_op *op, const void *at)
{
	return number_sign_extend(load_bits(op, at), op->bits);
}

/* 128-bit integers are JSON strings, because most readers lose the low digits of large numbers. */
static void wide_json(const struct plan_op *op, const void *at, struct text *out)
{
	unsigned __int128 value;

	memcpy(&value, at, sizeof(value));
	text_addc(out, '"');
	if (op->kind == PLAN_SIGNED && (__int128)value < 0) {
		text_addc(out, '-');
		value = -value;
	}
	text_u128(out, value);
	text_addc(out, '"');
}

/* Text is a string, as in Polycube. Other bytes, such as an address, are a list of numbers. */
static void string_json(const struct plan_op *op, const char *at, struct text *out)
{
	if (utf8_is_padded(at, op->size)) {
		text_json(out, at, strnlen(at, op->size));
		return;
	}
	for (uint32_t i = 0; i < op->size; i++) {
		text_addc(out, i ? ',' : '[');
		text_i64(out, op->bits ? (signed char)at[i] : (unsigned char)at[i]);
	}
	text_addc(out, ']');
}

static void plan_run(const struct plan *plan, size_t from, size_t to, const char *value,
		     struct text *out)
{
	for (size_t i = from; i < to; i++) {
		const struct plan_op *op = &plan->ops[i];
		const char *at = value + op->offset;
		double number;

		if (op->text_len)
			text_add(out, plan->text.data + op->text, op->text_len);
		switch (op->kind) {
		case PLAN_TEXT:
			break;
		case PLAN_UNSIGNED:
			if (op->size > sizeof(uint64_t))
				wide_json(op, at, out);
			else
				text_u64(out, number_load(at, op->size));
			break;
		case PLAN_SIGNED:
			if (op->size > sizeof(uint64_t))
				wide_json(op, at, out);
			else
				text_i64(out, load_signed(at, op->size));
			break;
		case PLAN_FLOAT:
			number = load_float(at, op->size);
			if (isfinite(number))
				text_double(out, number);
			else
				text_adds(out, "null");
			break;
		case PLAN_BOOL:
			text_adds(out, *at ? "true" : "false");
			break;
		case PLAN_BITS:
			text_u64(out, load_bits(op, at));
			break;
		case PLAN_SIGNED_BITS:
			text_i64(out, load_signed_bits(op, at));
			break;
		case PLAN_STRING:
			string_json(op, at, out);
			break;
		case PLAN_HEX:
			text_addc(out, '"');
			text_hex(out, at, op->size);
			text_addc(out, '"');
			break;
		case PLAN_LOOP:
			for (uint32_t n = 0; n < op->count; n++) {
				if (n)
					text_addc(out, ',');
				plan_run(plan, i + 1, i + 1 + op->body, at + (size_t)n * op->size,
					 out);
			}
			i += op->body;
			break;
		}
	}
}

void plan_json(const struct plan *plan, const void *value, struct text *out)
{
	plan_run(plan, 0, plan->n_ops, value, out);
}

bool plan_equal(const struct plan *a, const struct plan *b)
{
	_Static_assert(sizeof(struct plan_op) == 7 * sizeof(uint32_t) + 2 * sizeof(uint16_t),
		       "operations are compared byte by byte and must not have padding");

	return a->size == b->size && a->n_ops == b->n_ops && a->text.len == b->text.len &&
	       (!a->text.len || !memcmp(a->text.data, b->text.data, a->text.len)) &&
	       (!a->n_ops || !memcmp(a->ops, b->ops, a->n_ops * sizeof(*a->ops)));
}

/* Adds one number of at most 16 bytes to a sum. */
static void add_to_sum(const struct plan_op *op, char *sum, const char *value)
{
	if (op->kind == PLAN_FLOAT) {
		double d = load_float(sum, op->size) + load_float(value, op->size);
		float f = (float)d;

		memcpy(sum, op->size == sizeof(f) ? (void *)&f : (void *)&d, op->size);
	} else if (op->size > sizeof(uint64_t)) {
		unsigned __int128 a, b;

		memcpy(&a, sum, sizeof(a));
		memcpy(&b, value, sizeof(b));
		a += b;
		memcpy(sum, &a, sizeof(a));
	} else {
		number_store(number_load(sum, op->size) + number_load(value, op->size), op->size,
			     sum);
	}
}

static void plan_add_range(const struct plan *plan, size_t from, size_t to, char *sum,
			   const char *value)
{
	uint32_t added = 0; /* bytes before this offset are added: other members of a union */

	for (size_t i = from; i < to; i++) {
		const struct plan_op *op = &plan->ops[i];
		char *left = sum + op->offset;
		const char *right = value + op->offset;

		switch (op->kind) {
		case PLAN_TEXT:
			break;
		case PLAN_UNSIGNED:
		case PLAN_SIGNED:
		case PLAN_FLOAT:
			if (op->offset < added)
				break;
			add_to_sum(op, left, right);
			added = op->offset + op->size;
			break;
		case PLAN_LOOP:
			for (uint32_t n = 0; op->offset >= added && n < op->count; n++)
				plan_add_range(plan, i + 1, i + 1 + op->body,
					       left + (size_t)n * op->size,
					       right + (size_t)n * op->size);
			if (op->offset >= added)
				added = op->offset + op->size * op->count;
			i += op->body;
			break;
		default: /* keep the newer value */
			memcpy(left, right, op->size);
			break;
		}
	}
}

void plan_add(const struct plan *plan, void *sum, const void *value)
{
	plan_add_range(plan, 0, plan->n_ops, sum, value);
}

bool plan_is_number(const struct plan *plan)
{
	if (plan->n_ops != 1 || plan->ops->size > sizeof(uint64_t))
		return false;
	switch (plan->ops->kind) {
	case PLAN_UNSIGNED:
	case PLAN_SIGNED:
	case PLAN_FLOAT:
	case PLAN_BOOL:
		return plan->ops->text_len == 0;
	case PLAN_BITS:
	case PLAN_SIGNED_BITS:
		return true;
	default:
		return false;
	}
}

bool plan_is_bits(const struct plan *plan)
{
	return plan->n_ops == 1 &&
	       (plan->ops->kind == PLAN_BITS || plan->ops->kind == PLAN_SIGNED_BITS);
}

uint32_t plan_n_integers(const struct plan *plan)
{
	const struct plan_op *loop = plan->ops, *each = loop + 1;

	if (plan->n_ops < 2 || loop->kind != PLAN_LOOP || loop->body != 1 || each->text_len ||
	    each->size > sizeof(uint64_t) ||
	    (each->kind != PLAN_UNSIGNED && each->kind != PLAN_SIGNED))
		return 0;
	for (size_t i = 2; i < plan->n_ops; i++)
		if (plan->ops[i].kind != PLAN_TEXT)
			return 0;
	return loop->count;
}

bool plan_has_numbers(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct plan_op *op = &plan->ops[i];
		bool integer = op->kind == PLAN_UNSIGNED || op->kind == PLAN_SIGNED;

		if ((integer && (op->size >= sizeof(uint32_t) || op->text_len)) ||
		    op->kind == PLAN_FLOAT || op->kind == PLAN_BITS || op->kind == PLAN_SIGNED_BITS)
			return true;
	}
	return false;
}

struct number plan_number_at(const struct plan *plan, const void *value, uint32_t i)
{
	const struct plan_op *op = plan->ops;
	const char *at = (const char *)value + op->offset;

	if (op->kind == PLAN_LOOP) {
		at += (size_t)i * op->size;
		op++;
		at += op->offset;
	}
	switch (op->kind) {
	case PLAN_SIGNED:
		return (struct number){ NUMBER_SIGNED, .i = load_signed(at, op->size) };
	case PLAN_SIGNED_BITS:
		return (struct number){ NUMBER_SIGNED, .i = load_signed_bits(op, at) };
	case PLAN_FLOAT:
		return (struct number){ NUMBER_FLOAT, .f = load_float(at, op->size) };
	case PLAN_BOOL:
		return (struct number){ NUMBER_UNSIGNED, .u = *at != 0 };
	case PLAN_BITS:
		return (struct number){ NUMBER_UNSIGNED, .u = load_bits(op, at) };
	default:
		return (struct number){ NUMBER_UNSIGNED, .u = number_load(at, op->size) };
	}
}

struct number plan_number(const struct plan *plan, const void *value)
{
	return plan_number_at(plan, value, 0);
}

uint32_t plan_number_size(const struct plan *plan)
{
	return plan->ops->kind == PLAN_LOOP ? plan->ops[1].size : plan->ops->size;
}
