/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/btf_check.h"
#include "base/file.h"
#include "fixture.h"

#include <errno.h>
#include <linux/btf.h>

#define INFO(kind, vlen) ((uint32_t)(kind) << 24 | (vlen))
#define KFLAG		 (1u << 31)

/* Offsets of the names in the strings. */
#define STRINGS "\0a\0b\0tag"
#define A	1
#define B	3
#define TAG	5
#define BEYOND	sizeof(STRINGS)

/* One type of each kind. The ID is the position, counted from 1. */
static const struct {
	uint32_t n;
	uint32_t words[9];
} types[] = {
	{ 4, { A, INFO(BTF_KIND_INT, 0), 4, 32 } },			/* 1 */
	{ 3, { 0, INFO(BTF_KIND_PTR, 0), 0 } },				/* 2 */
	{ 6, { 0, INFO(BTF_KIND_ARRAY, 0), 0, 1, 1, 4 } },		/* 3 */
	{ 9, { A, INFO(BTF_KIND_STRUCT, 2), 24, A, 3, 0, B, 2, 128 } }, /* 4 */
	{ 3, { A, INFO(BTF_KIND_TYPEDEF, 0), 4 } },			/* 5 */
	{ 3, { 0, INFO(BTF_KIND_CONST, 0), 5 } },			/* 6 */
	{ 4, { A, INFO(BTF_KIND_VAR, 0), 6, 1 } },			/* 7 */
	{ 6, { B, INFO(BTF_KIND_DATASEC, 1), 24, 7, 0, 24 } },		/* 8 */
	{ 5, { 0, INFO(BTF_KIND_FUNC_PROTO, 1), 1, A, 1 } },		/* 9 */
	{ 3, { A, INFO(BTF_KIND_FUNC, 1), 9 } },			/* 10 */
	{ 4, { TAG, INFO(BTF_KIND_DECL_TAG, 0), 7, UINT32_MAX } },	/* 11 */
	{ 4, { TAG, INFO(BTF_KIND_DECL_TAG, 0), 4, 1 } },		/* 12 */
	{ 4, { TAG, INFO(BTF_KIND_DECL_TAG, 0), 10, 0 } },		/* 13 */
	{ 7, { A, INFO(BTF_KIND_ENUM, 2) | KFLAG, 4, A, 1, B, 2 } },	/* 14 */
	{ 6, { A, INFO(BTF_KIND_ENUM64, 1), 8, B, 0, 1 } },		/* 15 */
	{ 3, { A, INFO(BTF_KIND_FLOAT, 0), 8 } },			/* 16 */
	{ 3, { A, INFO(BTF_KIND_FWD, 0), 0 } },				/* 17 */
	{ 3, { TAG, INFO(BTF_KIND_TYPE_TAG, 0), 1 } },			/* 18 */
	{ 6, { A, INFO(BTF_KIND_UNION, 1), 4, A, 1, 0 } },		/* 19 */
	{ 3, { 0, INFO(BTF_KIND_VOLATILE, 0), 1 } },			/* 20 */
	{ 3, { 0, INFO(BTF_KIND_RESTRICT, 0), 2 } },			/* 21 */
};

/*
 * Builds the section with one word of one type replaced (id 0: none). more: extra bytes in the
 * header.
 */
static void make(uint32_t id, uint32_t word, uint32_t value, size_t more, struct text *out)
{
	struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = (uint32_t)(24 + more),
	};
	size_t start;

	text_add(out, &header, 24);
	for (size_t i = 0; i < more; i++)
		text_addc(out, 0);
	start = out->len;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint32_t words[9];

		memcpy(words, types[i].words, sizeof(words));
		if (i + 1 == id)
			words[word] = value;
		text_add(out, words, types[i].n * sizeof(uint32_t));
	}
	header.type_len = header.str_off = (uint32_t)(out->len - start);
	header.str_len = sizeof(STRINGS);
	text_add(out, STRINGS, sizeof(STRINGS));
	memcpy(out->data, &header, 24);
}

/* Allocated with the exact size, so that the sanitizer detects overruns. */
static int check(const struct text *section, size_t len, struct error *err)
{
	_cleanup_free_ char *exact = malloc(len + !len);

	memcpy(exact, section->data, len);
	return btf_check(exact, len, NULL, err);
}

static const struct {
	uint32_t id, word, value;
	const char *message; /* NULL: valid */
} rows[] = {
	{ 0, 0, 0, NULL },
	/* names */
	{ 1, 0, BEYOND, "type 1: a name at 9 lies outside the strings, which have 9 bytes" },
	{ 4, 6, UINT32_MAX, "type 4: a name at 4294967295 lies outside the strings" },
	{ 9, 3, BEYOND, "type 9: a name at 9 lies outside the strings" },
	{ 11, 0, 0x7fffffff, "type 11: a name at 2147483647 lies outside the strings" },
	{ 14, 5, BEYOND, "type 14: a name at 9 lies outside the strings" },
	{ 15, 3, BEYOND, "type 15: a name at 9 lies outside the strings" },
	/* ids */
	{ 2, 2, 21, NULL },
	{ 2, 2, 22, "type 2 refers to type 22, which does not exist: the last type is 21" },
	{ 3, 3, 9999, "type 3 refers to type 9999, which does not exist" },
	{ 3, 4, UINT32_MAX, "type 3 refers to type 4294967295, which does not exist" },
	{ 4, 7, 22, "type 4 refers to type 22, which does not exist" },
	{ 5, 2, 22, "type 5 refers to type 22, which does not exist" },
	{ 7, 2, 22, "type 7 refers to type 22, which does not exist" },
	{ 8, 3, 22, "type 8 refers to type 22, which does not exist" },
	{ 9, 2, 22, "type 9 refers to type 22, which does not exist" },
	{ 9, 4, 22, "type 9 refers to type 22, which does not exist" },
	{ 10, 2, 22, "type 10 refers to type 22, which does not exist" },
	{ 11, 2, 9999, "type 11 refers to type 9999, which does not exist" },
	{ 18, 2, 22, "type 18 refers to type 22, which does not exist" },
	/* permitted references */
	{ 8, 3, 4, "type 8 (DATASEC) contains type 4, which is not a variable" },
	{ 8, 3, 0, "type 8 (DATASEC) contains type 0, which is not a variable" },
	{ 8, 3, 10, NULL }, /* .ksyms has functions */
	{ 10, 2, 1, "type 10 (FUNC) refers to type 1, which is not a FUNC_PROTO" },
	{ 10, 2, 0, "type 10 (FUNC) refers to type 0, which is not a FUNC_PROTO" },
	{ 11, 2, 1, "type 11 (DECL_TAG) refers to type 1, which is not a variable, function," },
	{ 11, 2, 0, "type 11 (DECL_TAG) refers to type 0, which is not a variable, function," },
	{ 11, 3, 0,
	  "type 11 (DECL_TAG) refers to component 0 of type 7, whose number of components is 0" },
	{ 12, 3, 2,
	  "type 12 (DECL_TAG) refers to component 2 of type 4, whose number of components is 2" },
	{ 12, 3, 0x80000000, "type 12 (DECL_TAG) refers to component -2147483648 of type 4" },
	{ 13, 3, 1,
	  "type 13 (DECL_TAG) refers to component 1 of type 10, whose number of components is 1" },
	/* recursive types */
	{ 5, 2, 5, "type 5 contains itself through type 5" },
	{ 5, 2, 6, "type 5 contains itself through type 6" },
	{ 20, 2, 20, "type 20 contains itself through type 20" },
	{ 3, 3, 3, "type 3 contains itself through type 3" },
	{ 3, 3, 5, "contains itself" },
	{ 4, 4, 7, "type 4 contains itself through type 5" },
	{ 4, 4, 8, "contains itself" },
	{ 19, 4, 19, "type 19 contains itself through type 19" },
	{ 2, 2, 4, NULL }, /* a linked list is valid */
	/* sizes */
	{ 3, 5, UINT32_MAX, "type 3 (ARRAY) has 4294967295 elements of 4 bytes: more than 2 GiB" },
	{ 3, 5, 0x20000000, "type 3 (ARRAY) has 536870912 elements of 4 bytes: more than 2 GiB" },
	{ 3, 5, 0x1fffffff, NULL },
	{ 1, 2, 0, "type 1 (INT) has 32 bits in 0 bytes" },
	{ 1, 2, 17, "type 1 (INT) has 32 bits in 17 bytes, at most 16 bytes are possible" },
	{ 1, 3, 33, "type 1 (INT) has 33 bits in 4 bytes" },
	{ 1, 3, 1 << 16 | 32, "type 1 (INT) has 32 bits in 4 bytes" },
	/* extents */
	{ 1, 1, INFO(20, 0), "type 1 is of unknown kind 20" },
	{ 1, 1, INFO(BTF_KIND_UNKN, 0), "type 1 is of unknown kind 0" },
	{ 21, 1, INFO(BTF_KIND_INT, 0),
	  "type 21 (INT, vlen 0) has 16 bytes and exceeds the types" },
	{ 19, 1, INFO(BTF_KIND_STRUCT, 0xffff),
	  "type 19 (STRUCT, vlen 65535) has 786432 bytes and exceeds the types" },
	{ 8, 1, INFO(BTF_KIND_DATASEC, 100), "type 8 (DATASEC, vlen 100) has 1212 bytes and" },
};

static void test_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_text_ struct text section = {};
		_cleanup_error_ struct error err = {};
		int r;

		make(rows[i].id, rows[i].word, rows[i].value, 0, &section);
		r = check(&section, section.len, &err);
		if ((r < 0) != !!rows[i].message)
			fail_msg("%zu: %d %s", i, r, error_message(&err));
		if (r < 0 && !contains(error_message(&err), rows[i].message))
			fail_msg("%zu", i);
	}
}

/* Replaces a word of the header at a byte offset; 100: truncates the section to value bytes. */
static void test_header(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *message;
	} headers[] = {
		{ 100, 0, "0 bytes are too few for a header of 24 bytes" },
		{ 100, 23, "23 bytes are too few for a header of 24 bytes" },
		{ 100, 24, "overlap or exceed the section's 0 bytes" },
		{ 100, 200, "overlap or exceed the section's 176 bytes" },
		{ 0, 0x00019feb, "the byte order is not that of this machine" },
		{ 0, 0x0001eb9e, "expected magic 0xeb9f and version 1, found 0xeb9e and 1" },
		{ 0, 0x0002eb9f, "expected magic 0xeb9f and version 1, found 0xeb9f and 2" },
		{ 4, 0, "a header of 0 bytes, expected 24 to " },
		{ 4, 20, "a header of 20 bytes, expected 24 to " },
		{ 4, 100000, "a header of 100000 bytes, expected 24 to " },
		{ 4, UINT32_MAX, "a header of 4294967295 bytes, expected 24 to " },
		{ 8, 2, "types (" },
		{ 8, 0xfffffffc, "overlap or exceed" },
		{ 12, 0x7fffffff, "overlap or exceed" },
		{ 12, UINT32_MAX, "overlap or exceed" },
		{ 12, 8, "type 1 is cut off: 8 bytes" },
		{ 16, 8, "overlap or exceed" }, /* strings overlap the types */
		{ 16, UINT32_MAX, "overlap or exceed" },
		{ 20, 0, "the strings (0 bytes) do not begin and end with NUL" },
		{ 20, 3, NULL },
		{ 20, 8, "the strings (8 bytes) do not begin and end with NUL" },
		{ 20, UINT32_MAX, "overlap or exceed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		_cleanup_text_ struct text section = {};
		_cleanup_error_ struct error err = {};
		int r;

		make(0, 0, 0, 0, &section);
		if (headers[i].at < 24)
			memcpy(section.data + headers[i].at, &headers[i].value, 4);
		else
			section.len = headers[i].value;
		r = check(&section, section.len, &err);
		if (!headers[i].message) /* without strings only names are missing */
			assert_true(contains(error_message(&err), "lies outside the strings"));
		else if (r != -EINVAL || !contains(error_message(&err), headers[i].message))
			fail_msg("%zu: %d %s", i, r, error_message(&err));
	}
}

/* Newer compilers append fields to the header; the types start where it ends. */
static void test_longer_headers(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 64; more += 4) {
		_cleanup_text_ struct text section = {};
		_cleanup_error_ struct error err = {};

		make(0, 0, 0, more, &section);
		if (check(&section, section.len, &err) < 0)
			fail_msg("%zu: %s", more, error_message(&err));
		if (more)
			section.data[24] =
				8; /* nonzero extra field; types and strings stay in place */
		assert_int_equal(check(&section, section.len, &err), 0);
		assert_int_equal(check(&section, section.len - 1, &err), -EINVAL);
	}
}

static void test_limits(void **state)
{
	static const uint32_t constant[] = { 0, INFO(BTF_KIND_CONST, 0), 0 };
	static const struct {
		size_t n, name;
		bool chain;
		int code;
		const char *message;
	} limits[] = {
		{ 63, 1, true, 0, NULL },
		{ 64, 1, true, -E2BIG, "nests more than 64 types" },
		{ 1000, 1, true, -E2BIG, "more than 64 types" },
		{ BTF_TYPES_MAX, 1, false, 0, NULL },
		{ BTF_TYPES_MAX + 1, 1, false, -E2BIG, "more than 1048575 types" },
		{ 1, BTF_NAME_MAX, false, 0, NULL },
		{ 1, BTF_NAME_MAX + 1, false, -E2BIG,
		  "the name at 1 has 65536 bytes, at most 65535 are possible" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits) * 2; i++) {
		bool backwards = i % 2; /* whether types refer to later or earlier ones */
		size_t row = i / 2, n = limits[row].n;
		struct btf_header header = {
			.magic = BTF_MAGIC,
			.version = BTF_VERSION,
			.hdr_len = 24,
			.type_len = (uint32_t)(n * sizeof(constant)),
			.str_off = (uint32_t)(n * sizeof(constant)),
			.str_len = (uint32_t)limits[row].name + 2,
		};
		_cleanup_text_ struct text section = {};
		_cleanup_error_ struct error err = {};
		int r;

		text_add(&section, &header, 24);
		for (uint32_t id = 1; id <= n; id++) {
			uint32_t words[3] = { constant[0], constant[1], constant[2] };

			if (limits[row].chain)
				words[2] = backwards ? id - 1 : id < n ? id + 1 : 0;
			text_add(&section, words, sizeof(words));
		}
		text_addc(&section, 0);
		for (size_t c = 0; c < limits[row].name; c++)
			text_addc(&section, 'x');
		text_addc(&section, 0);
		r = check(&section, section.len, &err);
		if (r != limits[row].code)
			fail_msg("%zu: %d %s", i, r, error_message(&err));
		if (r < 0)
			assert_true(contains(error_message(&err), limits[row].message));
	}
}

/*
 * Replaces a word of .BTF.ext, which has one record per list; 100 and more: truncates to at - 100.
 */
static void test_ext(void **state)
{
	static const uint32_t good[] = {
		0x0001eb9f, 32, 0, 20, 20, 28, 48, 28, /* header */
		8,	    A,	1, 0,  10,	       /* functions */
		16,	    A,	1, 0,  A,  B,  0,      /* lines */
		16,	    A,	1, 0,  4,  A,  0,      /* relocations */
	};
	static const struct {
		size_t at; /* in words */
		uint32_t value;
		const char *message;
	} edits[] = {
		{ 0, 0x0001eb9f, NULL },
		{ 0, 0x00019feb, "expected magic 0xeb9f" },
		{ 1, 4, "a header of 4 bytes" },
		{ 1, 1000, "a header of 1000 bytes" },
		{ 1, UINT32_MAX, "a header of 4294967295 bytes" },
		{ 2, 2, "the list of functions, 20 bytes at 2, exceeds the section" },
		{ 2, 1000, "the list of functions, 20 bytes at 1000, exceeds the section" },
		{ 3, UINT32_MAX, "the list of functions, 4294967295 bytes at 0, exceeds" },
		{ 3, 3, "records of 0 bytes in the list of functions" },
		{ 3, 16, "1 records of 8 bytes exceed the list of functions" },
		{ 3, 0, NULL },
		{ 6, 0xfffffff0, "the list of relocations, 28 bytes at 4294967280, exceeds" },
		{ 8, 0, "records of 0 bytes in the list of functions" },
		{ 8, 4, "records of 4 bytes in the list of functions" },
		{ 8, 0xfffffffc, "1 records of 4294967292 bytes exceed the list of functions" },
		{ 9, BEYOND, "the list of functions has a name at 9, outside the strings, which" },
		{ 10, 0, "0 records of 8 bytes exceed the list of functions" },
		{ 10, 2, "2 records of 8 bytes exceed the list of functions" },
		{ 10, 0x20000001, "536870913 records of 8 bytes exceed the list of functions" },
		{ 12, 22, "the list of functions refers to type 22, which does not exist" },
		{ 17, BEYOND, "the list of lines has a name at 9, outside the strings" },
		{ 18, UINT32_MAX, "the list of lines has a name at 4294967295, outside" },
		{ 24, 9999, "the list of relocations refers to type 9999, which does not exist" },
		{ 25, BEYOND, "the list of relocations has a name at 9, outside the strings" },
		{ 100, 0, "a header of 0 bytes" },
		{ 107, 0, "a header of 0 bytes" },
		{ 130, 0, "a header of 32 bytes" },
		{ 160, 0, "the list of lines, 28 bytes at 20, exceeds the section" },
	};
	_cleanup_text_ struct text btf = {};
	struct btf_extent extent = {};

	(void)state;
	make(0, 0, 0, 0, &btf);
	assert_int_equal(btf_check(btf.data, btf.len, &extent, NULL), 0);
	assert_int_equal(extent.n_types, ARRAY_SIZE(types) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		size_t len = edits[i].at < 100 ? sizeof(good) : edits[i].at - 100;
		_cleanup_free_ char *exact = malloc(len + !len);
		_cleanup_error_ struct error err = {};
		int r;

		memcpy(exact, good, len);
		if (edits[i].at < 100)
			memcpy(exact + 4 * edits[i].at, &edits[i].value, 4);
		r = btf_ext_check(exact, len, &extent, &err);
		if ((r < 0) != !!edits[i].message)
			fail_msg("%zu: %d %s", i, r, error_message(&err));
		if (r < 0 && !contains(error_message(&err), edits[i].message))
			fail_msg("%zu", i);
	}
}

static void test_ext_limit(void **state)
{
	const struct btf_extent extent = { 2, sizeof(STRINGS) };
	struct error err = {};

	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		uint32_t n = BTF_RELOCATIONS_MAX + more, bytes = 12 + n * 16;
		const uint32_t head[] = { 0x0001eb9f, 32, 0, 0, 0, 0, 0, bytes, 16, A, n };
		_cleanup_text_ struct text section = {};
		int r;

		text_add(&section, head, sizeof(head));
		for (uint32_t i = 0; i < 4 * n; i++)
			text_add(&section, &(uint32_t){ 0 }, 4);
		r = btf_ext_check(section.data, section.len, &extent, &err);
		assert_int_equal(r, more ? -E2BIG : 0);
	}
	assert_true(contains(error_message(&err), "16385 records, at most 16384 are possible"));
	error_release(&err);
}

/* The kernel's BTF: large, and produced by a different compiler and tool. */
static void test_kernel(void **state)
{
	_cleanup_text_ struct text btf = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	if (file_read(NULL, "/sys/kernel/btf/vmlinux", false, 256 << 20, &btf, NULL) < 0)
		skip();
	if (check(&btf, btf.len, &err) < 0)
		fail_msg("%s", error_message(&err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_longer_headers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_ext),
		cmocka_unit_test(test_ext_limit),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
