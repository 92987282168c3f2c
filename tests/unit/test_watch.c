/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "monitor/events.h"
#include "monitor/operation.h"
#include "monitor/tracking.h"
#include "monitor/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct registry *registry_make(void)
{
	const struct compiler compiler = {};
	struct registry *registry;

	assert_int_equal(registry_new(&compiler, "/", NULL, &registry, NULL), 0);
	return registry;
}

/* Leaves room for the given number of descriptors. */
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

/* A stack that is too large makes pthread_create() fail. */
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

/* Reads a /proc file of a thread of this process, without the newline. */
static void thread_read(const char *task, const char *file, char *text, size_t size)
{
	char path[300];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%s/%s", task, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* Returns the timeout of the watch thread's poll(); INT_MIN: the thread is not in poll(). */
static int watch_timeout(void)
{
	int timeout = INT_MIN;
#ifdef SYS_poll
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;

	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		unsigned long long ms;
		char text[200];
		int number;

		thread_read(task->d_name, "comm", text, sizeof(text));
		if (strcmp(text, "dynmon-watch") != 0)
			continue;
		thread_read(task->d_name, "syscall", text, sizeof(text));
		if (sscanf(text, "%d %*s %*s %llx", &number, &ms) == 2 && number == SYS_poll)
			timeout = (int)ms;
	}
	closedir(tasks);
#endif
	return timeout;
}

/* Waits until the thread sleeps with a timeout, or without one. */
static void wait_for_timeout(bool wanted)
{
	int timeout;

	do {
		poll(NULL, 0, 1);
		timeout = watch_timeout();
	} while (timeout == INT_MIN || (timeout >= 0) != wanted);
}

static void test_sleeps_without_a_timeout(void **state)
{
	struct registry *registry = registry_make();
	struct monitor_list list = {};
	struct monitor_settings settings;
	struct watch *watch = NULL;
	struct error err = {};

	(void)state;
#ifndef SYS_poll
	skip();
#endif
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	assert_int_equal(registry_add(registry, &settings, false, NULL, NULL), 0);
	assert_int_equal(registry_list(registry, "edge", &list, NULL), 0);
	assert_int_equal(watch_start(registry, &watch, NULL), 0);
	wait_for_timeout(false);
	/* Only the monitor tells the thread that something has to be retried. */
	monitor_begin(list.monitors[0]);
	error_set(&err, -EMFILE, "no descriptors");
	tracking_note_unattached(list.monitors[0], 1, &err);
	wait_for_timeout(true);
	monitor_end(list.monitors[0]);
	/* Everything is attached again, as the next retry finds. */
	wait_for_timeout(false);
	assert_null(watch_stop(watch));
	error_release(&err);
	monitor_list_release(&list);
	registry_free(registry);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_no_thread),
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_sleeps_without_a_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
