/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FLUSH calls collectd's flush for each combination of plugin and identifier. */
#include "fixture.h"
#include "serve/verb.h"

#include <errno.h>

static const struct {
	const char *line;
	const char *status;
	const char *calls; /* plugin, seconds, identifier of each call */
} lines[] = {
	{ "FLUSH", "Done: 1 successful, 0 errors", "- 0 -\n" },
	{ "flush timeout=2.5", "Done: 1 successful, 0 errors", "- 2.5 -\n" },
	{ "FLUSH timeout=-1", "Done: 1 successful, 0 errors", "- 0 -\n" },
	{ "FLUSH plugin=dynmon", "Done: 1 successful, 0 errors", "dynmon 0 -\n" },
	{ "FLUSH plugin=a plugin=busy", "Done: 1 successful, 1 errors", "a 0 -\nbusy 0 -\n" },
	{ "FLUSH identifier=h/p-i/t-j identifier=\"h/p/t u\" timeout=3",
	  "Done: 2 successful, 0 errors", "- 3 h/p-i/t-j\n- 3 h/p/t u\n" },
	{ "FLUSH plugin=busy identifier=h/p/t plugin=a identifier=h/p/u",
	  "Done: 2 successful, 2 errors", "busy 0 h/p/t\nbusy 0 h/p/u\na 0 h/p/t\na 0 h/p/u\n" },
	{ "FLUSH plugin=remark", "Done: 1 successful, 0 errors; some values are missing",
	  "remark 0 -\n" },
	/* an invalid word prevents all calls */
	{ "FLUSH identifier=h/p/t identifier=x",
	  "identifier: expected host/plugin-instance/type-instance, found \"x\"", "" },
	{ "FLUSH plugin=a timeout=soon",
	  "timeout: expected seconds from -31622400 to 31622400, found \"soon\"", "" },
};

static struct text calls;

static int flush(void *data, const char *plugin, double timeout, const char *identifier,
		 struct error *err)
{
	text_printf(&calls, "%s %g %s\n", plugin ? plugin : "-", timeout,
		    identifier ? identifier : "-");
	assert_ptr_equal(data, &calls);
	if (plugin && !strcmp(plugin, "remark")) {
		error_set(err, -ENODATA, "some values are missing");
		return 1;
	}
	return plugin && !strcmp(plugin, "busy") ? error_set(err, -EBUSY, "busy") : 0;
}

static void test_lines(void **state)
{
	const struct registry_observer observer = { .flush = flush, .data = &calls };
	_cleanup_(registry_freep) struct registry *registry = NULL;
	const struct compiler compiler = {};

	(void)state;
	assert_int_equal(registry_new(&compiler, "/none", &observer, &registry, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(answer_release) struct answer answer = {};
		_cleanup_error_ struct error err = {};
		struct command command;
		struct request request = { .registry = registry, .command = &command };
		int r;

		assert_int_equal(
			command_parse(&command, lines[i].line, strlen(lines[i].line), NULL), 0);
		text_clear(&calls);
		r = verb_run(&request, &answer, &err);
		assert_string_equal(r < 0 ? error_message(&err) : text_str(&answer.status),
				    lines[i].status);
		assert_string_equal(text_str(&answer.lines), "");
		assert_string_equal(text_str(&calls), lines[i].calls);
		command_release(&command);
	}
	text_release(&calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
