/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/field.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

struct lister {
	const struct btf *btf;
	uint32_t size; /* bytes of the whole */
	struct field *fields;
	size_t n;
	size_t types; /* visited so far: a hostile struct may contain itself, twice */
	struct error *err;
};

/* Takes the plan in every case. */
static int lister_add(struct lister *lister, const char *name, struct plan *plan, uint32_t offset)
{
	struct field *fields;

	if ((uint64_t)offset + plan->size > lister->size) {
		plan_release(plan);
		return error_set(lister->err, -EINVAL, "a member lies outside its type");
	}
	if (lister->n == FIELDS_MAX) {
		plan_release(plan);
		return error_set(lister->err, -E2BIG, "the type has more than %d fields",
				 FIELDS_MAX);
	}
	fields = realloc(lister->fields, (lister->n + 1) * sizeof(*fields));
	if (!fields) {
		plan_release(plan);
		return error_oom(lister->err);
	}
	lister->fields = fields;
	fields[lister->n] = (struct field){ .name = strdup(name), .plan = *plan, .offset = offset };
	*plan = (struct plan){};
	return fields[lister->n++].name ? 0 : error_oom(lister->err);
}

static int list_type(struct lister *lister, uint32_t id, uint32_t offset, const char *name,
		     unsigned int depth);

static int list_members(struct lister *lister, const struct btf_type *type, uint32_t offset,
			const char *prefix, unsigned int depth)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = type_name(lister->btf, member->name_off);
		uint32_t bit = btf_member_bit_offset(type, i);
		_cleanup_free_ char *full = NULL;
		struct plan plan;
		int r;

		if (asprintf(&full, "%s%s%s", prefix, *prefix && *name ? "_" : "", name) < 0) {
			full = NULL;
			return error_oom(lister->err);
		}
		r = plan_init_bitfield(&plan, lister->btf, type, i, lister->err);
		if (r > 0)
			r = lister_add(lister, full, &plan, offset + bit / 8);
		else if (r == 0)
			r = list_type(lister, member->type, offset + bit / 8, full, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int list_type(struct lister *lister, uint32_t id, uint32_t offset, const char *name,
		     unsigned int depth)
{
	const struct btf_type *type = type_resolve(lister->btf, id);
	int64_t size = type_size(lister->btf, id);
	struct plan plan;
	int r;

	if (depth >= PLAN_DEPTH_MAX || ++lister->types > PLAN_OPS_MAX)
		return error_set(lister->err, -E2BIG, "the type is nested too deeply");
	if (type && btf_is_composite(type))
		return list_members(lister, type, offset, name, depth + 1);
	if (size <= 0 || size > UINT32_MAX)
		return 0; /* nothing there to show */
	r = plan_init(&plan, lister->btf, id, (uint32_t)size, lister->err);
	return r < 0 ? r : lister_add(lister, name, &plan, offset);
}

int fields_list(const struct btf *btf, uint32_t type_id, uint32_t size, const char *name,
		struct field **ret, size_t *n, struct error *err)
{
	struct lister lister = { .btf = btf, .size = size, .err = err };
	const struct btf_type *type = btf && type_id ? type_resolve(btf, type_id) : NULL;
	struct plan plan;
	int r;

	if (type && btf_is_composite(type)) {
		r = list_members(&lister, type, 0, "", 0);
	} else {
		r = plan_init(&plan, btf, type_id, size, err);
		if (r == 0)
			r = lister_add(&lister, name, &plan, 0);
	}
	if (r < 0) {
		fields_free(lister.fields, lister.n);
		return r;
	}
	*ret = lister.fields;
	*n = lister.n;
	return 0;
}

void fields_free(struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(fields[i].name);
		plan_release(&fields[i].plan);
	}
	free(fields);
}

/*
 * Bytes are often an address and not text. They are taken for text when they are printable up to
 * their end, and nothing but NUL follows: no two values look alike.
 */
static bool is_text(const char *bytes, size_t n)
{
	size_t len = strnlen(bytes, n), at = 0;

	while (at < len) {
		size_t sequence = utf8_sequence(bytes + at, len - at);

		if (!sequence || (unsigned char)bytes[at] < 0x20 || bytes[at] == 0x7f)
			return false;
		at += sequence;
	}
	while (at < n)
		if (bytes[at++])
			return false;
	return len > 0;
}

/* As JSON; a single value that JSON puts in quotes, a 128-bit integer, comes without them. */
static void value_text(const struct plan *plan, const char *at, struct text *out)
{
	size_t start = out->len;

	plan_json(plan, at, out);
	if (plan->n_ops == 1 && out->len > start + 1 && out->data[start] == '"') {
		out->len -= 2;
		memmove(out->data + start, out->data + start + 1, out->len - start);
	}
}

void field_text(const struct field *field, const void *value, struct text *out)
{
	const char *at = (const char *)value + field->offset;
	const struct plan_op *op = field->plan.ops;
	bool bytes = field->plan.n_ops == 1 && op->text_len == 0 &&
		     (op->kind == PLAN_STRING || op->kind == PLAN_HEX);

	if (bytes && op->kind == PLAN_STRING && is_text(at, op->size))
		text_add(out, at, strnlen(at, op->size));
	else if (bytes)
		text_hex(out, at, op->size);
	else
		value_text(&field->plan, at, out);
}
