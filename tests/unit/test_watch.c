/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "monitor/events.h"
#include "monitor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct registry *registry_make(void)
{
	const struct compiler compiler = {};
	struct registry *registry;

	assert_int_equal(registry_new(&compiler, "/", NULL, &registry, NULL), 0);
	return registry;
}

/* Room for that many more descriptors. */
static void limit_descriptors(rlim_t n, struct rlimit *old)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit;

	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	limit = (struct rlimit){ (rlim_t)lowest + n, old->rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_no_descriptors(void **state)
{
	static const char *const expected[] = {
		"interfaces cannot be watched: eventfd: too many open files: ",
		"interfaces cannot be watched: netlink: too many open files: ",
	};
	struct registry *registry = registry_make();
	struct watch *watch = NULL;

	(void)state;
	for (rlim_t n = 0; n < ARRAY_SIZE(expected); n++) {
		_cleanup_error_ struct error err = {};
		struct rlimit old;
		int r;

		limit_descriptors(n, &old);
		r = watch_start(registry, &watch, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(r, -EMFILE);
		if (strncmp(error_message(&err), expected[n], strlen(expected[n])) != 0)
			fail_msg("%s", error_message(&err));
		assert_null(watch);
	}
	registry_free(registry);
}

/* No machine has room for such a stack. */
static void test_no_thread(void **state)
{
	_cleanup_error_ struct error watch_err = {}, events_err = {};
	struct registry *registry = registry_make();
	struct events *events = NULL;
	struct watch *watch = NULL;
	pthread_attr_t huge, old;
	int r, s;

	(void)state;
	assert_int_equal(pthread_getattr_default_np(&old), 0);
	assert_int_equal(pthread_attr_init(&huge), 0);
	assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 46), 0);
	assert_int_equal(pthread_setattr_default_np(&huge), 0);
	r = watch_start(registry, &watch, &watch_err);
	s = events_start(registry, &events, &events_err);
	assert_int_equal(pthread_setattr_default_np(&old), 0);
	assert_int_equal(r, -EAGAIN);
	assert_string_equal(
		error_message(&watch_err),
		"interfaces cannot be watched: thread: Resource temporarily unavailable");
	assert_null(watch);
	assert_int_equal(s, -EAGAIN);
	assert_string_equal(error_message(&events_err),
			    "log lines: Resource temporarily unavailable");
	assert_null(events);
	pthread_attr_destroy(&huge);
	registry_free(registry);
}

static void test_start_and_stop(void **state)
{
	struct registry *registry = registry_make();
	struct events *events = NULL;
	struct watch *watch = NULL;

	(void)state;
	assert_int_equal(events_start(registry, &events, NULL), 0);
	assert_int_equal(watch_start(registry, &watch, NULL), 0);
	assert_null(watch_stop(watch));
	assert_null(events_stop(events));
	assert_null(watch_stop(NULL));
	assert_null(events_stop(NULL));
	registry_free(registry);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_no_thread),
		cmocka_unit_test(test_start_and_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
