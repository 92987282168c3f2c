/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/plan.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/*
 * State of the construction of a plan. Text after offset pending belongs to the next operation.
 *
 * BTF is untrusted: its source may be malicious, and libbpf continues if the kernel rejects it.
 * Invariant: each operation lies inside the value or array element that it belongs to.
 */
struct maker {
	struct plan *plan;
	const struct btf *btf;
	size_t size;	/* allocated operations */
	size_t pending; /* offset in plan->text */
	uint64_t limit; /* bytes of the current value or array element */
	size_t types;	/* visited; limits the work for a type that contains itself twice */
	struct error *err;
};

static int maker_op(struct maker *maker, struct plan_op op)
{
	struct plan *plan = maker->plan;

	uint64_t bytes = op.kind == PLAN_LOOP ? (uint64_t)op.count * op.size : op.size;

	if (op.offset + bytes > maker->limit)
		return error_set(maker->err, -EINVAL, "a member lies outside its type");
	if (plan->n_ops >= PLAN_OPS_MAX)
		return error_set(maker->err, -E2BIG, "the type has more than %d fields",
				 PLAN_OPS_MAX);
	if (plan->text.len > PLAN_TEXT_MAX)
		return error_set(maker->err, -E2BIG, "the type's names have more than %d bytes",
				 PLAN_TEXT_MAX);
	if (plan->n_ops == maker->size) {
		size_t size = maker->size ? 2 * maker->size : 8;
		struct plan_op *ops = realloc(plan->ops, size * sizeof(*ops));

		if (!ops)
			return error_oom(maker->err);
		plan->ops = ops;
		maker->size = size;
	}
	op.text = (uint32_t)maker->pending;
	op.text_len = (uint32_t)(plan->text.len - maker->pending);
	maker->pending = plan->text.len;
	plan->ops[plan->n_ops++] = op;
	return 0;
}

static int maker_flush(struct maker *maker)
{
	if (maker->pending == maker->plan->text.len)
		return 0;
	return maker_op(maker, (struct plan_op){ .kind = PLAN_TEXT });
}

/* Arrays of "unsigned char" and "signed char" are strings; arrays of plain "char" are numbers. */
static bool is_string_char(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = type_resolve(btf, id);

	return type && btf_is_int(type) && type->size == 1 &&
	       !(btf_int_encoding(type) & BTF_INT_BOOL) &&
	       strcmp(type_name(btf, type->name_off), "char") != 0;
}

static int make_type(struct maker *maker, uint32_t id, uint32_t offset, unsigned int depth);

static bool size_is_usual(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

static int make_int(struct maker *maker, const struct btf_type *type, uint32_t offset)
{
	bool is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;

	if (!size_is_usual(type->size))
		return error_set(maker->err, -EINVAL, "an integer of %u bytes", type->size);
	if (btf_int_encoding(type) & BTF_INT_BOOL)
		return maker_op(maker, (struct plan_op){ .kind = PLAN_BOOL,
							 .offset = offset,
							 .size = type->size });
	return maker_op(maker, (struct plan_op){ .kind = is_signed ? PLAN_SIGNED : PLAN_UNSIGNED,
						 .offset = offset,
						 .size = type->size });
}

static int make_array(struct maker *maker, const struct btf_type *type, uint32_t offset,
		      unsigned int depth)
{
	const struct btf_array *array = btf_array(type);
	int64_t size = btf__resolve_size(maker->btf, array->type);
	size_t loop = maker->plan->n_ops;
	uint64_t limit = maker->limit;
	int r;

	if (size < 0 || size > UINT32_MAX || (!size && array->nelems))
		return error_set(maker->err, -EINVAL, "an array of a type without a size");
	if (is_string_char(maker->btf, array->type) && array->nelems)
		return maker_op(maker, (struct plan_op){ .kind = PLAN_STRING,
							 .offset = offset,
							 .size = array->nelems });
	text_addc(&maker->plan->text, '[');
	r = maker_op(maker, (struct plan_op){ .kind = PLAN_LOOP,
					      .offset = offset,
					      .size = (uint32_t)size,
					      .count = array->nelems });
	maker->limit = (uint64_t)size;
	if (r == 0)
		r = make_type(maker, array->type, 0, depth);
	if (r == 0)
		r = maker_flush(maker);
	maker->limit = limit;
	if (r < 0)
		return r;
	maker->plan->ops[loop].body = (uint32_t)(maker->plan->n_ops - loop - 1);
	text_addc(&maker->plan->text, ']');
	return 0;
}

static int make_bits(struct maker *maker, uint32_t id, uint32_t offset, uint32_t bit, uint32_t bits)
{
	const struct btf_type *type = type_resolve(maker->btf, id);
	bool is_signed = type && ((btf_is_int(type) && btf_int_encoding(type) & BTF_INT_SIGNED) ||
				  (btf_is_any_enum(type) && btf_kflag(type)));

	if (!bits || bits > 64)
		return error_set(maker->err, -EINVAL, "a bit field of %u bits", bits);
	return maker_op(maker, (struct plan_op){ .kind = is_signed ? PLAN_SIGNED_BITS : PLAN_BITS,
						 .offset = offset + bit / 8,
						 .size = (bit % 8 + bits + 7) / 8,
						 .bit = (uint16_t)(bit % 8),
						 .bits = (uint16_t)bits });
}

/* Returns the width of a bit field in bits, or 0 for other members. */
static uint32_t bitfield_bits(const struct btf *btf, const struct btf_type *type, uint32_t i)
{
	const struct btf_type *member;

	if (btf_kflag(type))
		return btf_member_bitfield_size(type, i);
	/* Objects of old compilers store the width in the integer type of the member. */
	member = type_resolve(btf, btf_members(type)[i].type);
	if (member && btf_is_int(member) && btf_int_bits(member) != member->size * 8)
		return btf_int_bits(member);
	return 0;
}

/*
 * Adds the members with their names, without braces. Members of an anonymous struct or union are
 * added as members of the parent.
 */
static int make_members(struct maker *maker, const struct btf_type *type, uint32_t offset,
			unsigned int depth, bool *first)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *name = type_name(maker->btf, members[i].name_off);
		uint32_t bit = btf_member_bit_offset(type, i);
		uint32_t bits = bitfield_bits(maker->btf, type, i);
		const struct btf_type *member = type_resolve(maker->btf, members[i].type);
		int r;

		if (!*name && member && btf_is_composite(member)) {
			if (depth >= PLAN_DEPTH_MAX || ++maker->types > 2 * PLAN_OPS_MAX)
				return error_set(maker->err, -E2BIG,
						 "the type is nested too deeply");
			r = make_members(maker, member, offset + bit / 8, depth + 1, first);
			if (r < 0)
				return r;
			continue;
		}
		if (!*first)
			text_addc(&maker->plan->text, ',');
		*first = false;
		text_json(&maker->plan->text, name, strlen(name));
		text_addc(&maker->plan->text, ':');
		r = bits ? make_bits(maker, members[i].type, offset, bit, bits)
			 : make_type(maker, members[i].type, offset + bit / 8, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds the variables of a data section as if they were members of a struct. */
static int make_section(struct maker *maker, const struct btf_type *type, uint32_t offset,
			unsigned int depth, bool *first)
{
	const struct btf_var_secinfo *vars = btf_var_secinfos(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *var = btf__type_by_id(maker->btf, vars[i].type);
		const char *name = var ? type_name(maker->btf, var->name_off) : "";
		int r;

		if (!*first)
			text_addc(&maker->plan->text, ',');
		*first = false;
		text_json(&maker->plan->text, name, strlen(name));
		text_addc(&maker->plan->text, ':');
		r = make_type(maker, vars[i].type, offset + vars[i].offset, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_type(struct maker *maker, uint32_t id, uint32_t offset, unsigned int depth)
{
	const struct btf_type *type = type_resolve(maker->btf, id);
	bool first = true;
	int r;

	if (depth >= PLAN_DEPTH_MAX || ++maker->types > 2 * PLAN_OPS_MAX)
		return error_set(maker->err, -E2BIG, "the type is nested too deeply");
	switch (type ? btf_kind(type) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		return make_int(maker, type, offset);
	case BTF_KIND_FLOAT:
		if (type->size != sizeof(float) && type->size != sizeof(double))
			break;
		return maker_op(maker, (struct plan_op){ .kind = PLAN_FLOAT,
							 .offset = offset,
							 .size = type->size });
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!size_is_usual(type->size) || type->size > sizeof(uint64_t))
			break;
		return maker_op(maker, (struct plan_op){ .kind = btf_kflag(type) ? PLAN_SIGNED
										 : PLAN_UNSIGNED,
							 .offset = offset,
							 .size = type->size });
	case BTF_KIND_PTR:
		return maker_op(maker, (struct plan_op){ .kind = PLAN_UNSIGNED,
							 .offset = offset,
							 .size = sizeof(uint64_t) });
	case BTF_KIND_ARRAY:
		return make_array(maker, type, offset, depth + 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
		text_addc(&maker->plan->text, '{');
		r = (btf_is_datasec(type) ? make_section : make_members)(maker, type, offset,
									 depth + 1, &first);
		text_addc(&maker->plan->text, '}');
		return r;
	}
	return error_set(maker->err, -EINVAL, "type \"%s\" cannot be shown",
			 type ? type_name(maker->btf, type->name_off) : "?");
}

static int make_raw(struct maker *maker, uint32_t size)
{
	bool integer = size == 1 || size == 2 || size == 4 || size == 8;

	return maker_op(maker, (struct plan_op){ .kind = integer ? PLAN_UNSIGNED : PLAN_HEX,
						 .size = size });
}

int plan_init(struct plan *plan, const struct btf *btf, uint32_t type_id, uint32_t size,
	      struct error *err)
{
	struct maker maker = { .plan = plan, .btf = btf, .limit = size, .err = err };
	int r;

	*plan = (struct plan){ .size = size };
	if (!btf || !type_id) {
		r = make_raw(&maker, size);
	} else if (type_size(btf, type_id) != (int64_t)size) {
		r = error_set(err, -EINVAL, "the map has %u bytes, its type in BTF %lld", size,
			      (long long)type_size(btf, type_id));
	} else {
		r = make_type(&maker, type_id, 0, 0);
		if (r == 0)
			r = maker_flush(&maker);
	}
	if (r == 0 && text_status(&plan->text) < 0)
		r = error_oom(err);
	if (r < 0)
		plan_release(plan);
	return r;
}

int plan_init_bitfield(struct plan *plan, const struct btf *btf, const struct btf_type *type,
		       uint32_t member, struct error *err)
{
	struct maker maker = { .plan = plan, .btf = btf, .limit = UINT32_MAX, .err = err };
	uint32_t bits = bitfield_bits(btf, type, member);
	uint32_t bit = btf_member_bit_offset(type, member);
	int r;

	*plan = (struct plan){ .size = (bit % 8 + bits + 7) / 8 };
	if (!bits)
		return 0;
	r = make_bits(&maker, btf_members(type)[member].type, 0, bit % 8, bits);
	if (r < 0)
		plan_release(plan);
	return r < 0 ? r : 1;
}

int plan_repeat(struct plan *plan, uint32_t stride, uint32_t count, struct error *err)
{
	uint32_t text = (uint32_t)plan->text.len;
	struct plan_op *ops = realloc(plan->ops, (plan->n_ops + 2) * sizeof(*ops));

	if (!ops)
		return error_oom(err);
	plan->ops = ops;
	memmove(ops + 1, ops, plan->n_ops * sizeof(*ops));
	ops[0] = (struct plan_op){
		.kind = PLAN_LOOP,
		.text = text,
		.text_len = 1,
		.size = stride,
		.count = count,
		.body = (uint32_t)plan->n_ops,
	};
	ops[plan->n_ops + 1] = (struct plan_op){ PLAN_TEXT, .text = text + 1, .text_len = 1 };
	text_adds(&plan->text, "[]");
	plan->n_ops += 2;
	plan->size += (count - 1) * stride;
	return text_status(&plan->text) < 0 ? error_oom(err) : 0;
}
