/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decode plan converts the bytes of one type to JSON and numbers.
 *
 * A plan is made once from BTF when a generation is loaded. It runs for each entry of each read. A
 * plan is a flat list of operations. Each operation holds the fixed text that precedes its value
 * ("{\"saddr\":"). Running a plan only copies text and writes numbers.
 *
 * A plan has one owner and is read-only once made. Any number of threads may run it without a lock.
 */
#ifndef DYNMON_DECODE_PLAN_H
#define DYNMON_DECODE_PLAN_H

#include "base/error.h"
#include "decode/number.h"

struct btf;
struct btf_type;

/* Limits. Types that exceed one are rejected. */
#define PLAN_OPS_MAX   4096
#define PLAN_DEPTH_MAX 32
#define PLAN_TEXT_MAX  (64 * 1024) /* bytes of all fixed text, mainly names */

enum plan_kind {
	PLAN_TEXT, /* fixed text only */
	PLAN_UNSIGNED,
	PLAN_SIGNED,
	PLAN_FLOAT,
	PLAN_BOOL,
	PLAN_BITS,	  /* an unsigned bit field */
	PLAN_SIGNED_BITS, /* a signed bit field */
	PLAN_STRING,	  /* bytes: text, or else a list of numbers */
	PLAN_HEX,	  /* bytes of unknown type */
	PLAN_LOOP,	  /* an array: runs the next body operations count times */
};

struct plan_op {
	enum plan_kind kind;
	uint32_t text;	   /* fixed text: offset in plan->text */
	uint32_t text_len; /* fixed text: bytes */
	uint32_t offset;   /* bytes from the start of the value or loop element */
	uint32_t size;	   /* bytes of the value, or of one loop element */
	uint32_t count;	   /* loops: number of elements */
	uint32_t body;	   /* loops: number of operations in the body */
	uint16_t bit;	   /* bit fields: first bit, 0 is the lowest of the byte at offset */
	uint16_t bits;	   /* bit fields: width in bits; PLAN_STRING: 1 if numbers are signed */
};

struct plan {
	struct plan_op *ops;
	size_t n_ops;
	struct text text;
	uint32_t size; /* bytes of one value */
};

/**
 * plan_init() - make the plan for a BTF type
 * @plan:     initialized; call plan_release() after success
 * @btf:      BTF, or NULL; may be untrusted
 * @type_id:  id of the type, 0 if unknown
 * @size:     bytes of one value
 * @err:      receives the reason of a failure
 *
 * If the type is unknown, values of 1, 2, 4 or 8 bytes are unsigned integers, and others are shown
 * as hexadecimal digits.
 *
 * Return: 0 on success, -EINVAL if the type has another size or cannot be decoded, -E2BIG over a
 * limit, -ENOMEM.
 */
int plan_init(struct plan *plan, const struct btf *btf, uint32_t type_id, uint32_t size,
	      struct error *err);

/**
 * plan_init_bitfield() - make the plan for a bit field
 * @plan:    initialized if the return value is 1
 * @btf:     BTF; may be untrusted
 * @type:    struct or union
 * @member:  index of the member
 * @err:     receives the reason of a failure
 *
 * Values of the plan start at the byte with the first bit of the member.
 *
 * Return: 1 if the plan was made, 0 if the member is not a bit field, -EINVAL if the bit field is
 * wider than 64 bits, -ENOMEM.
 */
int plan_init_bitfield(struct plan *plan, const struct btf *btf, const struct btf_type *type,
		       uint32_t member, struct error *err);

/**
 * plan_release() - free the contents of a plan
 * @plan:  plan, also if zeroed
 */
void plan_release(struct plan *plan);

/**
 * plan_json() - append a value as JSON
 * @plan:   the plan
 * @value:  plan->size bytes, need not be aligned
 * @out:    the JSON is appended
 */
void plan_json(const struct plan *plan, const void *value, struct text *out);

/**
 * plan_equal() - test whether two plans decode the same bytes in the same way with the same names
 * @a:  first plan
 * @b:  second plan
 */
bool plan_equal(const struct plan *a, const struct plan *b);

/**
 * plan_add() - add a value to a sum, number by number
 * @plan:   the plan
 * @sum:    plan->size bytes, updated
 * @value:  plan->size bytes
 *
 * Integers wrap around at their own width. All other parts, including bool and bit fields, are
 * copied from @value. Of the members of a union that share bytes, the first is added.
 */
void plan_add(const struct plan *plan, void *sum, const void *value);

/**
 * plan_repeat() - turn the plan of a struct member into the plan of an array
 * @plan:    plan of the member, extended; plan_release() it even after a failure
 * @stride:  bytes from one struct to the next
 * @count:   number of structs, at least 1
 * @err:     receives the reason of a failure
 *
 * Return: 0 or -ENOMEM.
 */
int plan_repeat(struct plan *plan, uint32_t stride, uint32_t count, struct error *err);

/**
 * plan_is_number() - test whether a plan is a single number
 * @plan:  the plan
 *
 * 128-bit integers are not numbers here. Bit fields and bool are.
 */
bool plan_is_number(const struct plan *plan);

/**
 * plan_is_bits() - test whether a plan is a bit field, which shares its bytes with other members
 * @plan:  the plan
 */
bool plan_is_bits(const struct plan *plan);

/**
 * plan_number() - decode a number
 * @plan:   plan for which plan_is_number() holds
 * @value:  plan->size bytes
 */
struct number plan_number(const struct plan *plan, const void *value);

/**
 * plan_n_integers() - count the elements of an array of integers
 * @plan:  the plan
 *
 * Return: number of elements, or 0 if the plan is not a one-dimensional array of integers.
 */
uint32_t plan_n_integers(const struct plan *plan);

/**
 * plan_has_numbers() - test whether a type contains numbers
 * @plan:  the plan
 *
 * Arrays of integers of 1 or 2 bytes are treated as data, not as numbers.
 */
bool plan_has_numbers(const struct plan *plan);

/**
 * plan_number_at() - decode one number of an array of integers
 * @plan:   plan of an array of integers, or of a number
 * @value:  plan->size bytes
 * @i:      index below plan_n_integers(), 0 for a number
 */
struct number plan_number_at(const struct plan *plan, const void *value, uint32_t i);

/**
 * plan_number_size() - return the size of each number in bytes
 * @plan:  plan of an array of integers, or of a number
 */
uint32_t plan_number_size(const struct plan *plan);

#endif
