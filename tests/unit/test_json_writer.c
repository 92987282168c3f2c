/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json_writer.h"
#include "fixture.h"

#include <math.h>

static void test_nesting_and_commas(void **state)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };

	(void)state;
	json_object_begin(&json);
	json_key(&json, "empty");
	json_array_begin(&json);
	json_array_end(&json);
	json_member_u64(&json, "n", UINT64_MAX);
	json_key(&json, "list");
	json_array_begin(&json);
	json_put_u64(&json, 1);
	json_object_begin(&json);
	json_object_end(&json);
	json_put_string(&json, "x");
	json_array_end(&json);
	json_member_double(&json, "last", 0.5);
	json_object_end(&json);
	assert_int_equal(text_status(&out), 0);
	assert_string_equal(
		text_str(&out),
		"{\"empty\":[],\"n\":18446744073709551615,\"list\":[1,{},\"x\"],\"last\":0.5}");
}

static void test_values_that_json_does_not_have(void **state)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };

	(void)state;
	json_array_begin(&json);
	json_put_string(&json, NULL);
	json_put_string(&json, "a\"b\xff\n");
	json_put_double(&json, NAN);
	json_put_double(&json, INFINITY);
	json_put_double(&json, 0.5);
	json_array_end(&json);
	assert_string_equal(text_str(&out), "[null,\"a\\\"b\\u00ff\\n\",null,null,0.5]");
}

static void test_members(void **state)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };

	(void)state;
	json_object_begin(&json);
	json_member_name(&json, "a", "\xff");
	json_member_string(&json, "b", "\xff");
	json_member_name(&json, "c", NULL);
	json_member_bool(&json, "d", true);
	json_member_bool(&json, "e", false);
	json_member_i64(&json, "f", INT64_MIN);
	json_object_end(&json);
	assert_string_equal(text_str(&out),
			    "{\"a\":\"\\\\xff\",\"b\":\"\\u00ff\",\"c\":null,\"d\":true,"
			    "\"e\":false,\"f\":-9223372036854775808}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting_and_commas),
		cmocka_unit_test(test_values_that_json_does_not_have),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
