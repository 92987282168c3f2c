/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/request_line.h"
#include "fixture.h"
#include "serve/verb.h"

#include <errno.h>

static const struct {
	const char *words; /* arguments of the shell, separated by | */
	const char *line;  /* NULL: an error */
} cases[] = {
	{ "dynmon|show", "LIST" },
	{ "dynmon|add|m", "ADD m" },
	{ "dynmon|del|m", "DEL m" },
	{ "dynmon|m|show", "SHOW m" },
	{ "m|show", "SHOW m" },
	{ "m|metrics|show", "METRICS m" },
	{ "m|metrics|ingress-metrics|show", "METRICS m direction=ingress" },
	{ "m|metrics|egress-metrics|show", "METRICS m direction=egress" },
	{ "m|metrics|ingress-metrics|x|show", "METRICS m direction=ingress name=x" },
	{ "m|metrics|egress-metrics|x|show", "METRICS m direction=egress name=x" },
	{ "m|open-metrics|show", "OPENMETRICS m" },
	{ "dynmon|m|metrics|show", "METRICS m" },
	{ "dynmon|m|metrics|ingress-metrics|show", "METRICS m direction=ingress" },
	{ "dynmon|m|metrics|egress-metrics|show", "METRICS m direction=egress" },
	{ "dynmon|m|open-metrics|show", "OPENMETRICS m" },
	/* from Dynmon's manual */
	{ "attach|monitor|eno0", "ATTACH monitor eno0" },
	{ "detach|monitor|eno0", "DETACH monitor eno0" },
	{ "attach|monitor|br1:toveth1", "ATTACH monitor br1:toveth1" },
	{ "monitor|metrics|show", "METRICS monitor" },
	{ "monitor|open-metrics|show", "OPENMETRICS monitor" },
	/* verbs of dynmonctl, in any letter case */
	{ "list", "LIST" },
	{ "List", "LIST" },
	{ "show|edge", "SHOW edge" },
	{ "add|edge|interface=eth0", "ADD edge interface=eth0" },
	{ "metrics|edge|name=a b", "METRICS edge \"name=a b\"" },
	{ "openmetrics", "OPENMETRICS" },
	/* names that need quotes, and names that resemble keywords */
	{ "a b|show", "SHOW \"a b\"" },
	{ "|show", "SHOW \"\"" },
	{ "m|metrics|ingress-metrics|a\"b c|show",
	  "METRICS m direction=ingress \"name=a\\\"b c\"" },
	{ "dynmon|show|show", "SHOW show" },
	{ "metrics|show", "METRICS show" },
	{ "m%|show", "SHOW m%" },
	/* neither a verb nor a command of Polycube */
	{ "m", NULL },
	{ "dynmon", NULL },
	{ "dynmon|m", NULL },
	{ "dynmon|add", NULL },
	{ "dynmon|add|m|x", NULL },
	{ "m|metrics", NULL },
	{ "m|metrics|show|x", NULL },
	{ "m|Show", NULL },
	{ "m|metrics|ingress|show", NULL },
	{ "", NULL },
};

static void test_request_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *copy = strdup(cases[i].words);
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text line = {};
		char *words[8], *rest = copy, *word;
		size_t n = 0;
		int r;

		while ((word = strsep(&rest, "|")))
			words[n++] = word;
		r = request_line_build(words, n, &line, &err);
		if (r != (cases[i].line ? 0 : -EINVAL))
			fail_msg("%s: %d %s", cases[i].words, r, error_message(&err));
		assert_string_equal(text_str(&line), cases[i].line ? cases[i].line : "");
		if (r < 0)
			assert_true(contains(error_message(&err), words[0]));
	}
}

/* Every translated line is accepted by the verb table. */
static void test_verbs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command command;
		const struct verb *verb;
		size_t n;

		if (!cases[i].line)
			continue;
		assert_int_equal(
			command_parse(&command, cases[i].line, strlen(cases[i].line), NULL), 0);
		verb = verb_find(command.words[0]);
		assert_non_null(verb);
		for (n = 0; n + 1 < command.n && !strchr(command.words[n + 1], '='); n++)
			;
		assert_true(n >= verb->min && n <= verb->max);
		command_release(&command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_lines),
		cmocka_unit_test(test_verbs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
