/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/array.h"
#include "base/cleanup.h"
#include "fixture.h"

struct item {
	int number;
	int other;
};

/* AddressSanitizer finds an append that writes past the allocated size. */
static void test_array_append(void **state)
{
	struct item *items = NULL;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct item *item = array_append(items, n);

		assert_non_null(item);
		assert_int_equal(n, i + 1);
		assert_ptr_equal(item, &items[i]);
		assert_int_equal(item->number, 0);
		item->number = i;
		item->other = -1;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i].number, i);
	free(items);
}

static void test_array_remove(void **state)
{
	int *items = NULL;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		*array_append(items, n) = i;
	array_remove(items, n, 4);
	array_remove(items, n, 0);
	array_remove(items, n, 1);
	assert_int_equal(n, 2);
	assert_int_equal(items[0], 1);
	assert_int_equal(items[1], 3);
	*array_append(items, n) = 7;
	assert_int_equal(items[2], 7);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array_append),
		cmocka_unit_test(test_array_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
