/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"
#include "base/clock.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define SH(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })

static void write_result(void *data)
{
	_cleanup_text_ struct text line = {};

	text_printf(&line, "%s %d %d", (const char *)data, fcntl(3, F_GETFD) >= 0,
		    fcntl(100, F_GETFD) >= 0);
	if (write(3, line.data, line.len) < 0 || write(1, "out", 3) < 0 || write(2, "err", 3) < 0)
		_exit(1);
	_exit(7);
}

/* A function has its pipes and no other descriptor of the parent. */
static void test_function(void **state)
{
	_cleanup_text_ struct text result = {}, messages = {};
	char data[] = "called";
	struct child child = {
		.run = write_result,
		.data = data,
		.pipes = { [1] = { .collect = &messages, .max = 6 },
			   [2] = { .collect = &messages, .max = 6 },
			   [3] = { .collect = &result, .max = 100 } },
		.deadline = clock_now_ms() + 60000,
	};

	(void)state;
	assert_int_equal(dup2(2, 100), 100);
	assert_int_equal(child_run(&child), 0);
	close(100);
	assert_string_equal(text_str(&result), "called 1 0");
	assert_int_equal(messages.len, 6);
	assert_int_equal(child.exit_status, 7);
	assert_int_equal(child.signal, 0);
}

/* Results of programs, with SIGCHLD handled and ignored. */
static void test_programs(void **state)
{
	static const struct resource_limit no_files[] = { { RLIMIT_FSIZE, 0, 0 } };
	static const struct {
		const char *program, *script;
		size_t n_limits;
		bool truncate;
		int r, exit_status, signal;
		const char *output;
	} programs[] = {
		{ "/bin/sh", "cat", 0, false, 0, 0, 0, "input" },
		{ "/bin/sh", "cat; exit 3", 0, false, 0, 3, 0, "input" },
		{ "/bin/sh", "exec <&-; exit 3", 0, false, 0, 3, 0, "" },
		{ "/bin/sh", "exec >&-; exit 4", 0, false, 0, 4, 0, "" },
		{ "/bin/sh", "kill -TERM $$", 0, false, 0, -1, SIGTERM, "" },
		{ "/bin/sh", "echo 123456789; sleep 1000", 0, false, -EFBIG, 0, 0, NULL },
		{ "/bin/sh", "echo 123456789; sleep 0.1; echo 1", 0, true, 0, 0, 0, "12345678" },
		{ "/bin/sh", "ulimit -f", 1, false, 0, 0, 0, "0\n" },
		{ "/bin/sh", "trap | cat; ls /proc/self/fd | tr -d '\\n'", 0, false, 0, 0, 0,
		  "0123" },
		{ "/bin/sh", "sleep 1000 & sleep 1000", 0, false, -ETIMEDOUT, 0, 0, "" },
		{ "/none", "", 0, false, -ENOENT, 0, 0, "" },
	};
	_cleanup_text_ struct text input = {};

	(void)state;
	text_adds(&input, "input");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(programs); i++) {
		_cleanup_text_ struct text output = {};
		const bool ignored = i % 2;
		const char *const argv[] = { programs[i / 2].program, "-c", programs[i / 2].script,
					     NULL };
		struct child child = {
			.argv = argv,
			.pipes = { { .feed = &input },
				   { .collect = &output,
				     .max = 8,
				     .truncate = programs[i / 2].truncate } },
			.limits = no_files,
			.n_limits = programs[i / 2].n_limits,
			.deadline =
				clock_now_ms() + (programs[i / 2].r == -ETIMEDOUT ? 200 : 60000),
		};

		signal(SIGCHLD, ignored ? SIG_IGN : SIG_DFL);
		assert_int_equal(child_run(&child), programs[i / 2].r);
		if (programs[i / 2].output)
			assert_string_equal(text_str(&output), programs[i / 2].output);
		if (programs[i / 2].r < 0)
			continue;
		assert_int_equal(child.exit_status, ignored ? -1 : programs[i / 2].exit_status);
		assert_int_equal(child.signal, ignored ? 0 : programs[i / 2].signal);
	}
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_cancel(void **state)
{
	struct pollfd cancel[2] = { { -1, POLLIN, 0 }, { -1, 0, 0 } };
	struct child child = {
		.argv = SH("sleep 1000"),
		.deadline = clock_now_ms() + 60000,
		.cancel = cancel,
		.n_cancel = 2,
	};
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	cancel[1].fd = ends[0];
	close(ends[1]);
	assert_int_equal(child_run(&child), -ECANCELED);
	close(ends[0]);
	assert_int_equal(cancel[0].revents, 0);
	assert_int_equal(cancel[1].revents, POLLHUP);
}

/* The out-of-memory killer prefers a child. */
static void test_score(void **state)
{
	_cleanup_text_ struct text output = {};
	struct child child = {
		.argv = SH("cat /proc/self/oom_score_adj"),
		.pipes = { [1] = { .collect = &output, .max = 100 } },
		.deadline = clock_now_ms() + 60000,
	};

	(void)state;
	assert_int_equal(child_run(&child), 0);
	assert_string_equal(text_str(&output), "1000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_score),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
