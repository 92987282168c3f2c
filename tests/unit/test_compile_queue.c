/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/compile_queue.h"
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define WORKERS 2

struct fixture {
	struct compiler compiler;
	_Atomic int running, most, next; /* next: order in which jobs get their turn */
	_Atomic bool hold;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->compiler.queue = compile_queue_new(WORKERS);
	fixture->compiler.cancel_fd = eventfd(0, EFD_CLOEXEC);
	assert_non_null(fixture->compiler.queue);
	assert_true(fixture->compiler.cancel_fd > 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->compiler.cancel_fd);
	assert_null(compile_queue_free(fixture->compiler.queue));
	free(fixture);
	return 0;
}

struct job {
	struct fixture *fixture;
	int client_fd;
	bool unlimited;
	pthread_t thread;
	int result, turn;
	char message[128];
};

static void *job_thread(void *data)
{
	struct job *job = data;
	struct fixture *fixture = job->fixture;
	struct compiler compiler = fixture->compiler;
	_cleanup_error_ struct error err = {};
	int now, most;

	compiler.client_fd = job->client_fd;
	compiler.unlimited = job->unlimited;
	job->result = compile_queue_enter(&compiler, &err);
	snprintf(job->message, sizeof(job->message), "%s", error_message(&err));
	if (job->result < 0)
		return NULL;
	job->turn = fixture->next++;
	now = ++fixture->running;
	most = fixture->most;
	while (now > most && !atomic_compare_exchange_weak(&fixture->most, &most, now))
		;
	while (fixture->hold)
		sched_yield();
	fixture->running--;
	compile_queue_leave(compiler.queue);
	return NULL;
}

static void job_start(struct fixture *fixture, struct job *job)
{
	job->fixture = fixture;
	assert_int_equal(pthread_create(&job->thread, NULL, job_thread, job), 0);
}

/* Starts the workers' jobs, which run until hold is false. */
static void occupy(struct fixture *fixture, struct job *jobs)
{
	fixture->hold = true;
	for (int i = 0; i < WORKERS; i++)
		job_start(fixture, &jobs[i]);
	while (fixture->running < WORKERS)
		sched_yield();
}

/*
 * Returns true if the queue is full. Enters it for a client that is gone, and therefore never
 * waits.
 */
static bool is_full(const struct fixture *fixture)
{
	struct compiler compiler = fixture->compiler;
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	compiler.client_fd = pair[0];
	close(pair[1]);
	r = compile_queue_enter(&compiler, NULL);
	close(pair[0]);
	if (r != -EUSERS)
		assert_int_equal(r, -ECANCELED);
	return r == -EUSERS;
}

static void finish(struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pthread_join(jobs[i].thread, NULL);
}

/* All requests get a turn; the number of running jobs never exceeds the number of workers. */
static void test_workers(void **state)
{
	struct fixture *fixture = *state;
	struct job jobs[WORKERS + COMPILE_WAITING_MAX] = {};

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		job_start(fixture, &jobs[i]);
	finish(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_int_equal(jobs[i].result, 0);
	assert_true(fixture->most >= 1 && fixture->most <= WORKERS);
}

/* The limit, its error, and the exemption of unlimited requests. */
static void test_limit(void **state)
{
	struct fixture *fixture = *state;
	struct job running[WORKERS] = {}, waiting[COMPILE_WAITING_MAX] = {}, refused = {};
	struct job unlimited = { .unlimited = true };

	occupy(fixture, running);
	assert_false(is_full(fixture));
	for (size_t i = 0; i < COMPILE_WAITING_MAX; i++)
		job_start(fixture, &waiting[i]);
	while (!is_full(fixture))
		sched_yield();
	job_start(fixture, &refused);
	finish(&refused, 1);
	assert_int_equal(refused.result, -EUSERS);
	assert_string_equal(refused.message,
			    "too many compilations wait (128); nothing was done, try again");
	job_start(fixture, &unlimited);
	fixture->hold = false;
	finish(&unlimited, 1);
	assert_int_equal(unlimited.result, 0);
	finish(running, WORKERS);
	finish(waiting, COMPILE_WAITING_MAX);
	assert_true(fixture->most <= WORKERS);
	assert_false(fixture->running);
}

/* With one worker the requests are served in order. */
static void test_order(void **state)
{
	struct fixture *fixture = *state;
	struct job jobs[8] = {};
	struct compile_queue *other = fixture->compiler.queue;

	fixture->compiler.queue = compile_queue_new(1);
	fixture->hold = true;
	/* Each job is queued before the next one starts; the limit shows how many are queued. */
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		struct job fill[COMPILE_WAITING_MAX] = {};
		int pair[2];
		size_t n = COMPILE_WAITING_MAX - i;

		job_start(fixture, &jobs[i]);
		if (i == 0) {
			while (!fixture->running)
				sched_yield();
			continue;
		}
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		for (size_t k = 0; k < n; k++) {
			fill[k].client_fd = pair[0];
			job_start(fixture, &fill[k]);
		}
		while (!is_full(fixture))
			sched_yield();
		close(pair[1]);
		finish(fill, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(fill[k].result, -ECANCELED);
		close(pair[0]);
	}
	fixture->hold = false;
	finish(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		assert_int_equal(jobs[i].result, 0);
		assert_int_equal(jobs[i].turn, i);
	}
	compile_queue_free(fixture->compiler.queue);
	fixture->compiler.queue = other;
}

/* A request leaves the queue if its client goes away or the plugin stops; the others go on. */
static void test_give_up(void **state)
{
	struct fixture *fixture = *state;
	struct job running[WORKERS] = {}, waiting[3] = {};
	int pair[2];

	occupy(fixture, running);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	waiting[1].client_fd = pair[0];
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		job_start(fixture, &waiting[i]);
	shutdown(pair[1], SHUT_WR); /* the client has finished sending and waits for the answer */
	assert_false(is_full(fixture));
	close(pair[1]);
	finish(&waiting[1], 1);
	assert_int_equal(waiting[1].result, -ECANCELED);
	assert_string_equal(waiting[1].message, "canceled: the client has closed its connection");
	eventfd_write(fixture->compiler.cancel_fd, 1);
	finish(&waiting[0], 1);
	finish(&waiting[2], 1);
	assert_int_equal(waiting[0].result, -ECANCELED);
	assert_int_equal(waiting[2].result, -ECANCELED);
	assert_string_equal(waiting[2].message, "canceled: the plugin is stopping");
	fixture->hold = false;
	finish(running, WORKERS);
	close(pair[0]);
}

static void test_none(void **state)
{
	const struct compiler compiler = {};

	(void)state;
	assert_int_equal(compile_queue_enter(&compiler, NULL), 0);
	compile_queue_leave(NULL);
	assert_null(compile_queue_free(NULL));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_workers), TEST(test_limit), TEST(test_order),
		TEST(test_give_up), TEST(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
