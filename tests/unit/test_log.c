/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "fixture.h"

static struct text lines;
static enum log_level last_level;
static size_t n_lines, longest;

static void sink(enum log_level level, const char *line)
{
	last_level = level;
	n_lines++;
	if (strlen(line) > longest)
		longest = strlen(line);
	text_printf(&lines, "%s|", line);
}

static int set_up(void **state)
{
	(void)state;
	text_release(&lines);
	n_lines = longest = 0;
	log_set_sink(sink);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_sink(NULL);
	text_release(&lines);
	return 0;
}

static void test_lines(void **state)
{
	static const struct {
		const char *message, *lines;
	} cases[] = {
		{ "one", "one|" },
		{ "one\n", "one|" },
		{ "one\ntwo", "one|  | two|" },
		{ "one\n\ntwo\n", "one|  | |  | two|" },
		{ "\n", "|" },
		{ "", "" },
		{ "100% %s", "100% %s|" },
		{ "a\rb\x1b[1mc\td", "a\\x0db\\x1b[1mc\td|" },
		{ "\xc2\x9b 1m \xe2\x80\xae \xff \xc3\xa4", "\\u009b 1m \\u202e \\xff \xc3\xa4|" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_clear(&lines);
		log_message(LOG_LEVEL_WARNING, "%s", cases[i].message);
		assert_string_equal(text_str(&lines), cases[i].lines);
	}
	assert_int_equal(last_level, LOG_LEVEL_WARNING);
	log_error("%d", 1);
	assert_int_equal(last_level, LOG_LEVEL_ERR);
	log_notice("x");
	assert_int_equal(last_level, LOG_LEVEL_NOTICE);
	log_info("x");
	assert_int_equal(last_level, LOG_LEVEL_INFO);
}

static void test_long_line(void **state)
{
	(void)state;
	log_error("%0*d\nend", 2 * LOG_LINE_MAX + 1, 0);
	assert_int_equal(n_lines, 4);
	assert_int_equal(longest, LOG_LINE_MAX);
	assert_string_equal(text_str(&lines) + lines.len - 10, "0|  | end|");
	/* a line of exactly the limit is not split */
	n_lines = 0;
	log_error("%0*d\nend", LOG_LINE_MAX, 0);
	assert_int_equal(n_lines, 2);
}

/* A long line is split between characters, never within an escape. */
static void test_split(void **state)
{
	static const char *const units[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\x9d", "\xff",
					     "\xe2\x80\xae" };
	static const char *const shown[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\x9d",
					     "\\xff", "\\u202e" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		for (int shift = 0; shift < 8; shift++) {
			_cleanup_text_ struct text message = {};
			size_t n = 0;

			for (int x = 0; x < shift; x++)
				text_addc(&message, 'x');
			for (int unit = 0; unit < 1000; unit++)
				text_adds(&message, units[i]);
			text_clear(&lines);
			log_error("%s", text_str(&message));
			for (const char *at = text_str(&lines) + shift; *at;) {
				if (!strncmp(at, "|  | ", 5)) {
					at += 5;
				} else if (!strcmp(at, "|")) {
					at++;
				} else {
					assert_memory_equal(at, shown[i], strlen(shown[i]));
					at += strlen(shown[i]);
					n++;
				}
			}
			assert_int_equal(n, 1000);
		}
	assert_true(longest <= LOG_LINE_MAX);
}

static void test_many_lines(void **state)
{
	_cleanup_text_ struct text message = {};

	(void)state;
	for (int i = 0; i < LOG_LINES_MAX; i++)
		text_adds(&message, "x\n");
	log_error("%s", text_str(&message));
	assert_int_equal(n_lines, LOG_LINES_MAX);
	text_adds(&message, "12345");
	n_lines = 0;
	log_error("%s", text_str(&message));
	assert_int_equal(n_lines, LOG_LINES_MAX + 1);
	assert_true(contains(text_str(&lines), "|[5 more bytes of this message are not shown]|"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_split, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_lines, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
