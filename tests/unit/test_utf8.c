/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"
#include "base/utf8.h"
#include "fixture.h"

#define BYTES(s) s, sizeof(s) - 1

static void show(struct text *out, const char *bytes, size_t n, bool utf8)
{
	char shown[UTF8_SHOWN_SIZE];

	text_clear(out);
	for (size_t i = 0; i < n;) {
		size_t used = utf8_show(bytes + i, n - i, utf8, shown);

		assert_true(used >= 1 && used <= n - i);
		i += used;
		text_adds(out, shown);
	}
}

static void test_show(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *utf8, *ascii; /* NULL: unchanged */
	} cases[] = {
		{ BYTES(""), "", NULL },
		{ BYTES("plain \\ text"), "plain \\ text", NULL },
		{ BYTES("\0\n\t\x1b\x1f\x7f"), "\\x00\\x0a\\x09\\x1b\\x1f\\x7f", NULL },
		{ BYTES("\xc3\xa4\xe6\xbc\xa2"), "\xc3\xa4\xe6\xbc\xa2", "\\u00e4\\u6f22" },
		{ BYTES("\xf0\x9f\x90\x9d"), "\xf0\x9f\x90\x9d", "\\ud83d\\udc1d" },
		/* C1 controls and their neighbours */
		{ BYTES("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0",
		  "\\u0080\\u009b\\u009f\\u00a0" },
		/* bidirectional controls */
		{ BYTES("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f"), "\\u061c\\u200e\\u200f", NULL },
		{ BYTES("\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9"),
		  "\\u202a\\u202e\\u2066\\u2069", NULL },
		/* separators, and visible neighbours */
		{ BYTES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xb0"),
		  "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xb0", "\\u2027\\u2028\\u2029\\u2030" },
		/* invisible */
		{ BYTES("\xc2\xad\xe2\x80\x8b\xe2\x80\x8d\xe2\x81\xa0\xef\xbb\xbf\xef\xb8\x8f"),
		  "\\u00ad\\u200b\\u200d\\u2060\\ufeff\\ufe0f", NULL },
		{ BYTES("\xf3\xa0\x80\x81\xf3\xa0\x81\xbf\xf3\xa0\x87\xaf"),
		  "\\udb40\\udc01\\udb40\\udc7f\\udb40\\uddef", NULL },
		/* noncharacters, and the last character */
		{ BYTES("\xef\xb7\x90\xef\xbf\xbe\xef\xbf\xbf\xf4\x8f\xbf\xbf"),
		  "\\ufdd0\\ufffe\\uffff\\udbff\\udfff", NULL },
		{ BYTES("\xef\xbf\xbd\xf4\x8f\xbf\xbd"), "\xef\xbf\xbd\xf4\x8f\xbf\xbd",
		  "\\ufffd\\udbff\\udffd" },
		/* invalid UTF-8: stray bytes, overlong, surrogates, beyond U+10FFFF, truncated */
		{ BYTES("\x80\x9b\xff"), "\\x80\\x9b\\xff", NULL },
		{ BYTES("\xc0\x9b\xe0\x82\x9b"), "\\xc0\\x9b\\xe0\\x82\\x9b", NULL },
		{ BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80", NULL },
		{ BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", NULL },
		{ BYTES("\xc3"), "\\xc3", NULL },
		{ BYTES("\xe2\x82x"), "\\xe2\\x82x", NULL },
	};
	_cleanup_text_ struct text out = {}, again = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *ascii = cases[i].ascii ? cases[i].ascii : cases[i].utf8;
		/* exact size, for the sanitizer */
		char *bytes = malloc(cases[i].n + !cases[i].n);

		memcpy(bytes, cases[i].bytes, cases[i].n);
		show(&out, bytes, cases[i].n, true);
		assert_string_equal(text_str(&out), cases[i].utf8);
		show(&again, out.data, out.len, true);
		assert_string_equal(text_str(&again), cases[i].utf8);
		show(&out, bytes, cases[i].n, false);
		assert_string_equal(text_str(&out), ascii);
		free(bytes);
	}
}

static void test_lines(void **state)
{
	char line[20], all[200];
	size_t n;

	(void)state;
	n = utf8_show_line(line, sizeof(line), "a\tb\nc", 5, "\t");
	assert_int_equal(n, 5);
	assert_string_equal(line, "a\tb\\x0ac");
	/* buffers too small for a complete character, and large enough for one more */
	for (size_t size = 1; size < sizeof(line); size++) {
		n = utf8_show_line(line, size, "\xff\xc3\xa4x", 4, "");
		assert_int_equal(n, size <= 4 ? 0 : size <= 6 ? 1 : size <= 7 ? 3 : 4);
		assert_int_equal(strlen(line), size <= 4 ? 0 : size <= 6 ? 4 : size <= 7 ? 6 : 7);
	}
	assert_int_equal(utf8_show_line(line, sizeof(line), "a\0b", 3, "\t"), 3);
	assert_string_equal(line, "a\\x00b");
	assert_int_equal(utf8_show_line(all, sizeof(all), "", 0, ""), 0);
	assert_string_equal(all, "");
}

static void test_text(void **state)
{
	_cleanup_text_ struct text out = {};

	(void)state;
	text_show(&out, "a\tb\n\r\xff\0\xc3\xa4", 9, true);
	assert_string_equal(text_str(&out), "a\tb\n\\x0d\\xff\\x00\xc3\xa4");
	text_show(&out, "", 0, true);
	text_show(&out, "\xc3\xa4", 2, false);
	assert_string_equal(text_str(&out), "a\tb\n\\x0d\\xff\\x00\xc3\xa4\\u00e4");
}

static void test_cut(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d\xff\x80";
	static const size_t cuts[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 12, 12 };

	(void)state;
	for (size_t max = 0; max < ARRAY_SIZE(cuts); max++)
		assert_int_equal(utf8_cut(text, sizeof(text) - 1, max), cuts[max]);
	assert_int_equal(utf8_cut("", 0, 10), 0);
	assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80", 5, 4), 4);
}

static char *name(const char *bytes, size_t n)
{
	struct text out = {};
	char *result;

	text_name(&out, bytes, n);
	result = text_steal(&out);
	assert_true(utf8_is_valid(result, strlen(result)));
	return result;
}

static void test_names(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} cases[] = {
		{ BYTES(""), "" },
		{ BYTES("eth0.1@x"), "eth0.1@x" },
		{ BYTES("\xc3\xa4\xe2\x80\xae\x1b"), "\xc3\xa4\xe2\x80\xae\x1b" },
		{ BYTES("\xff\xfe"), "\\xff\\xfe" },
		{ BYTES("a\rb\0c"), "a\\x0db\\x00c" },
		/* text that resembles an escape stays distinguishable */
		{ BYTES("\\xff"), "\\x5cxff" },
		{ BYTES("\\xFF"), "\\x5cxFF" },
		{ BYTES("\\u202e"), "\\x5cu202e" },
		{ BYTES("\\U000e0001"), "\\U000e0001" },
		{ BYTES("\\"), "\\" },
		{ BYTES("\\x"), "\\x" },
		{ BYTES("\\xf"), "\\xf" },
		{ BYTES("\\u202"), "\\u202" },
		{ BYTES("\\x4\xff"), "\\x4\\xff" },
		{ BYTES("\\\xff"), "\\\\xff" },
		{ BYTES("\\\\xff"), "\\\\x5cxff" },
		{ BYTES("C:\\new"), "C:\\new" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = name(cases[i].bytes, cases[i].n);

		assert_string_equal(text, cases[i].name);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Distinct names give distinct texts, also after utf8_show(). Tests all names of up to five pieces
 * of escapes.
 */
static void test_distinct(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} pieces[] = { { BYTES("\\") },	   { BYTES("x") },
		       { BYTES("u202e") }, { BYTES("5c") },
		       { BYTES("\xff") },  { BYTES("\x1b") },
		       { BYTES("1b") },	   { BYTES("\xe2\x80\xae") },
		       { BYTES("ff") } };
	size_t n = 0, room = 0;
	char **texts = NULL;

	(void)state;
	for (size_t length = 0; length <= 5; length++) {
		size_t count = 1;

		for (size_t i = 0; i < length; i++)
			count *= ARRAY_SIZE(pieces);
		room += count;
		texts = reallocarray(texts, room, sizeof(*texts));
		for (size_t number = 0; number < count; number++) {
			_cleanup_text_ struct text bytes = {}, shown = {};
			_cleanup_free_ char *text = NULL;

			for (size_t i = 0, left = number; i < length;
			     i++, left /= ARRAY_SIZE(pieces))
				text_add(&bytes, pieces[left % ARRAY_SIZE(pieces)].bytes,
					 pieces[left % ARRAY_SIZE(pieces)].n);
			text = name(text_str(&bytes), bytes.len);
			show(&shown, text, strlen(text), true);
			texts[n++] = text_steal(&shown);
		}
	}
	assert_int_equal(n, room);
	qsort(texts, n, sizeof(*texts), compare);
	for (size_t i = 1; i < n; i++)
		assert_string_not_equal(texts[i - 1], texts[i]);
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),  cmocka_unit_test(test_lines),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_names), cmocka_unit_test(test_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
