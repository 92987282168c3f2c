/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "program/verifier_log.h"

#include <errno.h>

#define SOURCE "int f(void *p)\n{\n\treturn *(int *)p;\n}"
#define TRACE                                                                                      \
	"; @ code:2\n0: (61) r6 = *(u32 *)(r1 +76)  ; R1=ctx()\n"                                  \
	";  @ code:3\n1: (71) r1 = *(u8 *)(r6 +12)\n"
#define END "processed 2 insns (limit 1000000)\n-- END --\n"

static const struct {
	const char *log;
	const char *prefix; /* "": none */
} logs[] = {
	{ "refused\n" TRACE "invalid access to packet\nR6 offset is outside\n" END,
	  "code:3: the verifier: invalid access to packet\n    return *(int *)p;\n" },
	/* an error in a header shows the line of the path's source that includes the call */
	{ TRACE ";  @ tc.h:9\n2: (95) exit\nR0 !read_ok\n" END,
	  "code:3: the verifier: R0 !read_ok\n    return *(int *)p;\n" },
	/* an object with its source elsewhere */
	{ "0: (b7) r0 = 0\n;   return x[9]; @ other.c:12\n1: (61) r1 = *(u32 *)(r0 +0)\n"
	  "R0 invalid mem access 'scalar'\n" END,
	  "other.c:12: the verifier: R0 invalid mem access 'scalar'\n    return x[9];\n" },
	/* a line number beyond the source */
	{ "; @ code:99\n0: (95) exit\nR0 !read_ok\n" END, "code:99: the verifier: R0 !read_ok\n" },
	/* messages of an earlier branch that succeeded */
	{ "; @ code:2\n0: (b7) r0 = 0\nfunc ok\nfrom 8 to 11: R0=1\n1: (95) exit\nbad\n" END,
	  "code:2: the verifier: bad\n    {\n" },
	/* no annotation */
	{ "map HITS: no room", "" },
	{ "", "" },
	{ TRACE END, "" },
	{ TRACE "cut off in the mid", "" },
	{ "0: (95) exit\nR0 !read_ok\n" END, "" },
	{ "; @\n; @ :\n; @ code:0\n; @ code:x\n0: (95) exit\nR0 !read_ok\n" END, "" },
};

static void test_annotate(void **state)
{
	struct direction_config config = { .origin = (char *)"code" };

	(void)state;
	/* not NUL-terminated */
	text_add(&config.source, SOURCE, sizeof(SOURCE) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text expected = {};

		text_printf(&expected, "%s%s", logs[i].prefix, logs[i].log);
		error_set(&err, -EACCES, "%s", logs[i].log);
		assert_int_equal(verifier_log_annotate(&err, -EACCES, &config), -EACCES);
		assert_string_equal(error_message(&err), text_str(&expected));
	}
	assert_int_equal(verifier_log_annotate(NULL, -EINVAL, &config), -EINVAL);
	text_release(&config.source);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_annotate) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
