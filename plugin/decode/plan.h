/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decode plan: how the bytes of one type become text and numbers.
 *
 * Made once from BTF when a generation is loaded, then run for every entry of every read.
 * It is a flat list of operations; an operation carries the fixed text that stands before
 * its value ("{\"saddr\":"), so that running a plan is copying text and writing numbers.
 * Read-only once made: any number of threads may run it.
 */
#ifndef DYNMON_DECODE_PLAN_H
#define DYNMON_DECODE_PLAN_H

#include "base/error.h"
#include "decode/number.h"

struct btf;
struct btf_type;

/* A type of more operations, or deeper, is refused. */
#define PLAN_OPS_MAX   4096
#define PLAN_DEPTH_MAX 32
#define PLAN_TEXT_MAX  (64 * 1024) /* bytes of all names */

enum plan_kind {
	PLAN_TEXT, /* only the text before it */
	PLAN_UNSIGNED,
	PLAN_SIGNED,
	PLAN_FLOAT,
	PLAN_BOOL,
	PLAN_BITS,	  /* an unsigned bit field */
	PLAN_SIGNED_BITS, /* a signed one */
	PLAN_STRING,	  /* bytes up to NUL */
	PLAN_HEX,	  /* bytes without a type */
	PLAN_LOOP,	  /* an array: the following body operations, count times */
};

struct plan_op {
	enum plan_kind kind;
	uint32_t text;	   /* the text before: where it starts in plan->text */
	uint32_t text_len; /* bytes */
	uint32_t offset;   /* bytes from the start of the value, or of the loop's element */
	uint32_t size;	   /* bytes of the value; of one element of a loop */
	uint32_t count;	   /* loops: elements */
	uint32_t body;	   /* loops: operations that follow */
	uint16_t bit;	   /* bit fields: first bit from the lowest of the byte at offset */
	uint16_t bits;	   /* bit fields: how many */
};

struct plan {
	struct plan_op *ops;
	size_t n_ops;
	struct text text;
	uint32_t size; /* bytes of one value */
};

/*
 * Makes the plan for a BTF type. type_id 0: no type is known, size bytes are an unsigned
 * integer when that is possible, otherwise hexadecimal digits.
 * Errors: -EINVAL when the type does not have that size or cannot be shown, -E2BIG over a
 * limit above. After success: plan_release().
 */
int plan_init(struct plan *plan, const struct btf *btf, uint32_t type_id, uint32_t size,
	      struct error *err);

/*
 * Makes the plan for a member that is a bit field; its values start at the byte that holds the
 * member's first bit. 1: *plan is made; 0: the member is no bit field; -ENOMEM.
 */
int plan_init_bitfield(struct plan *plan, const struct btf *btf, const struct btf_type *type,
		       uint32_t member, struct error *err);

void plan_release(struct plan *plan);

/* Appends the value as JSON. */
void plan_json(const struct plan *plan, const void *value, struct text *out);

/* Whether two plans read the same bytes in the same way, under the same names. */
bool plan_equal(const struct plan *a, const struct plan *b);

/*
 * Adds a value to a sum, number by number in their own width; of all else, bit fields too, the sum
 * takes the value's. A union's members are all added: it must be one of numbers of one kind.
 */
void plan_add(const struct plan *plan, void *sum, const void *value);

/*
 * Makes the plan of a part of a struct the plan of an array: that part of count structs, which are
 * stride bytes apart. -ENOMEM.
 */
int plan_repeat(struct plan *plan, uint32_t stride, uint32_t count, struct error *err);

/* Whether the plan is a single number; 128-bit integers are not. */
bool plan_is_number(const struct plan *plan);
/* Whether it is a bit field: its bytes belong to others, too. */
bool plan_is_bits(const struct plan *plan);
/* The value as a number; only for plans that are one. */
struct number plan_number(const struct plan *plan, const void *value);
/* How many integers the plan is an array of; 0: it is none. */
uint32_t plan_n_integers(const struct plan *plan);
/* Whether there are numbers in it; integers of 1 and 2 bytes in a row are data. */
bool plan_has_numbers(const struct plan *plan);
/* Whether there are strings in it, beside other things: what follows a NUL in one is not shown. */
bool plan_has_strings(const struct plan *plan);
/* One of these; i: 0 of a plan that is a number itself. */
struct number plan_number_at(const struct plan *plan, const void *value, uint32_t i);
/* Bytes of each. */
uint32_t plan_number_size(const struct plan *plan);

#endif
