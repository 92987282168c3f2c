/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "monitor/notification.h"

#include <poll.h>
#include <pthread.h>

static bool is_readable(void)
{
	struct pollfd fd = { .fd = notification_fd(), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void test_order_and_content(void **state)
{
	struct notification notice;
	uint64_t dropped;

	(void)state;
	notification_post(NOTIFICATION_OKAY, "edge", NULL, "nobody listens");
	assert_int_equal(notification_fd(), -1);
	assert_int_equal(notification_take(&notice, &dropped), 0);
	assert_int_equal(notification_open(NULL), 0);
	assert_false(is_readable());
	notification_post(NOTIFICATION_WARNING, "edge", "eth0", "interface %s is gone", "eth0");
	notification_post(NOTIFICATION_OKAY, NULL, NULL, "two\nlines\tand \x1b a bell");
	assert_true(is_readable());
	assert_int_equal(notification_take(&notice, &dropped), 1);
	assert_int_equal(dropped, 0);
	assert_int_equal(notice.severity, NOTIFICATION_WARNING);
	assert_string_equal(notice.monitor, "edge");
	assert_string_equal(notice.interface, "eth0");
	assert_string_equal(notice.text, "interface eth0 is gone");
	assert_true(is_readable());
	assert_int_equal(notification_take(&notice, &dropped), 1);
	assert_string_equal(notice.monitor, "");
	assert_string_equal(notice.interface, "");
	assert_string_equal(notice.text, "two lines and \\x1b a bell");
	assert_false(is_readable());
	assert_int_equal(notification_take(&notice, &dropped), 0);
	notification_close();
	notification_close();
}

static void test_limits(void **state)
{
	struct notification notice;
	uint64_t dropped;
	char text[1000];

	(void)state;
	assert_int_equal(notification_open(NULL), 0);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < NOTICES_MAX + 7; i++)
		notification_post(NOTIFICATION_OKAY, text, text, i ? "%d %s" : "%d", i, text);
	for (int i = 0; i < NOTICES_MAX; i++) {
		assert_int_equal(notification_take(&notice, &dropped), 1);
		assert_int_equal(dropped, i ? 0 : 7);
		assert_int_equal(atoi(notice.text), i);
		assert_int_equal(strlen(notice.monitor), MONITOR_NAME_MAX);
		assert_int_equal(strlen(notice.interface), IF_NAMESIZE - 1);
		assert_int_equal(strlen(notice.text), i ? NOTIFICATION_TEXT_MAX : 1);
	}
	assert_false(is_readable());
	/* the queue has room again */
	notification_post(NOTIFICATION_FAILURE, "edge", NULL, "again");
	assert_int_equal(notification_take(&notice, &dropped), 1);
	assert_int_equal(dropped, 0);
	assert_string_equal(notice.text, "again");
	/* pending notifications are dropped */
	notification_post(NOTIFICATION_FAILURE, "edge", NULL, "late");
	notification_close();
	assert_int_equal(notification_open(NULL), 0);
	assert_int_equal(notification_take(&notice, &dropped), 0);
	notification_close();
}

/* Truncated text ends with a complete character and a complete escape. */
static void test_cut(void **state)
{
	static const struct {
		const char *unit, *shown;
	} cases[] = { { "\xc3\xa4", "\xc3\xa4" },
		      { "\xe2\x82\xac", "\xe2\x82\xac" },
		      { "\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d" },
		      { "\xff", "\\xff" },
		      { "\xe2\x80\xae", "\\u202e" },
		      { "\xf3\xa0\x80\x81", "\\udb40\\udc01" } };

	(void)state;
	assert_int_equal(notification_open(NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t shift = 0; shift < 12; shift++) {
			size_t len = strlen(cases[i].shown),
			       fit = (NOTIFICATION_TEXT_MAX - shift) / len;
			_cleanup_text_ struct text text = {};
			struct notification notice;
			uint64_t dropped;

			for (size_t x = 0; x < shift; x++)
				text_addc(&text, 'x');
			for (int unit = 0; unit < 300; unit++)
				text_adds(&text, cases[i].unit);
			notification_post(NOTIFICATION_OKAY, NULL, NULL, "%s", text_str(&text));
			assert_int_equal(notification_take(&notice, &dropped), 1);
			assert_int_equal(strlen(notice.text), shift + fit * len);
			for (size_t unit = 0; unit < fit; unit++)
				assert_memory_equal(notice.text + shift + unit * len,
						    cases[i].shown, len);
		}
	notification_close();
}

static void *poster(void *data)
{
	(void)data;
	for (int i = 0; i < 10000; i++)
		notification_post(NOTIFICATION_OKAY, "edge", NULL, "%d", i);
	return NULL;
}

/* Every lost notification is counted. */
static void test_threads(void **state)
{
	pthread_t threads[3];
	struct notification notice;
	uint64_t dropped, sum = 0;

	(void)state;
	assert_int_equal(notification_open(NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		sum += (uint64_t)notification_take(&notice, &dropped);
		sum += dropped;
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	while (is_readable()) {
		sum += (uint64_t)notification_take(&notice, &dropped);
		sum += dropped;
	}
	assert_int_equal(sum, 30000);
	notification_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_content),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
