/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/btf_check.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <string.h>

/* Size of struct btf_header in the first version of the format. Later headers are longer. */
#define HEADER_MIN 24

#define NO_TYPE 0xff /* the records of a kind contain no type id */
#define BUSY	0xff /* visit in progress; not a height, which is at most BTF_DEPTH_MAX */
#define NO_SIZE UINT32_MAX

/* The layout of the data after struct btf_type, with the positions of names and type ids. */
static const struct kind {
	const char *name;
	uint8_t extra;	   /* bytes after struct btf_type, before the records */
	uint8_t each;	   /* bytes of a record; there are vlen records */
	uint8_t each_type; /* index of the 32-bit word in a record that is a type id */
	bool each_name;	   /* the first word of a record is a name */
	bool refers;	   /* the union of type and size holds a type id */
} kinds[] = {
	[BTF_KIND_INT] = { "INT", 4, 0, NO_TYPE, false, false },
	[BTF_KIND_PTR] = { "PTR", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_ARRAY] = { "ARRAY", sizeof(struct btf_array), 0, NO_TYPE, false, false },
	[BTF_KIND_STRUCT] = { "STRUCT", 0, sizeof(struct btf_member), 1, true, false },
	[BTF_KIND_UNION] = { "UNION", 0, sizeof(struct btf_member), 1, true, false },
	[BTF_KIND_ENUM] = { "ENUM", 0, sizeof(struct btf_enum), NO_TYPE, true, false },
	[BTF_KIND_FWD] = { "FWD", 0, 0, NO_TYPE, false, false },
	[BTF_KIND_TYPEDEF] = { "TYPEDEF", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_VOLATILE] = { "VOLATILE", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_CONST] = { "CONST", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_RESTRICT] = { "RESTRICT", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_FUNC] = { "FUNC", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_FUNC_PROTO] = { "FUNC_PROTO", 0, sizeof(struct btf_param), 1, true, true },
	[BTF_KIND_VAR] = { "VAR", sizeof(struct btf_var), 0, NO_TYPE, false, true },
	[BTF_KIND_DATASEC] = { "DATASEC", 0, sizeof(struct btf_var_secinfo), 0, false, false },
	[BTF_KIND_FLOAT] = { "FLOAT", 0, 0, NO_TYPE, false, false },
	[BTF_KIND_DECL_TAG] = { "DECL_TAG", sizeof(struct btf_decl_tag), 0, NO_TYPE, false, true },
	[BTF_KIND_TYPE_TAG] = { "TYPE_TAG", 0, 0, NO_TYPE, false, true },
	[BTF_KIND_ENUM64] = { "ENUM64", 0, sizeof(struct btf_enum64), NO_TYPE, true, false },
};

struct checker {
	const char *types;
	uint32_t types_len;
	const char *strings; /* the last byte is NUL */
	uint32_t strings_len;
	uint32_t n;	   /* number of types, including void (id 0) */
	uint32_t *offsets; /* of each type except void, within types */
	uint8_t *heights;  /* nesting depth of each type; 0: not visited yet */
	uint32_t *sizes;   /* bytes; NO_SIZE: void, functions and forward declarations */
	struct error *err;
};

static void checker_release(struct checker *checker)
{
	free(checker->offsets);
	free(checker->heights);
	free(checker->sizes);
}

/* Copies, because sections need not be aligned. */
static uint32_t u32_at(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static struct btf_type type_at(const char *at)
{
	struct btf_type type;

	memcpy(&type, at, sizeof(type));
	return type;
}

/* Returns NULL if the kind is unknown. */
static const struct kind *kind_find(const struct btf_type *type)
{
	uint32_t kind = BTF_INFO_KIND(type->info);

	return kind < ARRAY_SIZE(kinds) && kinds[kind].name ? &kinds[kind] : NULL;
}

/* Returns the kind of a type whose id has been checked; BTF_KIND_UNKN for void. */
static uint32_t kind_of_id(const struct checker *checker, uint32_t id)
{
	struct btf_type type;

	if (!id)
		return BTF_KIND_UNKN;
	type = type_at(checker->types + checker->offsets[id]);
	return BTF_INFO_KIND(type.info);
}

/* -- the header and the extent of every type -- */

static int header_check(struct checker *checker, const char *bytes, size_t len)
{
	struct btf_header header;
	uint64_t rest;

	if (len < HEADER_MIN)
		return error_set(checker->err, -EINVAL,
				 "%zu bytes are too few for a header of %d bytes", len, HEADER_MIN);
	memcpy(&header, bytes, HEADER_MIN);
	if (header.magic == __builtin_bswap16(BTF_MAGIC))
		return error_set(checker->err, -EINVAL,
				 "the byte order is not that of this machine: compile with "
				 "-target bpf");
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION)
		return error_set(checker->err, -EINVAL,
				 "expected magic 0x%04x and version %d, found 0x%04x and %u",
				 BTF_MAGIC, BTF_VERSION, header.magic, header.version);
	if (header.hdr_len < HEADER_MIN || header.hdr_len > len)
		return error_set(checker->err, -EINVAL,
				 "a header of %u bytes, expected %d to %zu, the section's size",
				 header.hdr_len, HEADER_MIN, len);
	rest = len - header.hdr_len;
	if (header.type_off % 4 || (uint64_t)header.type_off + header.type_len > header.str_off ||
	    (uint64_t)header.str_off + header.str_len > rest)
		return error_set(checker->err, -EINVAL,
				 "types (%u bytes at %u) and strings (%u bytes at %u) overlap or "
				 "exceed the section's %llu bytes",
				 header.type_len, header.type_off, header.str_len, header.str_off,
				 (unsigned long long)rest);
	checker->types = bytes + header.hdr_len + header.type_off;
	checker->types_len = header.type_len;
	checker->strings = bytes + header.hdr_len + header.str_off;
	checker->strings_len = header.str_len;
	if (!header.str_len || checker->strings[0] || checker->strings[header.str_len - 1])
		return error_set(checker->err, -EINVAL,
				 "the strings (%u bytes) do not begin and end with NUL",
				 header.str_len);
	return 0;
}

/* Limits the length of names, because each use of a name copies it. */
static int strings_check(const struct checker *checker)
{
	for (uint32_t at = 0; at < checker->strings_len;) {
		size_t len = strlen(checker->strings + at);

		if (len > BTF_NAME_MAX)
			return error_set(checker->err, -E2BIG,
					 "the name at %u has %zu bytes, at most %d are possible",
					 at, len, BTF_NAME_MAX);
		at += (uint32_t)len + 1;
	}
	return 0;
}

/* Checks the extent of every type and counts types. Stores offsets if the array is allocated. */
static int types_measure(struct checker *checker)
{
	uint32_t at = 0, id = 1;

	for (; at < checker->types_len; id++) {
		uint32_t left = checker->types_len - at;
		const struct kind *kind;
		struct btf_type type;
		uint64_t size;

		if (left < sizeof(type))
			return error_set(checker->err, -EINVAL, "type %u is cut off: %u bytes", id,
					 left);
		if (id > BTF_TYPES_MAX)
			return error_set(checker->err, -E2BIG,
					 "more than %d types, which is the limit", BTF_TYPES_MAX);
		type = type_at(checker->types + at);
		kind = kind_find(&type);
		if (!kind)
			return error_set(checker->err, -EINVAL, "type %u is of unknown kind %u", id,
					 BTF_INFO_KIND(type.info));
		size = sizeof(type) + kind->extra + (uint64_t)kind->each * BTF_INFO_VLEN(type.info);
		if (size > left)
			return error_set(checker->err, -EINVAL,
					 "type %u (%s, vlen %u) has %llu bytes and exceeds the "
					 "types, %u bytes are left",
					 id, kind->name, BTF_INFO_VLEN(type.info),
					 (unsigned long long)size, left);
		if (checker->offsets)
			checker->offsets[id] = at;
		at += (uint32_t)size;
	}
	checker->n = id;
	return 0;
}

/* -- names and ids -- */

static int name_check(const struct checker *checker, uint32_t id, uint32_t offset)
{
	if (offset < checker->strings_len)
		return 0;
	return error_set(checker->err, -EINVAL,
			 "type %u: a name at %u lies outside the strings, which have %u bytes", id,
			 offset, checker->strings_len);
}

static int id_check(const struct checker *checker, uint32_t id, uint32_t other)
{
	if (other < checker->n)
		return 0;
	return error_set(checker->err, -EINVAL,
			 "type %u refers to type %u, which does not exist: the last type is %u", id,
			 other, checker->n - 1);
}

static int tag_check(const struct checker *checker, uint32_t id, uint32_t target,
		     uint32_t component)
{
	uint32_t kind = kind_of_id(checker, target), n = 0;
	struct btf_type type = {};

	if (kind != BTF_KIND_VAR && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_STRUCT &&
	    kind != BTF_KIND_UNION && kind != BTF_KIND_FUNC)
		return error_set(checker->err, -EINVAL,
				 "type %u (DECL_TAG) refers to type %u, which is not a variable, "
				 "function, struct, union or typedef",
				 id, target);
	if (component == UINT32_MAX)
		return 0;
	type = type_at(checker->types + checker->offsets[target]);
	/* vlen of FUNC is the linkage; the prototype has the parameters. */
	if (kind == BTF_KIND_FUNC)
		type = type_at(checker->types + checker->offsets[type.type]);
	if (kind != BTF_KIND_VAR && kind != BTF_KIND_TYPEDEF)
		n = BTF_INFO_VLEN(type.info);
	if (component < n)
		return 0;
	return error_set(checker->err, -EINVAL,
			 "type %u (DECL_TAG) refers to component %d of type %u, whose number of "
			 "components is %u",
			 id, (int)component, target, n);
}

/* Performs checks that the table of kinds cannot express. */
static int kind_check(const struct checker *checker, uint32_t id, const struct btf_type *type,
		      const char *extra)
{
	int r = 0;

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
		if (!type->size || type->size > 16 ||
		    BTF_INT_OFFSET(u32_at(extra)) + BTF_INT_BITS(u32_at(extra)) > type->size * 8)
			r = error_set(checker->err, -EINVAL,
				      "type %u (INT) has %u bits in %u bytes, at most 16 bytes are "
				      "possible",
				      id, BTF_INT_BITS(u32_at(extra)), type->size);
		break;
	case BTF_KIND_ARRAY:
		r = id_check(checker, id, u32_at(extra));
		if (r == 0)
			r = id_check(checker, id, u32_at(extra + 4));
		break;
	case BTF_KIND_FUNC:
		if (kind_of_id(checker, type->type) != BTF_KIND_FUNC_PROTO)
			r = error_set(checker->err, -EINVAL,
				      "type %u (FUNC) refers to type %u, which is not a FUNC_PROTO",
				      id, type->type);
		break;
	}
	return r;
}

static int type_check(const struct checker *checker, uint32_t id)
{
	const char *at = checker->types + checker->offsets[id];
	const struct btf_type type = type_at(at);
	const struct kind *kind = kind_find(&type);
	const char *extra = at + sizeof(type), *record = extra + kind->extra;
	/* Without records, vlen has another meaning, such as the linkage of a function. */
	uint32_t n = kind->each ? BTF_INFO_VLEN(type.info) : 0;
	int r = name_check(checker, id, type.name_off);

	if (r == 0 && kind->refers)
		r = id_check(checker, id, type.type);
	if (r == 0)
		r = kind_check(checker, id, &type, extra);
	for (uint32_t i = 0; r == 0 && i < n; i++, record += kind->each) {
		if (kind->each_name)
			r = name_check(checker, id, u32_at(record));
		if (r == 0 && kind->each_type != NO_TYPE)
			r = id_check(checker, id, u32_at(record + 4 * kind->each_type));
	}
	return r;
}

/* Checks the kinds of referenced types. type_check() must have checked all ids before. */
static int target_check(const struct checker *checker, uint32_t id)
{
	const char *at = checker->types + checker->offsets[id],
		   *record = at + sizeof(struct btf_type);
	const struct btf_type type = type_at(at);

	if (BTF_INFO_KIND(type.info) == BTF_KIND_DECL_TAG)
		return tag_check(checker, id, type.type, u32_at(record));
	if (BTF_INFO_KIND(type.info) != BTF_KIND_DATASEC)
		return 0;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); i++) {
		uint32_t var = u32_at(record + i * sizeof(struct btf_var_secinfo));
		uint32_t kind = kind_of_id(checker, var);

		/* .ksyms contains external functions. */
		if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
			return error_set(
				checker->err, -EINVAL,
				"type %u (DATASEC) contains type %u, which is not a variable", id,
				var);
	}
	return 0;
}

/* -- types that contain or rename others -- */

static int visit(struct checker *checker, uint32_t id, unsigned int depth);

/* Visits one part of type id, and raises *height to the height of the part. */
static int visit_part(struct checker *checker, uint32_t id, uint32_t part, unsigned int depth,
		      unsigned int *height)
{
	int r;

	if (checker->heights[part] == BUSY)
		return error_set(checker->err, -EINVAL, "type %u contains itself through type %u",
				 part, id);
	r = visit(checker, part, depth + 1);
	if (r == 0 && checker->heights[part] > *height)
		*height = checker->heights[part];
	return r;
}

static int array_visit(struct checker *checker, uint32_t id, const char *extra, unsigned int depth,
		       unsigned int *height)
{
	uint32_t element = u32_at(extra), n = u32_at(extra + 8);
	int r = visit_part(checker, id, element, depth, height);

	if (r < 0 || checker->sizes[element] == NO_SIZE)
		return r;
	if (n && checker->sizes[element] > INT32_MAX / n)
		return error_set(checker->err, -EINVAL,
				 "type %u (ARRAY) has %u elements of %u bytes: more than 2 GiB", id,
				 n, checker->sizes[element]);
	checker->sizes[id] = checker->sizes[element] * n;
	return 0;
}

/*
 * Computes height and size of a type and of all its parts. depth bounds the recursion; the height
 * check covers parts that were visited earlier.
 */
static int visit(struct checker *checker, uint32_t id, unsigned int depth)
{
	const char *at = checker->types + checker->offsets[id],
		   *record = at + sizeof(struct btf_type);
	const struct btf_type type = type_at(at);
	uint32_t kind = kind_of_id(checker, id), vlen = BTF_INFO_VLEN(type.info);
	unsigned int height = 0;
	int r = 0;

	if (checker->heights[id])
		return 0;
	if (depth >= BTF_DEPTH_MAX)
		return error_set(checker->err, -E2BIG,
				 "type %u is nested in more than %d types, which is the limit", id,
				 BTF_DEPTH_MAX);
	checker->heights[id] = BUSY;
	checker->sizes[id] = NO_SIZE;
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		checker->sizes[id] = type.size;
		break;
	case BTF_KIND_PTR:
		checker->sizes[id] = 8;
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		r = visit_part(checker, id, type.type, depth, &height);
		checker->sizes[id] = checker->sizes[type.type];
		break;
	case BTF_KIND_ARRAY:
		r = array_visit(checker, id, record, depth, &height);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
		checker->sizes[id] = type.size;
		for (uint32_t i = 0; r == 0 && i < vlen; i++, record += kinds[kind].each)
			r = visit_part(checker, id, u32_at(record + 4 * kinds[kind].each_type),
				       depth, &height);
		break;
	}
	if (r == 0 && height >= BTF_DEPTH_MAX)
		r = error_set(checker->err, -E2BIG,
			      "type %u nests more than %d types, which is the limit", id,
			      BTF_DEPTH_MAX);
	checker->heights[id] = (uint8_t)(height + 1);
	return r;
}

static int btf_check_types_check(struct checker *checker)
{
	int r = 0;

	for (uint32_t id = 1; r == 0 && id < checker->n; id++)
		r = type_check(checker, id);
	for (uint32_t id = 1; r == 0 && id < checker->n; id++)
		r = target_check(checker, id);
	for (uint32_t id = 1; r == 0 && id < checker->n; id++)
		r = visit(checker, id, 0);
	return r;
}

int btf_check(const void *bytes, size_t len, struct btf_extent *ret, struct error *err)
{
	_cleanup_(checker_release) struct checker checker = { .err = err };
	int r = header_check(&checker, bytes, len);

	if (r == 0)
		r = strings_check(&checker);
	if (r == 0)
		r = types_measure(&checker);
	if (r < 0)
		return r;
	checker.offsets = calloc(checker.n, sizeof(*checker.offsets));
	checker.heights = calloc(checker.n, sizeof(*checker.heights));
	checker.sizes = calloc(checker.n, sizeof(*checker.sizes));
	if (!checker.offsets || !checker.heights || !checker.sizes)
		return error_oom(err);
	checker.heights[0] = 1;
	checker.sizes[0] = NO_SIZE;
	types_measure(&checker);
	r = btf_check_types_check(&checker);
	if (r == 0 && ret)
		*ret = (struct btf_extent){ checker.n, checker.strings_len };
	return r;
}
