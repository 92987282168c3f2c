/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"
#include "fixture.h"

#include <errno.h>

static void test_set(void **state)
{
	_cleanup_error_ struct error err = {};

	(void)state;
	assert_string_equal(error_message(&err), "no error");
	assert_int_equal(error_set(&err, -EINVAL, "%s is %d", "x", 7), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(error_message(&err), "x is 7");
	assert_int_equal(error_set(&err, -ENOENT, "gone: %s", error_message(&err)), -ENOENT);
	assert_string_equal(error_message(&err), "gone: x is 7");
	assert_int_equal(error_prefix(&err, -ENOENT, "in %s", "here"), -ENOENT);
	assert_string_equal(error_message(&err), "in here: gone: x is 7");
	error_release(&err);
	assert_int_equal(err.code, 0);
	assert_string_equal(error_message(&err), "no error");
	err.code = -EPERM; /* the message was lost because of ENOMEM */
	assert_string_equal(error_message(&err), strerror(EPERM));
	assert_int_equal(error_prefix(&err, -EPERM, "p"), -EPERM);
	assert_true(contains(error_message(&err), "p: "));
	assert_int_equal(error_oom(&err), -ENOMEM);
	assert_string_equal(error_message(&err), "out of memory");
	/* the error argument is optional */
	assert_int_equal(error_set(NULL, -EINVAL, "x"), -EINVAL);
	assert_int_equal(error_oom(NULL), -ENOMEM);
}

/* A long message loses its middle; the result never exceeds the limit. */
static void test_long(void **state)
{
	char *words = malloc(2 * ERROR_MESSAGE_MAX + 1);

	(void)state;
	for (int more = -2; more < 40; more++) {
		_cleanup_error_ struct error err = {};
		size_t len = (size_t)(ERROR_MESSAGE_MAX + more);

		memset(words, 'm', len);
		memcpy(words, "first", 5);
		memcpy(words + len - 4, "last", 5);
		error_set(&err, -EINVAL, "%s", words);
		assert_memory_equal(err.message, "first", 5);
		assert_true(strlen(err.message) <= ERROR_MESSAGE_MAX);
		assert_string_equal(err.message + strlen(err.message) - 4, "last");
		assert_int_equal(!!strstr(err.message, "\n[...]\n"), more > 0);
		error_prefix(&err, -EINVAL, "prefix");
		assert_true(strlen(err.message) <= ERROR_MESSAGE_MAX);
		assert_memory_equal(err.message, "prefix: first", 13);
	}
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
