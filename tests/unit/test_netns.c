/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/stat.h>

/* Names of this process, because tests run in parallel. */
static char name[64], other[64];
static bool possible;

static int set_up(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "dynmon-test-%d", (int)getpid());
	snprintf(other, sizeof(other), "dynmon-other-%d", (int)getpid());
	possible = netns_private() && shell("ip netns add %s", name) == 0 &&
		   shell("ip -n %s link add inside type bridge", name) == 0 &&
		   shell("ip link add outside type bridge") == 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shell("ip netns del %s", name);
	shell("ip netns del %s", other);
	return 0;
}

static void test_open(void **state)
{
	_cleanup_close_ int fd = -1, by_direction = -1;
	_cleanup_error_ struct error err = {};
	char path[128];

	(void)state;
	if (!possible)
		skip();
	fd = netns_open(name, &err);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	snprintf(path, sizeof(path), NETNS_DIR "%s", name);
	by_direction = netns_open(path, &err);
	assert_true(by_direction >= 0);
	assert_int_not_equal(netns_inode(fd), 0);
	assert_int_equal(netns_inode(fd), netns_inode(by_direction));
	assert_int_not_equal(netns_inode(fd), netns_inode(-1));
}

static void test_open_errors(void **state)
{
	_cleanup_free_ char *folder = folder_make();
	_cleanup_error_ struct error err = {};
	static const struct {
		const char *name; /* %s: the folder */
		int code;
		const char *message;
	} cases[] = {
		{ "", -EINVAL, "expected a name below /run/netns/ or an absolute path" },
		{ ".", -EINVAL, "expected a name" },
		{ "..", -EINVAL, "expected a name" },
		{ "a/b", -EINVAL, "expected a name" },
		{ "dynmon-there-is-none", -ENOENT,
		  "network namespace /run/netns/dynmon-there-is-none: does not exist" },
		{ "/run/dynmon/none", -ENOENT, "does not exist" },
		{ "/dev/null", -EINVAL, "/dev/null is not a network namespace" },
		{ "/proc/self/ns/mnt", -EINVAL, "is not a network namespace" },
		{ "%s", -EINVAL, "is not a network namespace" },
		{ "%s/fifo", -EINVAL, "is not a network namespace" },
		{ "%s/file", -EINVAL, "is not a network namespace" },
		{ "%s/empty", -ENOENT, "the file is empty, not mounted yet" },
	};
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	file_make(folder, "file", "x", 1, 0600);
	file_make(folder, "empty", "", 0, 0600);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool made = !strncmp(cases[i].name, "%s", 2);

		snprintf(path, sizeof(path), "%s%s", made ? folder : "",
			 cases[i].name + (made ? 2 : 0));
		assert_int_equal(netns_open(path, &err), cases[i].code);
		assert_true(contains(error_message(&err), cases[i].message));
		assert_int_equal(netns_open(path, NULL), cases[i].code);
	}
	folder_remove(folder);
}

static void test_is(void **state)
{
	_cleanup_close_ int fd = -1;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(shell("ip netns add %s", other), 0);
	fd = netns_open(other, NULL);
	assert_true(netns_is(fd, other));
	assert_false(netns_is(fd, name));
	assert_false(netns_is(-1, other));
	assert_false(netns_is(fd, ""));
	assert_int_equal(shell("ip netns del %s", other), 0);
	assert_false(netns_is(fd, other));
	/* recreated: the old namespace lives on behind fd, so that the new one has another inode */
	assert_int_equal(shell("ip netns add %s", other), 0);
	assert_false(netns_is(fd, other));
	fd_close(&fd);
	fd = netns_open(other, NULL);
	assert_true(netns_is(fd, other));
	assert_int_equal(shell("ip netns del %s", other), 0);
}

static void *look_around(void *data)
{
	*(bool *)data = if_nametoindex("outside") > 0 && if_nametoindex("inside") == 0;
	return NULL;
}

static void test_visit(void **state)
{
	_cleanup_close_ int fd = -1, home = -1;
	struct netns_visit visit, inner;
	uint64_t here = netns_inode(-1);
	bool others_stay = false;
	pthread_t thread;

	(void)state;
	if (!possible)
		skip();
	fd = netns_open(name, NULL);
	home = netns_open("/proc/thread-self/ns/net", NULL);
	assert_int_equal(netns_enter(fd, &visit), 0);
	assert_int_equal(netns_inode(-1), netns_inode(fd));
	assert_true(if_nametoindex("inside") > 0);
	assert_int_equal(if_nametoindex("outside"), 0);
	/* a nested visit, and one that fails */
	assert_int_equal(netns_enter(home, &inner), 0);
	assert_int_equal(netns_inode(-1), here);
	netns_leave(&inner);
	assert_int_equal(netns_enter(-1, &inner), 0);
	netns_leave(&inner);
	assert_int_equal(netns_inode(-1), netns_inode(fd));
	netns_leave(&visit);
	assert_int_equal(visit.code, 0);
	assert_int_equal(visit.home_fd, -1);
	assert_int_equal(netns_inode(-1), here);
	/* idempotent */
	netns_leave(&visit);
	assert_int_equal(netns_inode(-1), here);
	/* other threads are not affected */
	assert_int_equal(netns_enter(fd, &visit), 0);
	netns_leave(&visit);
	assert_int_equal(pthread_create(&thread, NULL, look_around, &others_stay), 0);
	pthread_join(thread, NULL);
	assert_true(others_stay);
}

static void test_visit_errors(void **state)
{
	_cleanup_close_ int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct netns_visit visit;
	uint64_t here = netns_inode(-1);

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(netns_enter(file, &visit), -EINVAL);
	netns_leave(&visit);
	assert_int_equal(netns_inode(-1), here);
}

/* A thread that cannot return home refuses further visits until it can. */
static void *get_lost(void *data)
{
	_cleanup_close_ int fd = netns_open(name, NULL), null = -1, home = -1;
	struct netns_visit visit, next;
	uint64_t here = netns_inode(-1);
	const char **wrong = data;

	*wrong = "enter";
	if (netns_enter(fd, &visit) < 0)
		return NULL;
	/* the home descriptor is temporarily not a namespace */
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	home = fcntl(visit.home_fd, F_DUPFD_CLOEXEC, 100);
	dup3(null, visit.home_fd, O_CLOEXEC);
	int held = visit.home_fd;

	netns_leave(&visit);
	*wrong = "leave";
	if (visit.code != -EINVAL || visit.home_fd != -1)
		return NULL;
	*wrong = "lost";
	if (netns_enter(-1, &next) != -ESTALE || netns_enter(fd, &next) != -ESTALE)
		return NULL;
	dup3(home, held, O_CLOEXEC);
	*wrong = "found";
	if (netns_enter(-1, &next) != 0 || netns_inode(-1) != here)
		return NULL;
	netns_leave(&next);
	*wrong = NULL;
	return NULL;
}

static void test_lost(void **state)
{
	const char *wrong = NULL;
	pthread_t thread;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(pthread_create(&thread, NULL, get_lost, &wrong), 0);
	pthread_join(thread, NULL);
	if (wrong)
		fail_msg("%s", wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),	     cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_is),	     cmocka_unit_test(test_visit),
		cmocka_unit_test(test_visit_errors), cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
