/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "serve/verb.h"

#include <errno.h>

static struct registry *registry;

static int set_up(void **state)
{
	const struct compiler compiler = {};

	(void)state;
	return registry_new(&compiler, "/none", NULL, &registry, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	registry = registry_free(registry);
	return 0;
}

/* Runs a line. Returns 0 or the error. */
static int run(const char *line, const char *payload, struct answer *answer, struct error *err)
{
	struct command command;
	struct request request = { registry, &command, payload, payload ? strlen(payload) : 0 };
	int r;

	assert_int_equal(command_parse(&command, line, strlen(line), NULL), 0);
	r = verb_run(&request, answer, err);
	command_release(&command);
	return r;
}

static const struct {
	const char *line, *payload;
	int code;
	const char *text; /* of the error or of the answer */
} lines[] = {
	/* invalid arguments */
	{ "NONE", NULL, -ENOENT, "Unknown command: NONE" },
	{ "\"\"", NULL, -ENOENT, "Unknown command: " },
	{ "LIST x", NULL, -EINVAL, "unexpected argument: x; usage: LIST" },
	{ "LIST x=1", NULL, -EINVAL, "unexpected argument: x=1; usage: LIST" },
	{ "SHOW", NULL, -EINVAL, "missing argument; usage: SHOW <monitor>" },
	{ "SHOW a b", NULL, -EINVAL, "unexpected argument: b; usage: SHOW <monitor>" },
	{ "ADD", NULL, -EINVAL, "missing argument; usage: ADD <monitor> *" },
	{ "ADD interface=x", NULL, -EINVAL, "missing argument; usage: ADD <monitor> *" },
	{ "ADD a hooks=tc", NULL, -EINVAL, "unexpected argument: hooks=tc; usage: ADD *" },
	{ "ADD a hoo=tc", NULL, -EINVAL, "unexpected argument: hoo=tc; usage: ADD *" },
	{ "ADD a =tc", NULL, -EINVAL, "unexpected argument: =tc; usage: ADD *" },
	{ "ADD a Hook=tc", NULL, -EINVAL, "unexpected argument: Hook=tc; usage: ADD *" },
	{ "ADD a ook=tc", NULL, -EINVAL, "unexpected argument: ook=tc; usage: ADD *" },
	{ "ADD a <monitor>=tc", NULL, -EINVAL, "unexpected argument: <monitor>=tc; *" },
	{ "ADD a hook=tc b", NULL, -EINVAL, "unexpected argument: b; usage: ADD *" },
	{ "ADD a/b", NULL, -EINVAL, "monitor name: expected letters, *" },
	{ "ADD a hook=none", NULL, -EINVAL, "Monitor \"a\": Hook: expected one of *" },
	{ "ADD a loglevel=all", NULL, -EINVAL, "Monitor \"a\": LogLevel: expected one of *" },
	{ "ADD a interface=", NULL, -EINVAL, "Monitor \"a\": Interface: expected *" },
	{ "DEL", NULL, -EINVAL, "missing argument; usage: DEL <monitor>" },
	{ "ATTACH a", NULL, -EINVAL, "missing argument; usage: ATTACH <monitor> <interface> *" },
	{ "ATTACH a b c", NULL, -EINVAL, "unexpected argument: c; usage: ATTACH *" },
	{ "INJECT a", NULL, -EINVAL, "expected either bytes=N and N bytes, or file=NAME" },
	{ "INJECT a file=x bytes=2", "{}", -EINVAL, "expected either bytes=N *" },
	{ "INJECT a direction=sideways bytes=2", "{}", -EINVAL,
	  "direction: expected both, ingress or egress, found \"sideways\"" },
	{ "INJECT a phases=yes bytes=2", "{}", -EINVAL, "phases: expected true or false, *" },
	{ "INJECT a wait=1 bytes=2", "{}", -EINVAL, "wait: requires phases=true" },
	{ "INJECT a phases=true wait=61 bytes=2", "{}", -EINVAL,
	  "wait: expected seconds from 0 to 60, found \"61\"" },
	{ "INJECT a phases=true wait=nan bytes=2", "{}", -EINVAL, "wait: expected seconds from *" },
	{ "INJECT a phases=true wait= bytes=2", "{}", -EINVAL, "wait: expected seconds from *" },
	{ "INJECT a file=x", NULL, -ENOENT, "directory /none: No such file or directory" },
	{ "RELOAD force=maybe", NULL, -EINVAL, "force: expected true or false, found \"maybe\"" },
	{ "RELOAD force=", NULL, -EINVAL, "force: expected true or false, found \"\"" },
	{ "FLUSH", NULL, 0, "" },
	{ "FLUSH now", NULL, -EINVAL, "unexpected argument: now; usage: FLUSH *" },
	{ "FLUSH timeout=1h", NULL, -EINVAL,
	  "timeout: expected seconds from -31622400 to 31622400, found \"1h\"" },
	{ "FLUSH timeout=", NULL, -EINVAL, "timeout: expected seconds from *" },
	{ "FLUSH timeout=inf", NULL, -EINVAL, "timeout: expected seconds from *" },
	{ "FLUSH identifier=a/b/c identifier=a/b", NULL, -EINVAL,
	  "identifier: expected host/plugin-instance/type-instance, found \"a/b\"" },
	{ "FLUSH identifier=a//c", NULL, -EINVAL, "identifier: expected *" },
	{ "FLUSH identifier=a/b/", NULL, -EINVAL, "identifier: expected *" },
	{ "FLUSH identifier=a/b/c/d", NULL, -EINVAL, "identifier: expected *" },
	{ "METRICS direction=up", NULL, -EINVAL,
	  "direction: expected ingress or egress, found \"up\"" },
	{ "HELP none", NULL, -ENOENT, "Unknown command: none" },
	{ "SHOW a=b", NULL, -ENOENT, "no monitor is called \"a=b\"" },
	{ "GETVAL", NULL, -EINVAL, "missing argument; usage: GETVAL <identifier>" },
	{ "GETVAL a b", NULL, -EINVAL, "unexpected argument: b; usage: GETVAL <identifier>" },
	{ "GETVAL h/dynmon/derive-x=y", NULL, -EOPNOTSUPP,
	  "values are available only inside collectd" },
	{ "LISTVAL", NULL, -EOPNOTSUPP, "values are available only inside collectd" },
	{ "PUTVAL h/dynmon/derive-x interval=10 N:1", NULL, -ENOENT, "Unknown command: PUTVAL" },
	/* monitors that do not exist */
	{ "SHOW a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "DEL a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "ATTACH a b", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "DETACH a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "EJECT a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "RELOAD a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "METRICS a", NULL, -ENOENT, "no monitor is called \"a\"" },
	{ "OPENMETRICS a", NULL, -ENOENT, "no monitor is called \"a\"" },
	/* successful requests */
	{ "LIST", NULL, 0, "" },
	{ "add a hook=TC loglevel=Debug", NULL, 0, "" },
	{ "LIST", NULL, 0, "a\tempty\ttc\t-\t-\n" },
	{ "SHOW a", NULL, 0,
	  "{\"name\":\"a\",\"state\":\"empty\",\"hook\":\"tc\",\"loglevel\":\"debug\","
	  "\"netns\":null,\"share\":false,\"pin\":false,"
	  "\"configured\":false,\"dataplane\":\"-\",\"changes\":0,\"failures\":0,"
	  "\"last-error\":null,\"unattached\":0,\"interfaces\":[],\"attached-by\":[],\"sections\":["
	  "],"
	  "\"ingress-metrics\":[],\"egress-metrics\":[],\"feeds\":[]}\n" },
	{ "DETACH a", NULL, 0, "" },
	{ "METRICS", NULL, 0, "{\"a\":{\"ingress-metrics\":[],\"egress-metrics\":[]}}\n" },
	{ "METRICS a direction=egress name=x", NULL, 0,
	  "{\"ingress-metrics\":[],\"egress-metrics\":[]}\n" },
	{ "OPENMETRICS a", NULL, 0, "# EOF\n" },
	{ "INJECT a bytes=2", "{}", 0, "" },
	{ "RELOAD", NULL, 0, "" },
	{ "RELOAD a force=TRUE", NULL, 0, "" },
	{ "EJECT a", NULL, 0, "" },
	{ "DEL a", NULL, 0, "" },
	{ "HELP list", NULL, 0, "LIST\n    print a line per monitor: *" },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(answer_release) struct answer answer = {};
		_cleanup_error_ struct error err = {};
		const char *expected = lines[i].text, *text;
		size_t len = strlen(expected);
		int r = run(lines[i].line, lines[i].payload, &answer, &err);

		while (r == 0 && answer.stream &&
		       stream_next(answer.stream, &answer.lines, &err) > 0)
			;
		text = r < 0 ? error_message(&err) : text_str(&answer.lines);
		if (r != lines[i].code ||
		    (len && expected[len - 1] == '*' ? strncmp(text, expected, len - 1)
						     : strcmp(text, expected)))
			fail_msg("%s: %d %s", lines[i].line, r, text);
		if (r < 0)
			assert_true(!answer.status.len && !answer.stream);
	}
}

static void test_payload(void **state)
{
	static const struct {
		const char *line;
		int64_t bytes;
	} payloads[] = {
		{ "LIST", 0 },
		{ "INJECT a", 0 },
		{ "INJECT a bytes=1", 1 },
		{ "inject a bytes=37748736", 37748736 },
		{ "INJECT a bytes=7 bytes=8", 8 },
		{ "INJECT a bytes=37748737", -EFBIG },
		{ "INJECT a bytes=0", -EINVAL },
		{ "INJECT a bytes=", -EINVAL },
		{ "INJECT a bytes=-1", -EINVAL },
		{ "INJECT a bytes=+1", -EINVAL },
		{ "INJECT a \"bytes= 1\"", -EINVAL },
		{ "INJECT a bytes=1x", -EINVAL },
		{ "INJECT a bytes=0x10", -EINVAL },
		{ "INJECT a bytes=18446744073709551615", -EFBIG },
		{ "INJECT a bytes=18446744073709551616", -EINVAL },
		/* verbs without a payload: no bytes follow the line */
		{ "LIST bytes=5", 0 },
		{ "NONE bytes=5", 0 },
		{ "bytes=5", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		_cleanup_error_ struct error err = {};
		struct command command;
		int64_t bytes;

		assert_int_equal(
			command_parse(&command, payloads[i].line, strlen(payloads[i].line), NULL),
			0);
		bytes = verb_payload(&command, &err);
		if (bytes != payloads[i].bytes)
			fail_msg("%s: %lld %s", payloads[i].line, (long long)bytes,
				 error_message(&err));
		if (bytes < 0)
			assert_true(contains(error_message(&err), "bytes: "));
		command_release(&command);
	}
}

/* Consistency of the table. */
static void test_table(void **state)
{
	(void)state;
	for (const struct verb *verb = verbs; verb->name; verb++) {
		assert_ptr_equal(verb_find(verb->name), verb);
		assert_true(verb->run && *verb->help && verb->min <= verb->max);
		assert_true(verb->max <= REQUEST_ARGUMENTS_MAX);
	}
	assert_null(verb_find(""));
	assert_null(verb_find("LIS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
