/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/array.h"
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
	size_t pending; /* offset in plan->text */
	uint64_t limit; /* bytes of the current value or array element */
	size_t types;	/* visited; limits the work for a type that contains itself twice */
	struct error *err;
};

static int append_op(struct maker *maker, struct plan_op op)
{
	struct plan *plan = maker->plan;
	uint64_t bytes = op.kind == PLAN_LOOP ? (uint64_t)op.count * op.size : op.size;
	struct plan_op *next;

	if (op.offset + bytes > maker->limit)
		return error_set(maker->err, -EINVAL, "a member lies outside its type");
	if (plan->n_ops >= PLAN_OPS_MAX)
		return error_set(maker->err, -E2BIG, "the type has more than %d fields",
				 PLAN_OPS_MAX);
	if (plan->text.len > PLAN_TEXT_MAX)
		return error_set(maker->err, -E2BIG, "the type's names have more than %d bytes",
				 PLAN_TEXT_MAX);
	next = array_append(plan->ops, plan->n_ops);
	if (!next)
		return error_oom(maker->err);
	op.text = (uint32_t)maker->pending;
	op.text_len = (uint32_t)(plan->text.len - maker->pending);
	maker->pending = plan->text.len;
	*next = op;
	return 0;
}

static int append_value(struct maker *maker, enum plan_kind kind, uint32_t offset, uint32_t size)
{
	return append_op(maker, (struct plan_op){ .kind = kind, .offset = offset, .size = size });
}

/* Adds text that no value follows. */
static int add_pending_text(struct maker *maker)
{
	return maker->pending == maker->plan->text.len ? 0 : append_value(maker, PLAN_TEXT, 0, 0);
}

static int make_type(struct maker *maker, uint32_t id, uint32_t offset, unsigned int depth);

static int make_array(struct maker *maker, const struct btf_type *type, uint32_t offset,
		      unsigned int depth)
{
	const struct btf_array *array = btf_array(type);
	const struct btf_type *element = type_resolve(maker->btf, array->type);
	int64_t size = btf__resolve_size(maker->btf, array->type);
	size_t loop = maker->plan->n_ops;
	uint64_t limit = maker->limit;
	int r;

	if (size < 0 || size > UINT32_MAX || (!size && array->nelems))
		return error_set(maker->err, -EINVAL, "an array of a type without a size");
	/* Arrays of "unsigned char" and "signed char" are strings; those of "char" are numbers. */
	if (array->nelems && element && btf_is_int(element) && element->size == 1 &&
	    !(btf_int_encoding(element) & BTF_INT_BOOL) &&
	    strcmp(type_name(maker->btf, element->name_off), "char") != 0)
		return append_op(maker,
				 (struct plan_op){
					 .kind = PLAN_STRING,
					 .offset = offset,
					 .size = array->nelems,
					 .bits = !!(btf_int_encoding(element) & BTF_INT_SIGNED),
				 });
	text_addc(&maker->plan->text, '[');
	r = append_op(maker, (struct plan_op){ .kind = PLAN_LOOP,
					       .offset = offset,
					       .size = (uint32_t)size,
					       .count = array->nelems });
	maker->limit = (uint64_t)size;
	if (r == 0)
		r = make_type(maker, array->type, 0, depth);
	if (r == 0)
		r = add_pending_text(maker);
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
	return append_op(maker, (struct plan_op){ .kind = is_signed ? PLAN_SIGNED_BITS : PLAN_BITS,
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

static void add_name(struct maker *maker, const char *name, bool *first)
{
	if (!*first)
		text_addc(&maker->plan->text, ',');
	*first = false;
	text_json(&maker->plan->text, name, strlen(name));
	text_addc(&maker->plan->text, ':');
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

		if (type_is_opaque(maker->btf, members[i].type))
			continue;
		if (!*name && member && btf_is_composite(member)) {
			if (depth >= PLAN_DEPTH_MAX || ++maker->types > 2 * PLAN_OPS_MAX)
				return error_set(maker->err, -E2BIG,
						 "the type is nested too deeply");
			r = make_members(maker, member, offset + bit / 8, depth + 1, first);
			if (r < 0)
				return r;
			continue;
		}
		add_name(maker, name, first);
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

		if (type_is_opaque(maker->btf, vars[i].type))
			continue;
		add_name(maker, name, first);
		r = make_type(maker, vars[i].type, offset + vars[i].offset, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_type(struct maker *maker, uint32_t id, uint32_t offset, unsigned int depth)
{
	const struct btf_type *type = type_resolve(maker->btf, id);
	uint32_t size = type ? type->size : 0;
	bool usual = size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
	bool first = true;
	int encoding, r;

	if (depth >= PLAN_DEPTH_MAX || ++maker->types > 2 * PLAN_OPS_MAX)
		return error_set(maker->err, -E2BIG, "the type is nested too deeply");
	switch (type ? btf_kind(type) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		encoding = btf_int_encoding(type);
		if (!usual)
			return error_set(maker->err, -EINVAL, "an integer of %u bytes", size);
		return append_value(maker,
				    encoding & BTF_INT_BOOL	? PLAN_BOOL
				    : encoding & BTF_INT_SIGNED ? PLAN_SIGNED
								: PLAN_UNSIGNED,
				    offset, size);
	case BTF_KIND_FLOAT:
		if (size != sizeof(float) && size != sizeof(double))
			break;
		return append_value(maker, PLAN_FLOAT, offset, size);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!usual || size > sizeof(uint64_t))
			break;
		return append_value(maker, btf_kflag(type) ? PLAN_SIGNED : PLAN_UNSIGNED, offset,
				    size);
	case BTF_KIND_PTR:
		return append_value(maker, PLAN_UNSIGNED, offset, sizeof(uint64_t));
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

int plan_init(struct plan *plan, const struct btf *btf, uint32_t type_id, uint32_t size,
	      struct error *err)
{
	struct maker maker = { .plan = plan, .btf = btf, .limit = size, .err = err };
	bool integer = size == 1 || size == 2 || size == 4 || size == 8;
	int r;

	*plan = (struct plan){ .size = size };
	if (!btf || !type_id) {
		r = append_value(&maker, integer ? PLAN_UNSIGNED : PLAN_HEX, 0, size);
	} else if (type_size(btf, type_id) != (int64_t)size) {
		r = error_set(err, -EINVAL, "the map has %u bytes, its type in BTF %lld", size,
			      (long long)type_size(btf, type_id));
	} else {
		r = make_type(&maker, type_id, 0, 0);
		if (r == 0)
			r = add_pending_text(&maker);
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
	size_t body = plan->n_ops;

	if (!array_append(plan->ops, plan->n_ops) || !array_append(plan->ops, plan->n_ops))
		return error_oom(err);
	memmove(plan->ops + 1, plan->ops, body * sizeof(*plan->ops));
	plan->ops[0] = (struct plan_op){
		.kind = PLAN_LOOP,
		.text = text,
		.text_len = 1,
		.size = stride,
		.count = count,
		.body = (uint32_t)body,
	};
	plan->ops[body + 1] = (struct plan_op){ PLAN_TEXT, .text = text + 1, .text_len = 1 };
	text_adds(&plan->text, "[]");
	plan->size += (count - 1) * stride;
	return text_status(&plan->text) < 0 ? error_oom(err) : 0;
}
