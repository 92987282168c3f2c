/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "monitor/notice.h"

#include <poll.h>
#include <pthread.h>

static bool is_readable(void)
{
	struct pollfd fd = { .fd = notice_fd(), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void test_order_and_content(void **state)
{
	struct notice notice;
	uint64_t dropped;

	(void)state;
	notice_post(NOTICE_OKAY, "edge", NULL, "nobody listens");
	assert_int_equal(notice_fd(), -1);
	assert_int_equal(notice_take(&notice, &dropped), 0);
	assert_int_equal(notice_open(NULL), 0);
	assert_false(is_readable());
	notice_post(NOTICE_WARNING, "edge", "eth0", "interface %s is gone", "eth0");
	notice_post(NOTICE_OKAY, NULL, NULL, "two\nlines\tand \x1b a bell");
	assert_true(is_readable());
	assert_int_equal(notice_take(&notice, &dropped), 1);
	assert_int_equal(dropped, 0);
	assert_int_equal(notice.severity, NOTICE_WARNING);
	assert_string_equal(notice.monitor, "edge");
	assert_string_equal(notice.interface, "eth0");
	assert_string_equal(notice.text, "interface eth0 is gone");
	assert_true(is_readable());
	assert_int_equal(notice_take(&notice, &dropped), 1);
	assert_string_equal(notice.monitor, "");
	assert_string_equal(notice.interface, "");
	assert_string_equal(notice.text, "two lines and   a bell");
	assert_false(is_readable());
	assert_int_equal(notice_take(&notice, &dropped), 0);
	notice_close();
	notice_close();
}

static void test_limits(void **state)
{
	struct notice notice;
	uint64_t dropped;
	char text[1000];

	(void)state;
	assert_int_equal(notice_open(NULL), 0);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < NOTICES_MAX + 7; i++)
		notice_post(NOTICE_OKAY, text, text, i ? "%d %s" : "%d", i, text);
	for (int i = 0; i < NOTICES_MAX; i++) {
		assert_int_equal(notice_take(&notice, &dropped), 1);
		assert_int_equal(dropped, i ? 0 : 7);
		assert_int_equal(atoi(notice.text), i);
		assert_int_equal(strlen(notice.monitor), MONITOR_NAME_MAX);
		assert_int_equal(strlen(notice.interface), IF_NAMESIZE - 1);
		assert_int_equal(strlen(notice.text), i ? NOTICE_TEXT_MAX : 1);
	}
	assert_false(is_readable());
	/* there is room again */
	notice_post(NOTICE_FAILURE, "edge", NULL, "again");
	assert_int_equal(notice_take(&notice, &dropped), 1);
	assert_int_equal(dropped, 0);
	assert_string_equal(notice.text, "again");
	/* what nobody has taken is forgotten */
	notice_post(NOTICE_FAILURE, "edge", NULL, "late");
	notice_close();
	assert_int_equal(notice_open(NULL), 0);
	assert_int_equal(notice_take(&notice, &dropped), 0);
	notice_close();
}

static void *poster(void *data)
{
	(void)data;
	for (int i = 0; i < 10000; i++)
		notice_post(NOTICE_OKAY, "edge", NULL, "%d", i);
	return NULL;
}

/* Nothing is lost without being counted. */
static void test_threads(void **state)
{
	pthread_t threads[3];
	struct notice notice;
	uint64_t dropped, sum = 0;

	(void)state;
	assert_int_equal(notice_open(NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		sum += (uint64_t)notice_take(&notice, &dropped);
		sum += dropped;
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	while (is_readable()) {
		sum += (uint64_t)notice_take(&notice, &dropped);
		sum += dropped;
	}
	assert_int_equal(sum, 30000);
	notice_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_content),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
