/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "fixture.h"

#include <errno.h>
#include <float.h>
#include <json-c/json.h>
#include <locale.h>
#include <math.h>

#define U128_MAX (~(unsigned __int128)0)

static void test_growth(void **state)
{
	_cleanup_text_ struct text text = {}, empty = {};
	_cleanup_free_ char *expected = malloc(100000);
	char *stolen;

	(void)state;
	assert_string_equal(text_str(&empty), "");
	assert_int_equal(empty.len, 0);
	for (int i = 0; i < 100000; i++) {
		text_addc(&text, (char)('a' + i % 26));
		expected[i] = (char)('a' + i % 26);
	}
	assert_int_equal(text.len, 100000);
	assert_memory_equal(text.data, expected, 100000);
	assert_int_equal(strlen(text_str(&text)), 100000);
	text_add(&text, NULL, 0);
	assert_int_equal(text.len, 100000);
	text_clear(&text);
	assert_string_equal(text_str(&text), "");
	/* longer than the first buffer of text_printf() */
	for (int n = 0; n < 2000; n += 37) {
		text_clear(&text);
		text_printf(&text, "%0*d|%s", n, 7, "x");
		assert_int_equal(text.len, (n ? n : 1) + 2);
		assert_int_equal(strlen(text_str(&text)), text.len);
	}
	text_printf(&empty, "%s", "");
	assert_int_equal(empty.len, 0);
	text_adds(&empty, "mine");
	stolen = text_steal(&empty);
	assert_string_equal(stolen, "mine");
	free(stolen);
	assert_null(empty.data);
	stolen = text_steal(&empty);
	assert_string_equal(stolen, "");
	free(stolen);
}

/* Out of memory: no content is lost, and the owner gets the error. */
static void test_failure(void **state)
{
	_cleanup_text_ struct text text = {};

	(void)state;
	text_adds(&text, "kept");
	assert_int_equal(text_status(&text), 0);
	assert_null(text_reserve(&text, SIZE_MAX / 2));
	assert_int_equal(text_status(&text), -ENOMEM);
	assert_int_equal(text.len, 4);
	assert_memory_equal(text.data, "kept", 4);
	assert_null(text_steal(&text));
	assert_int_equal(text_status(&text), 0); /* usable again */
}

static void test_numbers(void **state)
{
	static const struct {
		unsigned __int128 value;
		const char *text;
	} numbers[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 99, "99" },
		{ 100, "100" },
		{ 101, "101" },
		{ 1000000, "1000000" },
		{ UINT32_MAX, "4294967295" },
		{ UINT64_MAX, "18446744073709551615" },
		{ (unsigned __int128)UINT64_MAX + 1, "18446744073709551616" },
		{ (unsigned __int128)10000000000000000000u * 10, "100000000000000000000" },
		{ (unsigned __int128)10000000000000000000u * 10000000000000000000u,
		  "100000000000000000000000000000000000000" },
		{ U128_MAX, "340282366920938463463374607431768211455" },
	};
	static const struct {
		int64_t value;
		const char *text;
	} signed_numbers[] = {
		{ 0, "0" },
		{ -1, "-1" },
		{ -100, "-100" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	_cleanup_text_ struct text text = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		text_clear(&text);
		text_u128(&text, numbers[i].value);
		assert_string_equal(text_str(&text), numbers[i].text);
		if (numbers[i].value > UINT64_MAX)
			continue;
		text_clear(&text);
		text_u64(&text, (uint64_t)numbers[i].value);
		assert_string_equal(text_str(&text), numbers[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(signed_numbers); i++) {
		text_clear(&text);
		text_i64(&text, signed_numbers[i].value);
		assert_string_equal(text_str(&text), signed_numbers[i].text);
	}
	/* compared with the C library around every power of ten */
	for (uint64_t power = 1;; power *= 10) {
		for (int d = -1; d <= 1; d++) {
			char expected[32];

			snprintf(expected, sizeof(expected), "%llu", (unsigned long long)power + d);
			text_clear(&text);
			text_u64(&text, power + (uint64_t)d);
			assert_string_equal(text_str(&text), expected);
		}
		if (power == 10000000000000000000u)
			break;
	}
}

static const struct {
	double value;
	const char *text;
} doubles[] = {
	{ 0, "0" },
	{ -0.0, "-0" },
	{ 1, "1" },
	{ -1, "-1" },
	{ 0.1, "0.1" },
	{ -2.5, "-2.5" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1e14, "100000000000000" },
	{ 1e15, "1e+15" },
	{ 123456789012345678, "1.2345678901234568e+17" },
	{ 1e308, "1e+308" },
	{ DBL_MAX, "1.7976931348623157e+308" },
	{ DBL_MIN, "2.2250738585072014e-308" },
	{ 5e-324, "5e-324" },
	{ 1e-323, "1e-323" },
	{ 1e-7, "1e-07" },
	{ INFINITY, "+Inf" },
	{ -INFINITY, "-Inf" },
	{ NAN, "NaN" },
	{ -NAN, "NaN" },
};

static void check_doubles(void)
{
	_cleanup_text_ struct text text = {};

	for (size_t i = 0; i < ARRAY_SIZE(doubles); i++) {
		text_clear(&text);
		text_double(&text, doubles[i].value);
		assert_string_equal(text_str(&text), doubles[i].text);
	}
}

static void test_doubles(void **state)
{
	_cleanup_text_ struct text text = {};
	uint64_t bits = 88172645463325252u;

	(void)state;
	check_doubles();
	/* every double survives a round trip */
	for (int i = 0; i < 100000; i++) {
		double value;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		text_clear(&text);
		text_double(&text, value);
		assert_true(strtod(text_str(&text), NULL) == value);
		assert_true(text.len <= 24);
	}
}

/* The decimal point is "." in every locale, including one with a two-byte decimal point. */
static void test_locales(void **state)
{
	static const struct {
		const char *source, *point;
	} locales[] = { { "de_DE", "," }, { "ps_AF", "\xd9\xab" } };
	_cleanup_free_ char *folder = folder_make();
	int tried = 0;

	(void)state;
	setenv("LOCPATH", folder, 1);
	for (size_t i = 0; i < ARRAY_SIZE(locales); i++) {
		char name[32];

		if (shell("localedef -i %s -f UTF-8 %s/%s.UTF-8", locales[i].source, folder,
			  locales[i].source) > 1)
			continue;
		snprintf(name, sizeof(name), "%s.UTF-8", locales[i].source);
		if (!setlocale(LC_ALL, name) ||
		    strcmp(localeconv()->decimal_point, locales[i].point) != 0)
			continue;
		tried++;
		check_doubles();
	}
	setlocale(LC_ALL, "C");
	unsetenv("LOCPATH");
	folder_remove(folder);
	if (!tried) {
		fprintf(stderr, "skipped: no locale with another decimal point can be made\n");
		skip();
	}
}

static const struct {
	const char *bytes;
	size_t len;
	const char *json;
} strings[] = {
#define BYTES(s) s, sizeof(s) - 1
	{ BYTES(""), "\"\"" },
	{ BYTES("plain / text"), "\"plain / text\"" },
	{ BYTES("\"\\"), "\"\\\"\\\\\"" },
	{ BYTES("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
	{ BYTES("a\0b"), "\"a\\u0000b\"" },
	{ BYTES("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\"" },
	{ BYTES("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d"),
	  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d\"" },
	/* first and last character of each length */
	{ BYTES("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	  "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
	{ BYTES("\xff"), "\"\\u00ff\"" },
	{ BYTES("\x80x"), "\"\\u0080x\"" },
	/* overlong */
	{ BYTES("\xc0\xaf"), "\"\\u00c0\\u00af\"" },
	{ BYTES("\xc1\xbf"), "\"\\u00c1\\u00bf\"" },
	{ BYTES("\xe0\x9f\xbf"), "\"\\u00e0\\u009f\\u00bf\"" },
	{ BYTES("\xf0\x8f\xbf\xbf"), "\"\\u00f0\\u008f\\u00bf\\u00bf\"" },
	/* surrogates, and beyond U+10FFFF */
	{ BYTES("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\"" },
	{ BYTES("\xed\x9f\xbf"), "\"\xed\x9f\xbf\"" },
	{ BYTES("\xf4\x90\x80\x80"), "\"\\u00f4\\u0090\\u0080\\u0080\"" },
	{ BYTES("\xf5\x80\x80\x80"), "\"\\u00f5\\u0080\\u0080\\u0080\"" },
	/* truncated */
	{ BYTES("\xe2\x82"), "\"\\u00e2\\u0082\"" },
	{ BYTES("\xf0\x9f\x90x"), "\"\\u00f0\\u009f\\u0090x\"" },
	{ BYTES("\xc3\xc3\xa4"), "\"\\u00c3\xc3\xa4\"" },
};

static void test_json(void **state)
{
	_cleanup_text_ struct text text = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		/* exact size, for the sanitizer */
		char *bytes = malloc(strings[i].len ? strings[i].len : 1);

		memcpy(bytes, strings[i].bytes, strings[i].len);
		text_clear(&text);
		text_json(&text, bytes, strings[i].len);
		assert_string_equal(text_str(&text), strings[i].json);
		free(bytes);
	}
	/* every byte and every pair: json-c accepts the output, and ASCII is preserved */
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			char pair[2] = { (char)a, (char)b };
			struct json_object *json;

			text_clear(&text);
			text_json(&text, pair, 2);
			json = json_tokener_parse(text_str(&text));
			assert_true(json_object_is_type(json, json_type_string));
			if (a < 128 && b < 128) {
				assert_int_equal(json_object_get_string_len(json), 2);
				assert_memory_equal(json_object_get_string(json), pair, 2);
			}
			json_object_put(json);
		}
}

static void test_json_name(void **state)
{
	_cleanup_text_ struct text text = {};

	(void)state;
	text_json_name(&text, "a\"\xff\\xff\xc3\xa4");
	assert_string_equal(text_str(&text), "\"a\\\"\\\\xff\\\\x5cxff\xc3\xa4\"");
	text_clear(&text);
	text_json_name(&text, "");
	assert_string_equal(text_str(&text), "\"\"");
}

static void test_hex(void **state)
{
	_cleanup_text_ struct text text = {};
	unsigned char all[256];

	(void)state;
	text_hex(&text, "", 0);
	assert_string_equal(text_str(&text), "");
	text_hex(&text, "\x00\x0f\xf0\xff\xab", 5);
	assert_string_equal(text_str(&text), "000ff0ffab");
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	text_clear(&text);
	text_hex(&text, all, 256);
	for (int i = 0; i < 256; i++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", (unsigned int)i);
		assert_memory_equal(text.data + 2 * i, two, 2);
	}
}

/* Large buffers use mmap(). A stolen string can always be released with free(). */
static void test_large(void **state)
{
	_cleanup_free_ char *stolen = NULL;
	struct text text = {};

	(void)state;
	for (uint32_t i = 0; i < 500000; i++) {
		text_u64(&text, i % 10);
		if (i % 100000 == 0)
			assert_int_equal(strlen(text_str(&text)), i + 1);
	}
	stolen = text_steal(&text);
	assert_int_equal(strlen(stolen), 500000);
	for (uint32_t i = 0; i < 500000; i++)
		assert_int_equal(stolen[i], '0' + i % 10);
	assert_null(text.data);
	text_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large),	cmocka_unit_test(test_growth),
		cmocka_unit_test(test_failure), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_doubles), cmocka_unit_test(test_locales),
		cmocka_unit_test(test_json),	cmocka_unit_test(test_json_name),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
