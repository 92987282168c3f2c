/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "serve/command.h"

#include <errno.h>

/* Returns the words, each in brackets, or the error. */
static char *parsed(const char *line, size_t len)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text out = {};
	char *copy = malloc(len + 1); /* exact size, so that the sanitizer detects overruns */
	struct command command;

	memcpy(copy, line, len);
	if (command_parse(&command, copy, len, &err) < 0) {
		assert_int_equal(err.code, -EINVAL);
		assert_int_equal(command.n, 0);
		text_printf(&out, "%s", error_message(&err));
	} else {
		for (size_t i = 0; i < command.n; i++)
			text_printf(&out, "[%s]", command.words[i]);
		command_release(&command);
	}
	free(copy);
	return out.len ? text_steal(&out) : strdup("");
}

static void test_parse(void **state)
{
	static const struct {
		const char *line, *words;
	} lines[] = {
		{ "", "" },
		{ " \t\r", "" },
		{ "LIST", "[LIST]" },
		{ "  a\tb  c\r", "[a][b][c]" },
		{ "\"a b\" c", "[a b][c]" },
		{ "\"\" \"\"", "[][]" },
		{ "\"a\\\"b\\\\c\\d\"", "[a\"b\\cd]" },
		{ "a\"b c\" c\\", "[ab c][c\\]" },
		{ "name=\"a b\" \tname=\"\"", "[name=a b][name=]" },
		{ "name=\"a b", "a closing quote is missing: name=\"a b" },
		{ "name=\"a\"b", "expected a blank after the quote: name=\"a\"b" },
		{ "\"name=a b\"", "[name=a b]" },
		{ "\"open", "a closing quote is missing: \"open" },
		{ "x \"open\\\"", "a closing quote is missing: \"open\\\"" },
		{ "\"open\\", "a closing quote is missing: \"open\\" },
		{ "\"", "a closing quote is missing: \"" },
		{ "\"a\"b", "expected a blank after the quote: \"a\"b" },
		{ "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2",
		  "[1][2][3][4][5][6][7][8][9][0][1][2][3][4][5][6][7][8][9][0][1][2][3][4][5][6]["
		  "7]"
		  "[8][9][0][1][2]" },
		{ "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3",
		  "the line has more than 32 words" },
		{ "\xff\xfe", "[\xff\xfe]" },
	};
	_cleanup_free_ char *nul = parsed("a\0b", 3), *end = parsed("a\0", 2),
			    *cut = parsed("ab", 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *words = parsed(lines[i].line, strlen(lines[i].line));

		assert_string_equal(words, lines[i].words);
	}
	assert_string_equal(nul, "the line contains a NUL");
	assert_string_equal(end, "the line contains a NUL");
	assert_string_equal(cut, "[a]");
}

/* Parsing a quoted line gives the original words. */
static void test_quote(void **state)
{
	static const char *const words[] = {
		"plain", "",  "a b", "\"", "\\",   "\\\"",     "\"a\"",	   "a\tb",
		"a\r",	 " ", "a\\", "=",  "\v\f", "name=a b", "\xc3\xa4",
	};
	_cleanup_text_ struct text line = {};
	struct command command;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		command_quote(&line, words[i]);
	assert_int_equal(command_parse(&command, line.data, line.len, NULL), 0);
	assert_int_equal(command.n, ARRAY_SIZE(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_string_equal(command.words[i], words[i]);
	command_release(&command);
	command_release(&command);
	/* a word that needs no quotes is not quoted */
	text_clear(&line);
	command_quote(&line, "LIST");
	command_quote(&line, "a-b_c.d=e");
	assert_string_equal(text_str(&line), "LIST a-b_c.d=e");
}

static void test_option(void **state)
{
	static const char line[] = "name=verb a name=1 b= name=2 nam=3 namex=4 \"name=a b\"";
	struct command command;

	(void)state;
	assert_int_equal(command_parse(&command, line, strlen(line), NULL), 0);
	assert_string_equal(command_option(&command, "name"), "a b");
	assert_string_equal(command_option(&command, "nam"), "3");
	assert_string_equal(command_option(&command, "b"), "");
	assert_null(command_option(&command, "a"));
	assert_null(command_option(&command, "na"));
	command_release(&command);
	assert_int_equal(command_parse(&command, "name=1", 6, NULL), 0);
	assert_null(command_option(&command, "name")); /* the verb is not an option */
	command_release(&command);
	assert_null(command_option(&command, "name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
