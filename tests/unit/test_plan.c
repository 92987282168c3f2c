/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/field.h"
#include "decode/plan.h"
#include "fixture.h"

#include <bpf/btf.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>

/* BTF with the common types. IDs are in the order of creation. */
struct types {
	struct btf *btf;
	int u8, s8, ch, sch, u16, s16, u32, s32, u64, s64, u128, s128, boolean;
	int f32, f64, f128;
};

static struct types types_new(void)
{
	struct btf *btf = btf__new_empty();
	struct types t = { .btf = btf };

	assert_non_null(btf);
	t.u8 = btf__add_int(btf, "unsigned char", 1, 0);
	t.ch = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	t.sch = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	t.s8 = t.sch;
	t.u16 = btf__add_int(btf, "unsigned short", 2, 0);
	t.s16 = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	t.u32 = btf__add_int(btf, "unsigned int", 4, 0);
	t.s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	t.u64 = btf__add_int(btf, "unsigned long", 8, 0);
	t.s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	t.u128 = btf__add_int(btf, "unsigned __int128", 16, 0);
	t.s128 = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	t.boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	t.f32 = btf__add_float(btf, "float", 4);
	t.f64 = btf__add_float(btf, "double", 8);
	t.f128 = btf__add_float(btf, "long double", 16);
	assert_true(t.f128 > 0);
	return t;
}

/*
 * Returns the value as JSON and checks it with json-c. The size bytes are in memory of the exact
 * size, for the sanitizer.
 */
static char *json_of(const struct btf *btf, int id, const void *bytes, uint32_t size)
{
	_cleanup_text_ struct text out = {};
	_cleanup_error_ struct error err = {};
	struct json_tokener *tokener;
	struct plan plan;
	char *copy;

	if (plan_init(&plan, btf, (uint32_t)id, size, &err) < 0)
		return strdup(error_message(&err));
	copy = malloc(size ? size : 1);
	memcpy(copy, bytes, size);
	plan_json(&plan, copy, &out);
	free(copy);
	plan_release(&plan);
	tokener = json_tokener_new();
	json_object_put(json_tokener_parse_ex(tokener, text_str(&out), (int)out.len + 1));
	if (json_tokener_get_error(tokener) != json_tokener_success)
		fail_msg("no JSON: %s", text_str(&out));
	json_tokener_free(tokener);
	return text_steal(&out);
}

#define assert_json(btf, id, bytes, size, expected)                                                \
	do {                                                                                       \
		_cleanup_free_ char *is = json_of(btf, id, bytes, size);                           \
		assert_string_equal(is, expected);                                                 \
	} while (0)

#define assert_value(btf, id, value, expected)                                                     \
	assert_json(btf, id, &(value), sizeof(value), expected)

static void assert_sum(const struct btf *btf, int id, const char *a, const char *b,
		       const char *expected, uint32_t size)
{
	_cleanup_error_ struct error err = {};
	struct plan plan;
	char sum[64];

	assert_int_equal(plan_init(&plan, btf, (uint32_t)id, size, &err), 0);
	memcpy(sum, a, size);
	plan_add(&plan, sum, b);
	assert_memory_equal(sum, expected, size);
	plan_release(&plan);
}

static int plan_error(const struct btf *btf, int id, uint32_t size, struct error *err)
{
	struct plan plan;
	int r = plan_init(&plan, btf, (uint32_t)id, size, err);

	if (r == 0)
		plan_release(&plan);
	return r;
}

static void test_ints(void **state)
{
	struct types t = types_new();
	const struct {
		int id;
		uint32_t size;
		unsigned __int128 value;
		const char *json;
	} ints[] = {
		{ t.u8, 1, 255, "255" },
		{ t.ch, 1, 255, "-1" },
		{ t.ch, 1, 127, "127" },
		{ t.sch, 1, 128, "-128" },
		{ t.u16, 2, 65535, "65535" },
		{ t.s16, 2, 65535, "-1" },
		{ t.s16, 2, 0x8000, "-32768" },
		{ t.u32, 4, UINT32_MAX, "4294967295" },
		{ t.s32, 4, 0x80000000, "-2147483648" },
		{ t.s32, 4, 0x7fffffff, "2147483647" },
		{ t.u64, 8, UINT64_MAX, "18446744073709551615" },
		{ t.s64, 8, (uint64_t)INT64_MIN, "-9223372036854775808" },
		{ t.s64, 8, INT64_MAX, "9223372036854775807" },
		{ t.u64, 8, 0, "0" },
		{ t.u128, 16, -(unsigned __int128)1,
		  "\"340282366920938463463374607431768211455\"" },
		{ t.s128, 16, -(unsigned __int128)1, "\"-1\"" },
		{ t.s128, 16, (unsigned __int128)1 << 127,
		  "\"-170141183460469231731687303715884105728\"" },
		{ t.u128, 16, (unsigned __int128)UINT64_MAX + 1, "\"18446744073709551616\"" },
		{ t.u128, 16, 0, "\"0\"" },
		{ t.boolean, 1, 0, "false" },
		{ t.boolean, 1, 1, "true" },
		{ t.boolean, 1, 2, "true" },
		/* no type: a number */
		{ 0, 1, 255, "255" },
		{ 0, 2, 0xfffe, "65534" },
		{ 0, 4, UINT32_MAX, "4294967295" },
		{ 0, 8, UINT64_MAX, "18446744073709551615" },
		{ 0, 3, 0x030201, "\"010203\"" },
		{ 0, 16, 0x01, "\"01000000000000000000000000000000\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++)
		assert_json(t.btf, ints[i].id, &ints[i].value, ints[i].size, ints[i].json);
	assert_json(NULL, 5, "\x01\x02", 2, "513");
	btf__free(t.btf);
}

static void test_floats(void **state)
{
	struct types t = types_new();
	static const struct {
		double value;
		const char *json, *single;
	} floats[] = {
		{ 0, "0", "0" },
		{ 1.5, "1.5", "1.5" },
		{ -2, "-2", "-2" },
		{ 1e300, "1e+300", "null" },
		{ NAN, "null", "null" },
		{ INFINITY, "null", "null" },
		{ -INFINITY, "null", "null" },
	};
	_cleanup_error_ struct error err = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
		volatile double wide = floats[i].value;
		float single = fabs(wide) > 1e38 && isfinite(wide) ? INFINITY : (float)wide;

		assert_value(t.btf, t.f64, floats[i].value, floats[i].json);
		assert_value(t.btf, t.f32, single, floats[i].single);
	}
	assert_int_equal(plan_error(t.btf, t.f128, 16, &err), -EINVAL);
	assert_string_equal(error_message(&err), "type \"long double\" cannot be shown");
	btf__free(t.btf);
}

static void test_enums(void **state)
{
	struct types t = types_new();
	int e = btf__add_enum(t.btf, "e", 4), small, negative, e64, s64;
	const uint32_t u = UINT32_MAX;
	const uint8_t b = 200;
	const uint64_t w = UINT64_MAX;

	(void)state;
	btf__add_enum_value(t.btf, "A", 1);
	small = btf__add_enum(t.btf, "small", 1);
	btf__add_enum_value(t.btf, "B", 1);
	negative = btf__add_enum(t.btf, "n", 4);
	btf__add_enum_value(t.btf, "C", -1); /* makes the enum signed */
	e64 = btf__add_enum64(t.btf, "e64", 8, false);
	btf__add_enum64_value(t.btf, "D", UINT64_MAX);
	s64 = btf__add_enum64(t.btf, "s64", 8, true);
	btf__add_enum64_value(t.btf, "E", 1);
	assert_value(t.btf, e, u, "4294967295");
	assert_value(t.btf, small, b, "200");
	assert_value(t.btf, negative, u, "-1");
	assert_value(t.btf, e64, w, "18446744073709551615");
	assert_value(t.btf, s64, w, "-1");
	btf__free(t.btf);
}

static void test_chains(void **state)
{
	struct types t = types_new();
	int a = btf__add_typedef(t.btf, "a", t.s16);
	int b = btf__add_volatile(t.btf, a);
	int c = btf__add_const(t.btf, b);
	int d = btf__add_type_tag(t.btf, "tag", c);
	int e = btf__add_restrict(t.btf, btf__add_typedef(t.btf, "e", d));
	int ptr = btf__add_ptr(t.btf, btf__add_fwd(t.btf, "unknown", BTF_FWD_STRUCT));
	int void_ptr = btf__add_const(t.btf, btf__add_ptr(t.btf, 0));
	const int16_t v = -300;
	const uint64_t p = 0xffffffffffff0000;

	(void)state;
	assert_value(t.btf, e, v, "-300");
	assert_value(t.btf, ptr, p, "18446744073709486080");
	assert_value(t.btf, void_ptr, p, "18446744073709486080");
	btf__free(t.btf);
}

static void test_arrays(void **state)
{
	struct types t = types_new();
	int octet = btf__add_typedef(t.btf, "__u8", t.u8);
	int pair = btf__add_struct(t.btf, "pair", 4);
	int inner, deep;
	struct {
		int id;
		uint32_t size;
		const char *bytes;
		const char *json;
	} arrays[16];
	size_t n = 0;

	(void)state;
	btf__add_field(t.btf, "a", octet, 0, 0);
	btf__add_field(t.btf, "b", t.u16, 16, 0);
	inner = btf__add_array(t.btf, t.u32, t.u16, 2);
	deep = btf__add_array(t.btf, t.u32, inner, 3);
#define ARRAY(id, size, bytes, json) (arrays[n++] = (typeof(arrays[0])){ id, size, bytes, json })
	/* plain char is a number; signed and unsigned char are text, or numbers if they cannot be
	 */
	ARRAY(btf__add_array(t.btf, t.u32, t.ch, 4), 4, "a\0\xff\x01", "[97,0,-1,1]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 4), 4, "a\"\0\0", "\"a\\\"\"");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 4), 4, "a\"\0b", "[97,34,0,98]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 4), 4, "\xc0\xa8\1\2", "[192,168,1,2]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 4), 4, "\0\0\0\0", "\"\"");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 4), 4, "\0\0\0\1", "[0,0,0,1]");
	ARRAY(btf__add_array(t.btf, t.u32, octet, 4), 4, "abcd", "\"abcd\"");
	ARRAY(btf__add_array(t.btf, t.u32, t.sch, 4), 4, "\xff\n\0\0", "[-1,10,0,0]");
	ARRAY(btf__add_array(t.btf, t.u32, t.boolean, 2), 2, "\0\1", "[false,true]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u16, 2), 4, "\1\0\2\0", "[1,2]");
	ARRAY(deep, 12, "\1\0\2\0\3\0\4\0\5\0\6\0", "[[1,2],[3,4],[5,6]]");
	ARRAY(btf__add_array(t.btf, t.u32, btf__add_array(t.btf, t.u32, t.u8, 2), 2), 4, "abc",
	      "[\"ab\",\"c\"]");
	ARRAY(btf__add_array(t.btf, t.u32, pair, 2), 8, "\1X\2\0\3X\4\0",
	      "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u64, 0), 0, "", "[]");
	ARRAY(btf__add_array(t.btf, t.u32, t.u8, 0), 0, "", "[]");
	for (size_t i = 0; i < n; i++)
		assert_json(t.btf, arrays[i].id, arrays[i].bytes, arrays[i].size, arrays[i].json);
	btf__free(t.btf);
}

static void test_structs(void **state)
{
	struct types t = types_new();
	int in, outer, un, un_t, anonymous, holder, empty, flex, zero, forward, with_forward;
	const struct {
		uint8_t a;
		uint32_t b;
		struct {
			int16_t x;
			uint8_t y;
		} in;
		uint64_t c;
	} value = { 1, 2, { -3, 4 }, 5 };
	const uint32_t u = 0x01020304;
	_cleanup_error_ struct error err = {};

	(void)state;
	in = btf__add_struct(t.btf, "in", 4);
	btf__add_field(t.btf, "x", t.s16, 0, 0);
	btf__add_field(t.btf, "y", t.u8, 16, 0);
	outer = btf__add_struct(t.btf, "outer", 24);
	btf__add_field(t.btf, "a", t.u8, 0, 0);
	btf__add_field(t.btf, "b", t.u32, 32, 0);
	btf__add_field(t.btf, "in", in, 64, 0);
	btf__add_field(t.btf, "c", t.u64, 128, 0);
	assert_value(t.btf, outer, value, "{\"a\":1,\"b\":2,\"in\":{\"x\":-3,\"y\":4},\"c\":5}");
	/* every member of a union is listed */
	un = btf__add_union(t.btf, "un", 4);
	btf__add_field(t.btf, "w", t.u32, 0, 0);
	btf__add_field(t.btf, "h", t.u16, 0, 0);
	btf__add_field(t.btf, "b", t.u8, 0, 0);
	assert_value(t.btf, un, u, "{\"w\":16909060,\"h\":772,\"b\":4}");
	/* bytes that members of a union share are added once */
	assert_sum(t.btf, un, "\1\2\0\0", "\2\3\0\0", "\3\5\0\0", 4);
	assert_sum(t.btf, outer, "\1\0\0\0\2\0\0\0\1\0\1\0\0\0\0\0\5\0\0\0\0\0\0\0",
		   "\1\0\0\0\3\0\0\0\1\0\2\0\0\0\0\0\6\0\0\0\0\0\0\0",
		   "\2\0\0\0\5\0\0\0\2\0\3\0\0\0\0\0\13\0\0\0\0\0\0\0", 24);
	/* members of nested anonymous structs and unions belong to the parent */
	un_t = btf__add_typedef(t.btf, "un_t", un);
	anonymous = btf__add_union(t.btf, NULL, 4);
	btf__add_field(t.btf, NULL, un_t, 0, 0);
	holder = btf__add_struct(t.btf, "holder", 8);
	btf__add_field(t.btf, NULL, anonymous, 0, 0);
	empty = btf__add_struct(t.btf, NULL, 0);
	assert_true(empty > 0);
	assert_json(t.btf, empty, "", 0, "{}");
	assert_json(t.btf, holder, "\4\3\2\1\7\0\0\0", 8, "{\"w\":16909060,\"h\":772,\"b\":4}");
	holder = btf__add_struct(t.btf, "holder", 8);
	btf__add_field(t.btf, NULL, empty, 0, 0);
	btf__add_field(t.btf, NULL, un, 0, 0);
	btf__add_field(t.btf, NULL, empty, 32, 0);
	btf__add_field(t.btf, "last", t.u32, 32, 0);
	assert_json(t.btf, holder, "\4\3\2\1\7\0\0\0", 8,
		    "{\"w\":16909060,\"h\":772,\"b\":4,\"last\":7}");
	/* a flexible array and an empty array at the end */
	zero = btf__add_array(t.btf, t.u32, t.u32, 0);
	flex = btf__add_struct(t.btf, "flex", 4);
	btf__add_field(t.btf, "n", t.u32, 0, 0);
	btf__add_field(t.btf, "all", zero, 32, 0);
	assert_value(t.btf, flex, u, "{\"n\":16909060,\"all\":[]}");
	/* types without a size */
	forward = btf__add_fwd(t.btf, "later", BTF_FWD_STRUCT);
	with_forward = btf__add_struct(t.btf, "w", 4);
	btf__add_field(t.btf, "f", forward, 0, 0);
	assert_int_equal(plan_error(t.btf, with_forward, 4, &err), -EINVAL);
	assert_string_equal(error_message(&err), "type \"later\" cannot be shown");
	btf__free(t.btf);
}

/* Bit fields, compared with the compiler's own layout of the same struct. */
static void test_bitfields(void **state)
{
	struct types t = types_new();
	int id;
	struct {
		uint32_t a : 1;
		uint32_t b : 7;
		int32_t c : 5;
		uint32_t d : 19;
		uint64_t e : 40;
		int64_t f : 24;
		uint64_t g : 63;
		uint64_t h : 1;
		int64_t i : 64;
	} v = { 1, 100, -3, 0x7abcd, 0xfedcba9876, -5, INT64_MAX, 1, INT64_MIN };

	(void)state;
	id = btf__add_struct(t.btf, "bits", sizeof(v));
	btf__add_field(t.btf, "a", t.u32, 0, 1);
	btf__add_field(t.btf, "b", t.u32, 1, 7);
	btf__add_field(t.btf, "c", t.s32, 8, 5);
	btf__add_field(t.btf, "d", t.u32, 13, 19);
	btf__add_field(t.btf, "e", t.u64, 64, 40);
	btf__add_field(t.btf, "f", t.s64, 104, 24);
	btf__add_field(t.btf, "g", t.u64, 128, 63);
	btf__add_field(t.btf, "h", t.u64, 191, 1);
	btf__add_field(t.btf, "i", t.s64, 192, 64);
	assert_int_equal(sizeof(v), 32);
	/* e does not fit after d, so it starts at the next word, as in compilers */
	assert_value(t.btf, id, v,
		     "{\"a\":1,\"b\":100,\"c\":-3,\"d\":502733,\"e\":1094624909430,\"f\":-5,"
		     "\"g\":9223372036854775807,\"h\":1,\"i\":-9223372036854775808}");
	btf__free(t.btf);
}

/* Every width at every offset, in a value that ends with the field. */
static void test_bitfield_sweep(void **state)
{
	unsigned int cases = 0;

	(void)state;
	for (uint32_t bit = 0; bit < 16; bit++)
		for (uint32_t bits = 1; bits <= 64; bits++)
			for (int is_signed = 0; is_signed < 2; is_signed++) {
				struct types t = types_new();
				uint32_t size = (bit + bits + 7) / 8;
				uint64_t value = 0x9e3779b97f4a7c15 * (bit * 64 + bits + 1);
				unsigned char bytes[16] = {};
				_cleanup_free_ char *expected = NULL;
				int id = btf__add_struct(t.btf, "s", size);

				/* all other bits are set, so that a leak would show */
				memset(bytes, 0xff, sizeof(bytes));
				if (bits < 64)
					value &= (1ULL << bits) - 1;
				for (uint32_t i = 0; i < bits; i++)
					if (!(value >> i & 1))
						bytes[(bit + i) / 8] &=
							(unsigned char)~(1u << (bit + i) % 8);
				btf__add_field(t.btf, "f", is_signed ? t.s64 : t.u64, bit, bits);
				if (is_signed && value >> (bits - 1) & 1)
					value |= bits < 64 ? ~0ULL << bits : 0;
				if (is_signed)
					assert_true(asprintf(&expected, "{\"f\":%lld}",
							     (long long)value) > 0);
				else
					assert_true(asprintf(&expected, "{\"f\":%llu}",
							     (unsigned long long)value) > 0);
				assert_json(t.btf, id, bytes, size, expected);
				btf__free(t.btf);
				cases++;
			}
	assert_int_equal(cases, 16 * 64 * 2);
}

/* Bit fields wider than 64 bits are rejected, not truncated. */
static void test_bitfield_too_wide(void **state)
{
	static const uint32_t widths[] = { 65, 100, 120, 127, 128, 200, 255 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		for (uint32_t bit = 0; bit < 8; bit += 7) {
			struct types t = types_new();
			_cleanup_error_ struct error err = {};
			struct field *fields;
			size_t n;
			int id = btf__add_struct(t.btf, "s", 64);

			btf__add_field(t.btf, "wide", t.u128, bit, widths[i]);
			assert_int_equal(plan_error(t.btf, id, 64, &err), -EINVAL);
			assert_int_equal(
				fields_list(t.btf, (uint32_t)id, 64, "key", &fields, &n, &err),
				-EINVAL);
			btf__free(t.btf);
		}
}

/* Old compilers store the width of a bit field in its integer type. */
static void test_old_bitfields(void **state)
{
	struct types t = types_new();
	int five = btf__add_int(t.btf, "unsigned int", 4, 0);
	struct btf_type *type = (struct btf_type *)btf__type_by_id(t.btf, (uint32_t)five);
	int id;
	const uint32_t v = 21 << 3 | 5;

	(void)state;
	*(uint32_t *)(type + 1) = BTF_INT_BITS(5);
	id = btf__add_struct(t.btf, "s", 4);
	btf__add_field(t.btf, "low", five, 0, 0);
	btf__add_field(t.btf, "high", five, 8, 0);
	/* libbpf refuses to create such a member at an odd offset */
	type = (struct btf_type *)btf__type_by_id(t.btf, (uint32_t)id);
	btf_members(type)[1].offset = 3;
	assert_value(t.btf, id, v, "{\"low\":13,\"high\":21}");
	btf__free(t.btf);
}

static void test_section(void **state)
{
	struct types t = types_new();
	int a = btf__add_var(t.btf, "a", BTF_VAR_GLOBAL_ALLOCATED, t.u32);
	int b = btf__add_var(t.btf, "b", BTF_VAR_STATIC, t.u8);
	int section = btf__add_datasec(t.btf, ".data", 8);

	(void)state;
	btf__add_datasec_var_info(t.btf, a, 0, 4);
	btf__add_datasec_var_info(t.btf, b, 4, 1);
	assert_json(t.btf, section, "\1\0\0\0\2\0\0\0", 8, "{\"a\":1,\"b\":2}");
	btf__free(t.btf);
}

static void test_errors(void **state)
{
	struct types t = types_new();
	int forward = btf__add_fwd(t.btf, "later", BTF_FWD_UNION);
	int proto = btf__add_func_proto(t.btf, t.s32);
	int function = btf__add_func(t.btf, "f", BTF_FUNC_STATIC, proto);
	int of_forward = btf__add_array(t.btf, t.u32, forward, 4);
	int holder = btf__add_struct(t.btf, "holder", 4);
	const struct {
		int id;
		uint32_t size;
		int code;
		const char *message;
	} errors[] = {
		{ t.u32, 8, -EINVAL, "the map has 8 bytes, its type in BTF 4" },
		{ t.u32, 0, -EINVAL, "the map has 0 bytes, its type in BTF 4" },
		{ forward, 4, -EINVAL, "the map has 4 bytes, its type in BTF -22" },
		{ proto, 4, -EINVAL, "the map has 4 bytes, its type in BTF -22" },
		{ function, 4, -EINVAL, "the map has 4 bytes, its type in BTF -22" },
		{ 9999, 4, -EINVAL, "the map has 4 bytes, its type in BTF -22" },
		{ holder, 4, -EINVAL, "an array of a type without a size" },
	};

	(void)state;
	btf__add_field(t.btf, "a", of_forward, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		_cleanup_error_ struct error err = {};

		assert_int_equal(plan_error(t.btf, errors[i].id, errors[i].size, &err),
				 errors[i].code);
		assert_string_equal(error_message(&err), errors[i].message);
		assert_int_equal(plan_error(t.btf, errors[i].id, errors[i].size, NULL),
				 errors[i].code);
	}
	btf__free(t.btf);
}

/* Changes the type that a type refers to: libbpf does not create references to later types. */
static void refer(struct btf *btf, int id, int to)
{
	((struct btf_type *)btf__type_by_id(btf, (uint32_t)id))->type = (uint32_t)to;
}

static void refer_member(struct btf *btf, int id, uint32_t member, int to)
{
	btf_members((struct btf_type *)btf__type_by_id(btf, (uint32_t)id))[member].type =
		(uint32_t)to;
}

/* Types that no compiler produces. Each one must give an error, in bounded time and memory. */
static void test_hostile(void **state)
{
	enum {
		SELF,
		ANONYMOUS,
		TWICE,
		TYPEDEF,
		RING,
		ELEMENT,
		ODD,
		ODD_SIGNED,
		ODD_WIDE,
		NO_INT,
		ODD_ENUM,
		OUTSIDE,
		OUTSIDE_BIT,
		OUTSIDE_ARRAY,
		OUTSIDE_VAR,
		OUTSIDE_IN_ARRAY,
		ENDLESS,
		COUNT
	};

	(void)state;
	for (int kind = 0; kind < COUNT; kind++) {
		struct types t = types_new();
		uint32_t size = 4;
		int id = 0, other;
		_cleanup_error_ struct error err = {};
		struct field *fields = NULL;
		struct btf_type *type;
		size_t n = 0;
		int r;

		switch (kind) {
		case SELF:
		case ANONYMOUS:
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, kind == SELF ? "s" : NULL, t.u32, 0, 0);
			refer_member(t.btf, id, 0, id);
			break;
		case TWICE: /* 2^32 visits without a limit */
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, "a", t.u32, 0, 0);
			btf__add_field(t.btf, "b", t.u32, 0, 0);
			refer_member(t.btf, id, 0, id);
			refer_member(t.btf, id, 1, id);
			break;
		case TYPEDEF:
			id = btf__add_typedef(t.btf, "t", t.u32);
			refer(t.btf, id, id);
			break;
		case RING:
			id = btf__add_const(t.btf, t.u32);
			other = btf__add_volatile(t.btf, id);
			refer(t.btf, id, other);
			break;
		case ELEMENT:
			id = btf__add_array(t.btf, t.u32, t.u32, 1);
			btf_array(btf__type_by_id(t.btf, (uint32_t)id))->type = (uint32_t)id;
			break;
		case ODD:
		case ODD_SIGNED:
		case ODD_WIDE:
		case NO_INT:
			size = kind == NO_INT ? 0 : kind == ODD_WIDE ? 12 : 3;
			id = btf__add_int(t.btf, "odd", 4, kind == ODD_SIGNED ? BTF_INT_SIGNED : 0);
			type = (struct btf_type *)btf__type_by_id(t.btf, (uint32_t)id);
			type->size = size;
			*(uint32_t *)(type + 1) = BTF_INT_BITS(size * 8);
			break;
		case ODD_ENUM:
			size = 3;
			id = btf__add_enum(t.btf, "e", 4);
			((struct btf_type *)btf__type_by_id(t.btf, (uint32_t)id))->size = 3;
			break;
		case OUTSIDE:
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, "a", t.u32, 8, 0);
			break;
		case OUTSIDE_BIT:
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, "a", t.u32, 30, 5);
			break;
		case OUTSIDE_ARRAY:
			other = btf__add_array(t.btf, t.u32, t.u8, 5);
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, "a", other, 0, 0);
			break;
		case OUTSIDE_VAR:
			other = btf__add_var(t.btf, "v", BTF_VAR_STATIC, t.u64);
			id = btf__add_datasec(t.btf, ".data", size);
			btf__add_datasec_var_info(t.btf, other, 0, 8);
			break;
		case OUTSIDE_IN_ARRAY: /* only the last element exceeds the value */
			other = btf__add_struct(t.btf, "s", 2);
			btf__add_field(t.btf, "a", t.u32, 0, 0);
			id = btf__add_array(t.btf, t.u32, other, 2);
			break;
		case ENDLESS: /* 4294967295 elements of size 0 */
			other = btf__add_array(t.btf, t.u32, btf__add_struct(t.btf, "none", 0),
					       UINT32_MAX);
			id = btf__add_struct(t.btf, "s", size);
			btf__add_field(t.btf, "a", t.u32, 0, 0);
			btf__add_field(t.btf, "b", other, 32, 0);
			break;
		}
		assert_true(id > 0);
		r = plan_error(t.btf, id, size, &err);
		if (r != -EINVAL && r != -E2BIG)
			fail_msg("kind %d: %d %s", kind, r, error_message(&err));
		r = fields_list(t.btf, (uint32_t)id, size, "key", &fields, &n, &err);
		if (r == 0) /* a type without usable members */
			fields_free(fields, n);
		if (r == 0 && n != (kind == ENDLESS)) /* ENDLESS has one usable member */
			fail_msg("kind %d: %zu fields", kind, n);
		btf__free(t.btf);
	}
}

static void test_too_many(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		struct types t = types_new();
		uint32_t members = PLAN_OPS_MAX - 1 + more; /* one op is for the closing brace */
		int id = btf__add_struct(t.btf, "s", members);
		_cleanup_error_ struct error err = {};
		char name[16];

		(void)state;
		for (uint32_t i = 0; i < members; i++) {
			snprintf(name, sizeof(name), "m%u", i);
			assert_int_equal(btf__add_field(t.btf, name, t.u8, i * 8, 0), 0);
		}
		assert_int_equal(plan_error(t.btf, id, members, &err), more ? -E2BIG : 0);
		if (more)
			assert_string_equal(error_message(&err),
					    "the type has more than 4096 fields");
		btf__free(t.btf);
	}
}

static void test_deep(void **state)
{
	struct types t = types_new();
	_cleanup_error_ struct error err = {};
	int id = t.u32, shallow = 0;

	(void)state;
	for (int i = 0; i < PLAN_DEPTH_MAX + 1; i++) {
		int outer = btf__add_struct(t.btf, "s", 4);

		btf__add_field(t.btf, "a", id, 0, 0);
		id = outer;
		if (i == 9)
			shallow = id;
	}
	assert_int_equal(plan_error(t.btf, shallow, 4, &err), 0);
	assert_int_equal(plan_error(t.btf, id, 4, &err), -E2BIG);
	assert_string_equal(error_message(&err), "the type is nested too deeply");
	btf__free(t.btf);
}

static void test_numbers(void **state)
{
	struct types t = types_new();
	int one = btf__add_struct(t.btf, "one", 4), empty;
	const uint64_t bits = 0xfffffffffffffffe;
	const double half = 0.5;
	const struct {
		int id;
		uint32_t size;
		bool is;
		const void *value;
		const char *text;
	} plans[] = {
		{ t.u64, 8, true, &bits, "18446744073709551614" },
		{ t.s64, 8, true, &bits, "-2" },
		{ t.s32, 4, true, &bits, "-2" },
		{ t.u16, 2, true, &bits, "65534" },
		{ t.ch, 1, true, &bits, "-2" },
		{ t.boolean, 1, true, &bits, "1" },
		{ t.f64, 8, true, &half, "0.5" },
		{ 0, 4, true, &bits, "4294967294" },
		{ t.u128, 16, false, NULL, NULL },
		{ one, 4, false, NULL, NULL },
		{ 0, 3, false, NULL, NULL },
		{ 0, 16, false, NULL, NULL },
	};

	(void)state;
	btf__add_field(t.btf, "a", t.u32, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		_cleanup_text_ struct text out = {};
		struct plan plan;

		assert_int_equal(
			plan_init(&plan, t.btf, (uint32_t)plans[i].id, plans[i].size, NULL), 0);
		assert_int_equal(plan_is_number(&plan), plans[i].is);
		if (plans[i].is) {
			number_text(plan_number(&plan, plans[i].value), &out);
			assert_string_equal(text_str(&out), plans[i].text);
		}
		plan_release(&plan);
	}
	empty = btf__add_struct(t.btf, "empty", 0);
	{
		struct plan plan;

		assert_int_equal(plan_init(&plan, t.btf, (uint32_t)empty, 0, NULL), 0);
		assert_false(plan_is_number(&plan));
		plan_release(&plan);
	}
	btf__free(t.btf);
}

/* Returns the fields as "name=text", separated by blanks. */
static char *fields_of(const struct btf *btf, int id, const void *bytes, uint32_t size)
{
	_cleanup_text_ struct text out = {};
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *copy = malloc(size ? size : 1);
	struct field *fields;
	size_t n;

	if (fields_list(btf, (uint32_t)id, size, "key", &fields, &n, &err) < 0)
		return strdup(error_message(&err));
	memcpy(copy, bytes, size);
	for (size_t i = 0; i < n; i++) {
		text_printf(&out, "%s%s=", i ? " " : "", fields[i].name);
		field_text(&fields[i], fields[i].format, copy, &out);
	}
	fields_free(fields, n);
	return out.len ? text_steal(&out) : strdup("");
}

static void test_fields(void **state)
{
	struct types t = types_new();
	int name = btf__add_array(t.btf, t.u32, t.u8, 4);
	int pair = btf__add_array(t.btf, t.u32, t.u16, 2);
	int four, eight, in, in_t, outer;
	struct {
		int id;
		uint32_t size;
		const char *bytes, *fields;
	} lists[12];
	size_t n = 0;

	(void)state;
	four = btf__add_struct(t.btf, "four", 4);
	btf__add_field(t.btf, "x", t.s16, 0, 0);
	btf__add_field(t.btf, "low", t.u16, 16, 3);
	btf__add_field(t.btf, "high", t.s16, 19, 13);
	eight = btf__add_union(t.btf, NULL, 4);
	btf__add_field(t.btf, "whole", t.u32, 0, 0);
	btf__add_field(t.btf, "half", t.u16, 0, 0);
	in = btf__add_struct(t.btf, "in", 8);
	btf__add_field(t.btf, "four", four, 0, 0);
	btf__add_field(t.btf, NULL, eight, 32, 0);
	in_t = btf__add_const(t.btf, in);
	outer = btf__add_struct(t.btf, "outer", 17);
	btf__add_field(t.btf, "in", in_t, 0, 0);
	btf__add_field(t.btf, "name", name, 64, 0);
	btf__add_field(t.btf, "pair", pair, 96, 0);
	btf__add_field(t.btf, "ok", t.boolean, 128, 0);
#define LIST(...) (lists[n++] = (typeof(lists[0])){ __VA_ARGS__ })
	LIST(outer, 17, "\xff\xff\xfd\xff\2\0\0\0a\"\\\0\1\0\2\0\1",
	     "in_four_x=-1 in_four_low=5 in_four_high=-1 in_whole=2 in_half=2 name=a\"\\ "
	     "pair=[1,2] ok=true");
	LIST(t.u32, 4, "\1\0\0\0", "key=1");
	LIST(name, 4, "eth0", "key=eth0");
	LIST(name, 4, "\0\0\0\0", "key=00000000");
	LIST(btf__add_array(t.btf, t.u32, t.ch, 4), 4, "\0\0\0\0", "key=");
	LIST(btf__add_typedef(t.btf, "__be32", t.u32), 4, "\n\0\0\1", "key=10.0.0.1");
	LIST(btf__add_typedef(t.btf, "__be16", t.u16), 2, "\0\x35", "key=53");
	LIST(pair, 4, "\1\0\2\0", "key=[1,2]");
	/* text is not quoted, even where JSON would quote it */
	LIST(0, 6, "\1\2\3\4\5\6", "key=010203040506");
	LIST(t.u128, 16, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", "key=18446744073709551616");
	LIST(btf__add_struct(t.btf, "empty", 0), 0, "", "");
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *is =
			fields_of(t.btf, lists[i].id, lists[i].bytes, lists[i].size);

		assert_string_equal(is, lists[i].fields);
	}
	btf__free(t.btf);
}

/* Kernel types are not shown, and padding is no field by default. */
static void test_opaque(void **state)
{
	static const char *const padding[] = { "pad",	  "_pad",    "__pad",	"pad1",
					       "__pad_2", "padding", "_padding" };
	static const char *const others[] = { "paddr", "pad_bytes", "padlock", "spad" };
	const uint64_t value[5] = { 1, 2, 3, 4, 5 };
	struct types t = types_new();
	int lock = btf__add_struct(t.btf, "bpf_spin_lock", 4), locks, tagged, plain, id;
	struct field *fields;
	size_t n;

	(void)state;
	btf__add_field(t.btf, "val", t.u32, 0, 0);
	tagged = btf__add_ptr(t.btf, btf__add_type_tag(t.btf, "kptr", lock));
	tagged = btf__add_typedef(t.btf, "task_t", tagged);
	plain = btf__add_ptr(t.btf, lock);
	locks = btf__add_array(t.btf, t.u32, lock, 1);
	id = btf__add_struct(t.btf, "value", 40);
	btf__add_field(t.btf, "lock", lock, 0, 0);
	btf__add_field(t.btf, "locks", locks, 32, 0);
	btf__add_field(t.btf, "n", t.u64, 64, 0);
	btf__add_field(t.btf, "task", tagged, 128, 0);
	btf__add_field(t.btf, "address", plain, 192, 0);
	btf__add_field(t.btf, "pad", t.u64, 256, 0);
	assert_json(t.btf, id, value, sizeof(value), "{\"n\":2,\"address\":4,\"pad\":5}");
	assert_int_equal(fields_list(t.btf, id, 40, "value", &fields, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(fields[0].numbers, 1);
	assert_int_equal(fields[1].numbers, 0); /* an address is no count */
	assert_true(!fields[0].padding && !fields[1].padding && fields[2].padding);
	fields_free(fields, n);
	for (size_t i = 0; i < ARRAY_SIZE(padding) + ARRAY_SIZE(others); i++) {
		bool is = i < ARRAY_SIZE(padding);
		const char *name = is ? padding[i] : others[i - ARRAY_SIZE(padding)];

		id = btf__add_struct(t.btf, "s", 4);
		btf__add_field(t.btf, name, t.u32, 0, 0);
		assert_int_equal(fields_list(t.btf, id, 4, "value", &fields, &n, NULL), 0);
		if (fields->padding != is)
			fail_msg("%s", name);
		fields_free(fields, n);
	}
	btf__free(t.btf);
}

static void test_fields_limit(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		struct types t = types_new();
		uint32_t members = FIELDS_MAX + more;
		int id = btf__add_struct(t.btf, "s", members);
		_cleanup_error_ struct error err = {};
		struct field *fields = NULL;
		size_t n = 0;
		char name[16];

		(void)state;
		for (uint32_t i = 0; i < members; i++) {
			snprintf(name, sizeof(name), "m%u", i);
			btf__add_field(t.btf, name, t.u8, i * 8, 0);
		}
		assert_int_equal(
			fields_list(t.btf, (uint32_t)id, members, "key", &fields, &n, &err),
			more ? -E2BIG : 0);
		if (more)
			assert_string_equal(error_message(&err),
					    "the type has more than 64 fields");
		else
			assert_int_equal(n, FIELDS_MAX);
		fields_free(fields, n);
		btf__free(t.btf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ints),	      cmocka_unit_test(test_floats),
		cmocka_unit_test(test_enums),	      cmocka_unit_test(test_chains),
		cmocka_unit_test(test_arrays),	      cmocka_unit_test(test_structs),
		cmocka_unit_test(test_bitfields),     cmocka_unit_test(test_bitfield_sweep),
		cmocka_unit_test(test_old_bitfields), cmocka_unit_test(test_section),
		cmocka_unit_test(test_errors),	      cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_deep),	      cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_fields),	      cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_fields_limit),  cmocka_unit_test(test_bitfield_too_wide),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
