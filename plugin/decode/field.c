/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/field.h"
#include "base/array.h"
#include "base/utf8.h"
#include "dataplane/json_reader.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* State of a listing of fields. */
struct lister {
	const struct btf *btf;
	uint32_t size; /* bytes of the listed type */
	struct field *fields;
	size_t n;
	size_t types; /* visited; limits the work for a type that contains itself twice */
	/* The array of structs that is being listed; count is 0 otherwise. */
	uint32_t stride, count;
	size_t numbers; /* sum over all arrays of structs */
	struct error *err;
};

/* Returns the type of the elements of an array, or 0 for other types. */
static uint32_t element_id(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *type = btf ? type_resolve(btf, type_id) : NULL;

	return type && btf_is_array(type) ? btf_array(type)->type : 0;
}

/*
 * Returns the number of numbers that can be exported as samples. Arrays must have integers of 4 or
 * 8 bytes: shorter integers are data, and integers in network byte order are not counts. Pointers
 * are not counts, either.
 */
static uint32_t n_numbers(const struct btf *btf, uint32_t type_id, const struct plan *plan)
{
	uint32_t n = plan_n_integers(plan), element = element_id(btf, type_id);
	const struct btf_type *type = btf ? type_resolve(btf, element ? element : type_id) : NULL;

	if (type && btf_is_ptr(type))
		return 0;
	if (plan_is_number(plan))
		return 1;
	if (!n || n > FIELD_NUMBERS_MAX || plan_number_size(plan) < sizeof(uint32_t) || !element ||
	    format_guess(btf, element, "") != FORMAT_AUTO)
		return 0;
	return n;
}

/* Returns the element type of a one-dimensional array of structs, or NULL for other types. */
static const struct btf_type *repeated_type(const struct btf *btf, uint32_t type_id)
{
	uint32_t id = element_id(btf, type_id);
	const struct btf_type *element = id ? type_resolve(btf, id) : NULL;

	return element && btf_is_composite(element) && format_guess(btf, id, "") == FORMAT_AUTO
		       ? element
		       : NULL;
}

/*
 * Returns true if a type has numbers that are not exported. Numbers with a format of their own,
 * such as addresses, do not count.
 */
static bool is_omitted(const struct btf *btf, uint32_t type_id, const struct plan *plan)
{
	uint32_t id = type_id;

	if (!plan_has_numbers(plan) || repeated_type(btf, type_id))
		return false;
	for (int depth = 0; id && depth < PLAN_DEPTH_MAX; depth++) {
		type_id = id;
		id = element_id(btf, id);
	}
	return format_guess(btf, type_id, "") == FORMAT_AUTO;
}

static bool has_field(const struct lister *lister, const char *name)
{
	for (size_t i = 0; i < lister->n; i++)
		if (!strcmp(lister->fields[i].name, name))
			return true;
	return false;
}

/* Both a.b_c and a_b.c are named a_b_c; the second becomes a_b_c_2. NULL if memory ran out. */
static char *unique_name(const struct lister *lister, const char *name)
{
	char *unique = strdup(name);

	for (unsigned int i = 2; unique && has_field(lister, unique); i++) {
		free(unique);
		if (asprintf(&unique, "%s_%u", name, i) < 0)
			unique = NULL;
	}
	return unique;
}

static int list_enumerators(struct lister *lister, struct field *field, uint32_t type_id)
{
	const struct btf_type *type = type_resolve(lister->btf, type_id);
	bool wide = btf_is_enum64(type);

	for (size_t i = 0; i < btf_vlen(type) && i < ENUMERATORS_MAX; i++) {
		struct enumerator *to = array_append(field->enumerators, field->n_enumerators);

		if (!to)
			return error_oom(lister->err);
		if (wide)
			to->value = (int64_t)btf_enum64_value(&btf_enum64(type)[i]);
		else if (btf_kflag(type)) /* signed */
			to->value = btf_enum(type)[i].val;
		else
			to->value = (uint32_t)btf_enum(type)[i].val;
		to->name = strndup(type_name(lister->btf, wide ? btf_enum64(type)[i].name_off
							       : btf_enum(type)[i].name_off),
				   NAME_MAX_BYTES);
		if (!to->name)
			return error_oom(lister->err);
	}
	return 0;
}

/* Takes over the contents of the plan on success. */
static int add_field(struct lister *lister, const char *name, struct plan *plan, uint32_t offset,
		     uint32_t type_id, enum format format)
{
	uint32_t numbers = n_numbers(lister->btf, type_id, plan);
	uint32_t element = element_id(lister->btf, type_id);
	const struct btf_type *type = element ? type_resolve(lister->btf, element) : NULL;
	_cleanup_free_ char *unique = unique_name(lister, name);
	struct field *field;

	if ((uint64_t)offset + plan->size > lister->size)
		return error_set(lister->err, -EINVAL, "a member lies outside its type");
	if (lister->n == FIELDS_MAX)
		return error_set(lister->err, -E2BIG, "the type has more than %d fields",
				 FIELDS_MAX);
	field = unique ? array_append(lister->fields, lister->n) : NULL;
	if (!field)
		return error_oom(lister->err);
	*field = (struct field){
		.name = steal_ptr(&unique),
		.plan = *plan,
		.offset = offset,
		.format = format,
		.chars = type && btf_is_int(type) && type->size == 1 &&
			 !strcmp(type_name(lister->btf, type->name_off), "char"),
		.numbers = numbers,
		.type_id = type_id,
		.omitted = !numbers && is_omitted(lister->btf, type_id, plan),
	};
	*plan = (struct plan){};
	return format == FORMAT_ENUM ? list_enumerators(lister, field, type_id) : 0;
}

/* Adds a member of all structs in the array if the member is or has numbers. */
static int add_repeated(struct lister *lister, const char *name, struct plan *plan, uint32_t offset,
			uint32_t type_id, enum format format)
{
	uint32_t numbers = plan_is_number(plan) && !plan_is_bits(plan) ? lister->count : 0;
	struct field *field;
	int r;

	if (format != FORMAT_AUTO || !(numbers || is_omitted(lister->btf, type_id, plan)))
		return 0;
	lister->numbers += numbers;
	if (numbers > FIELD_NUMBERS_MAX || lister->numbers > REPEATED_NUMBERS_MAX)
		return error_set(lister->err, -E2BIG, "the type has too many numbers");
	r = plan_repeat(plan, lister->stride, lister->count, lister->err);
	if (r == 0)
		r = add_field(lister, name, plan, offset, 0, FORMAT_AUTO);
	if (r < 0)
		return r;
	field = &lister->fields[lister->n - 1];
	field->numbers = numbers;
	field->repeated = true;
	field->omitted = !numbers;
	return 0;
}

static int list_type(struct lister *lister, uint32_t id, uint32_t offset, const char *name,
		     const char *own_name, unsigned int depth);

/* Tests for a name such as pad, _pad2, __pad or padding. */
static bool is_padding(const char *name)
{
	name += strspn(name, "_");
	if (strncasecmp(name, "pad", 3) != 0)
		return false;
	name += 3;
	if (!strncasecmp(name, "ding", 4))
		name += 4;
	return !name[strspn(name, "_0123456789")];
}

static int list_members(struct lister *lister, const struct btf_type *type, uint32_t offset,
			const char *prefix, unsigned int depth)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = type_name(lister->btf, member->name_off);
		uint32_t at = offset + btf_member_bit_offset(type, i) / 8;
		_cleanup_(plan_release) struct plan plan = {};
		_cleanup_free_ char *full = NULL;
		size_t before = lister->n;
		enum format format;
		int r;

		if (type_is_opaque(lister->btf, member->type))
			continue;
		if (asprintf(&full, "%s%s%s", prefix, *prefix && *name ? "_" : "", name) < 0) {
			full = NULL;
			return error_oom(lister->err);
		}
		r = plan_init_bitfield(&plan, lister->btf, type, i, lister->err);
		if (r == 0)
			r = list_type(lister, member->type, at, full, name, depth);
		if (r > 0) {
			/* A bit field cannot be an address or a port, even if its type suggests so.
			 */
			format = format_guess(lister->btf, member->type, name);
			if (format != FORMAT_ENUM && format != FORMAT_PROTO)
				format = FORMAT_AUTO;
			r = (lister->count ? add_repeated : add_field)(lister, full, &plan, at,
								       member->type, format);
		}
		if (r < 0)
			return r;
		for (; is_padding(name) && before < lister->n; before++)
			lister->fields[before].padding = true;
	}
	return 0;
}

static int list_type(struct lister *lister, uint32_t id, uint32_t offset, const char *name,
		     const char *own_name, unsigned int depth)
{
	const struct btf_type *type = type_resolve(lister->btf, id);
	int64_t size = type_size(lister->btf, id);
	enum format format = format_guess(lister->btf, id, own_name);
	_cleanup_(plan_release) struct plan plan = {};
	int r;

	if (depth >= PLAN_DEPTH_MAX || ++lister->types > PLAN_OPS_MAX)
		return error_set(lister->err, -E2BIG, "the type is nested too deeply");
	if (type && btf_is_composite(type) && format == FORMAT_AUTO)
		return list_members(lister, type, offset, name, depth + 1);
	if (size <= 0 || size > UINT32_MAX)
		return 0; /* the type has no bytes to show */
	r = plan_init(&plan, lister->btf, id, (uint32_t)size, lister->err);
	if (r < 0)
		return r;
	return (lister->count ? add_repeated : add_field)(lister, name, &plan, offset, id, format);
}

/* Lists the variables of a data section. Those inside functions have a dot in their name. */
static int list_variables(struct lister *lister, const struct btf_type *section)
{
	const struct btf_var_secinfo *infos = btf_var_secinfos(section);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < btf_vlen(section); i++) {
		const struct btf_type *var = btf__type_by_id(lister->btf, infos[i].type);
		const char *name = var ? type_name(lister->btf, var->name_off) : "";

		if (*name && !strchr(name, '.'))
			r = list_type(lister, infos[i].type, infos[i].offset, name, name, 1);
	}
	return r;
}

int fields_list(const struct btf *btf, uint32_t type_id, uint32_t size, const char *name,
		struct field **ret, size_t *n, struct error *err)
{
	struct lister lister = { .btf = btf, .size = size, .err = err };
	const struct btf_type *type = btf ? type_resolve(btf, type_id) : NULL;
	enum format format = format_guess(btf, type_id, name);
	_cleanup_(plan_release) struct plan plan = {};
	int r;

	if (type && btf_is_composite(type) && format == FORMAT_AUTO) {
		r = list_members(&lister, type, 0, "", 0);
	} else if (type && btf_is_datasec(type)) {
		r = list_variables(&lister, type);
	} else {
		/* A key that is not a struct has no name of its own, and is usually an address. */
		if (format == FORMAT_BE32 && !strcmp(name, "key"))
			format = FORMAT_IPV4;
		r = plan_init(&plan, btf, type_id, size, err);
		if (r == 0)
			r = add_field(&lister, name, &plan, 0, type_id, format);
	}
	if (r < 0) {
		fields_free(lister.fields, lister.n);
		return r;
	}
	*ret = lister.fields;
	*n = lister.n;
	return 0;
}

/* Frees the contents of fields. */
static void fields_release(struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(fields[i].name);
		plan_release(&fields[i].plan);
		for (size_t j = 0; j < fields[i].n_enumerators; j++)
			free(fields[i].enumerators[j].name);
		free(fields[i].enumerators);
	}
}

void fields_free(struct field *fields, size_t n)
{
	fields_release(fields, n);
	free(fields);
}

int fields_list_repeated(const struct btf *btf, uint32_t type_id, uint32_t size,
			 struct field **fields, size_t *n, struct error *err)
{
	struct lister lister = { .btf = btf, .size = size, .fields = *fields, .n = *n };
	size_t plain = *n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < plain; i++) {
		const struct field *field = &lister.fields[i];
		const struct btf_type *element = repeated_type(btf, field->type_id);
		size_t before = lister.n, numbers = lister.numbers;

		lister.count = element ? btf_array(type_resolve(btf, field->type_id))->nelems : 0;
		if (!lister.count)
			continue;
		lister.stride = element->size;
		r = list_members(&lister, element, field->offset,
				 repeated_type(btf, type_id) ? "" : field->name, 0);
		if (r < 0 && r != -ENOMEM) {
			fields_release(lister.fields + before, lister.n - before);
			lister.fields[i].omitted = true;
			lister.n = before;
			lister.numbers = numbers;
			r = 0;
		}
	}
	*fields = lister.fields;
	*n = lister.n;
	return r < 0 ? error_oom(err) : 0;
}

const struct field *fields_find(const struct field *fields, size_t n, const char *prefix,
				const char *path)
{
	size_t len = strlen(prefix);
	_cleanup_free_ char *name = NULL;

	if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '.'))
		return NULL;
	name = strdup(path[len] ? path + len + 1 : prefix);
	for (char *c = name; c && *c; c++)
		*c = *c == '.' ? '_' : *c;
	for (size_t i = 0; name && i < n; i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

void fields_names(const struct field *fields, size_t n, const char *prefix, struct text *out)
{
	for (size_t i = 0; i < n; i++) {
		bool itself = !strcmp(fields[i].name, prefix) && (n == 1 || fields[1].repeated);

		text_printf(out, "%s%s%s%s", out->len ? ", " : "", prefix, itself ? "" : ".",
			    itself ? "" : fields[i].name);
	}
}

/* Returns false if the value has no text in the format. Nothing is appended then. */
static bool show_formatted(const struct field *field, enum format format, const char *at,
			   struct text *out)
{
	int64_t number;

	if (format != FORMAT_ENUM)
		return plan_is_bits(&field->plan)
			       ? format_integer(format, plan_number(&field->plan, at).i, out)
			       : format_text(format, at, field->plan.size, out);
	number = field->n_enumerators ? plan_number(&field->plan, at).i : 0;
	for (size_t i = 0; i < field->n_enumerators; i++)
		if (field->enumerators[i].value == number) {
			text_adds(out, field->enumerators[i].name);
			return true;
		}
	return false;
}

void field_text(const struct field *field, enum format format, const void *value, struct text *out)
{
	const char *at = (const char *)value + field->offset;
	const struct plan_op *op = field->plan.ops;
	bool plain = field->plan.n_ops == 1 && op->text_len == 0;
	bool text = field->chars || (plain && op->kind == PLAN_STRING);
	size_t start = out->len;

	if (show_formatted(field, format, at, out))
		return;
	/* Zeros are no text in u8[], which may be an address. */
	if (text && (field->chars || *at) && utf8_is_padded(at, field->plan.size)) {
		text_name(out, at, strnlen(at, field->plan.size));
	} else if (text || (plain && op->kind == PLAN_HEX)) {
		text_hex(out, at, field->plan.size);
	} else {
		plan_json(&field->plan, at, out);
		/* JSON quotes a single 128-bit integer; plain text does not. */
		if (field->plan.n_ops == 1 && out->len > start + 1 && out->data[start] == '"') {
			out->len -= 2;
			memmove(out->data + start, out->data + start + 1, out->len - start);
		}
	}
}
