/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/variable.h"
#include "decode/field.h"
#include "kernel/type.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAMES_BYTES_MAX 255 /* bytes of the names of an enum that a message lists */

/* A variable of one of the object's data sections. */
struct variable {
	struct object_map *map; /* of the section */
	const char *name;	/* in the object's BTF */
	uint32_t type;
	uint32_t offset, size; /* in the section */
};

/* Advances to the next variable, starting with map and member 0. Returns false at the end. */
static bool next_variable(const struct object *object, size_t *map, uint32_t *member,
			  struct variable *ret)
{
	const struct btf *btf = object_btf(object);

	for (; btf && *map < object->n_maps; ++*map, *member = 0) {
		struct object_map *of = &object->maps[*map];
		const struct btf_type *section =
			of->internal ? btf__type_by_id(btf, of->value_type) : NULL;

		/* libbpf sets the values of .kconfig. */
		if (!section || !btf_is_datasec(section) || strstr(of->name, ".kconfig"))
			continue;
		while (*member < btf_vlen(section)) {
			const struct btf_var_secinfo *info =
				&btf_var_secinfos(section)[(*member)++];
			const struct btf_type *var = btf__type_by_id(btf, info->type);

			*ret = (struct variable){
				of,	    var ? type_name(btf, var->name_off) : "",
				info->type, info->offset,
				info->size,
			};
			/* The name of a variable inside a function has a dot: "f.count". */
			if (*ret->name && !strchr(ret->name, '.'))
				return true;
		}
	}
	return false;
}

static bool variable_find(const struct object *object, const char *name, struct variable *ret)
{
	size_t map = 0, len = strcspn(name, ".");
	uint32_t member = 0;

	while (next_variable(object, &map, &member, ret))
		if (strlen(ret->name) == len && !strncmp(ret->name, name, len))
			return true;
	return false;
}

bool variable_exists(const struct object *object, const char *name)
{
	struct variable variable;

	return variable_find(object, name, &variable);
}

int variable_unknown(const struct object *object, const char *name, struct error *err)
{
	_cleanup_text_ struct text all = {};
	struct variable variable;
	uint32_t member = 0;
	size_t map = 0;

	while (next_variable(object, &map, &member, &variable))
		text_printf(&all, "%s%s", all.len ? ", " : "", variable.name);
	return error_set(err, -ENOENT,
			 "variable \"%.100s\" does not exist; the code has the variables: "
			 "%s",
			 name, all.len ? text_str(&all) : "none");
}

/* Returns true for __be16, __be32 and __be64. */
static bool is_big_endian(const struct btf *btf, uint32_t id)
{
	for (int depth = 0; depth < PLAN_DEPTH_MAX; depth++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type) || btf_is_var(type)))
			return false;
		if (btf_is_typedef(type) && !strncmp(type_name(btf, type->name_off), "__be", 4))
			return true;
		id = type->type;
	}
	return false;
}

/* Finds the constant of an enum. Returns false, with the names of all, if there is none. */
static bool find_enumerator(const struct btf *btf, const struct btf_type *type, const char *name,
			    uint64_t *ret, struct text *all)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		bool wide = btf_is_enum64(type);
		const char *constant = type_name(btf, wide ? btf_enum64(type)[i].name_off
							   : btf_enum(type)[i].name_off);

		*ret = wide ? btf_enum64_value(&btf_enum64(type)[i])
			    : (uint64_t)(int64_t)btf_enum(type)[i].val;
		if (!strcmp(constant, name))
			return true;
		if (all->len < NAMES_BYTES_MAX)
			text_printf(all, "%s%s", all->len ? ", " : "", constant);
		else if (all->data[all->len - 1] != '.')
			text_adds(all, ", ...");
	}
	return false;
}

/* Parses a decimal or hexadecimal integer that fits into the operation's size. */
static bool parse_integer(const char *value, const struct plan_op *op, uint64_t *ret)
{
	unsigned int bits = 8 * op->size;
	bool negative = *value == '-', is_signed = op->kind == PLAN_SIGNED;
	const char *digits = value + negative;
	int base = !strncasecmp(digits, "0x", 2) ? 16 : 10;
	uint64_t most = UINT64_MAX >> (64 - bits);
	char *end;

	if (is_signed)
		most = (most >> 1) + negative;
	errno = 0;
	*ret = strtoull(digits, &end, base);
	if (!isdigit((unsigned char)*digits) || *end || errno || *ret > most ||
	    (negative && !is_signed))
		return false;
	if (negative)
		*ret = -*ret;
	return true;
}

static int expect_integer(const struct plan_op *op, const char *value, struct error *err)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * op->size);

	if (op->kind == PLAN_SIGNED)
		return error_set(err, -EINVAL,
				 "expected an integer from -%" PRIu64 " to %" PRIu64
				 ", found \"%.100s\"",
				 (most >> 1) + 1, most >> 1, value);
	return error_set(err, -EINVAL,
			 "expected an integer from 0 to %" PRIu64 ", found \"%.100s\"", most,
			 value);
}

static int encode_number(const struct btf *btf, const struct field *field, const char *value,
			 char *to, struct error *err)
{
	const struct btf_type *type = type_resolve(btf, field->type_id);
	const struct plan_op *op = field->plan.ops;
	_cleanup_text_ struct text all = {};
	uint64_t number;

	if (op->kind == PLAN_BOOL) {
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return error_set(err, -EINVAL, "expected true or false, found \"%.100s\"",
					 value);
		number = *value == 't';
	} else if (type && btf_is_any_enum(type)) {
		if (!find_enumerator(btf, type, value, &number, &all) &&
		    !parse_integer(value, op, &number))
			return error_set(err, -EINVAL, "expected one of %s, found \"%.100s\"",
					 text_str(&all), value);
	} else if (!parse_integer(value, op, &number)) {
		return expect_integer(op, value, err);
	}
	if (is_big_endian(btf, field->type_id))
		number = op->size == sizeof(uint16_t)	? htobe16((uint16_t)number)
			 : op->size == sizeof(uint32_t) ? htobe32((uint32_t)number)
							: htobe64(number);
	number_store(number, op->size, to);
	return 0;
}

static int encode_variable(const struct btf *btf, const struct field *field, const char *value,
			   char *to, struct error *err)
{
	const struct plan_op *op = field->plan.ops;
	uint32_t size = field->plan.size;

	if (field->chars) {
		if (strlen(value) >= size)
			return error_set(err, -EINVAL,
					 "expected at most %u bytes of text, found \"%.100s\"",
					 size - 1, value);
		memset(to, 0, size);
		memcpy(to, value, strlen(value));
		return 0;
	}
	if (plan_is_number(&field->plan) && op->size <= sizeof(uint64_t) &&
	    (op->kind == PLAN_UNSIGNED || op->kind == PLAN_SIGNED || op->kind == PLAN_BOOL) &&
	    !btf_is_ptr(type_resolve(btf, field->type_id)))
		return encode_number(btf, field, value, to + op->offset, err);
	return error_set(err, -EINVAL,
			 "its type cannot be set; these can: integers, bool, enums and arrays of "
			 "char");
}

/* Finds the variable itself, or its member, in the list of its fields. */
static const struct field *choose_member(const struct field *fields, size_t n, const char *whole,
					 const char *name, struct error *err)
{
	bool plain = n == 1 && !strcmp(fields->name, whole);
	const struct field *field = fields_find(fields, n, whole, name);
	_cleanup_text_ struct text all = {};

	if (field && plain == !strchr(name, '.'))
		return field;
	fields_names(fields, n, whole, &all);
	error_set(err, -ENOENT, "variable \"%.100s\" %s; there are %s", name,
		  strchr(name, '.') ? "has no such member" : "is a struct, set its members",
		  text_str(&all));
	return NULL;
}

/* Encodes the value into the initial value of the section. */
static int set_in_section(const struct btf *btf, const struct variable *variable,
			  const struct field *field, const char *value, struct error *err)
{
	_cleanup_free_ char *section = NULL;
	const void *initial;
	size_t size;
	int r;

	initial = bpf_map__initial_value(variable->map->bpf, &size);
	if (!initial || variable->offset > size || variable->size > size - variable->offset)
		return error_set(err, -EINVAL, "no initial value can be set");
	section = malloc(size);
	if (!section)
		return error_oom(err);
	memcpy(section, initial, size);
	r = encode_variable(btf, field, value, section + variable->offset + field->offset, err);
	if (r < 0)
		return r;
	r = bpf_map__set_initial_value(variable->map->bpf, section, size);
	variable->map->preset = true;
	return r < 0 ? error_set(err, r, "%s", strerror(-r)) : 0;
}

int variable_set(struct object *object, const char *name, const char *value, struct error *err)
{
	const struct btf *btf = object_btf(object);
	const struct field *field;
	struct variable variable;
	struct field *fields = NULL;
	size_t n = 0;
	int r;

	if (!variable_find(object, name, &variable))
		return variable_unknown(object, name, err);
	r = fields_list(btf, variable.type, variable.size, variable.name, &fields, &n, err);
	if (r < 0)
		return error_prefix(err, r, "variable \"%.100s\"", name);
	field = choose_member(fields, n, variable.name, name, err);
	r = field ? set_in_section(btf, &variable, field, value, err) : -ENOENT;
	if (field && r < 0)
		error_prefix(err, r, "variable \"%.100s\"", name);
	fields_free(fields, n);
	return r;
}
