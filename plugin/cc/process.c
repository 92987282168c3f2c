/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/process.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define EXIT_NOT_RUN 127

static const struct {
	int resource;
	rlim_t soft, hard;
} limits[] = {
	/* The soft limit sends SIGXCPU, the hard limit SIGKILL. */
	{ RLIMIT_CPU, PROCESS_CPU_SECONDS, PROCESS_CPU_SECONDS + 1 },
	{ RLIMIT_AS, (rlim_t)PROCESS_MEMORY_MIB << 20, (rlim_t)PROCESS_MEMORY_MIB << 20 },
	{ RLIMIT_FSIZE, 0, 0 },
	{ RLIMIT_NOFILE, 64, 64 },
	{ RLIMIT_CORE, 0, 0 },
	{ RLIMIT_NPROC, 0, 0 },
};

enum { IN, OUT, WORDS, PIPES };

/* The parent's view of a running process. */
struct run {
	pid_t pid;
	int pidfd;
	int pipes[PIPES]; /* ends of the parent */
};

long process_deadline(void)
{
	return clock_now_ms() + PROCESS_WALL_SECONDS * 1000L;
}

static int process_limits_set(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].soft, limits[i].hard }, had;

		if (getrlimit(limits[i].resource, &had))
			return -errno;
		/* Keep a lower hard limit, because an unprivileged process cannot raise it. */
		if (limit.rlim_max > had.rlim_max)
			limit.rlim_max = had.rlim_max;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit))
			return -errno;
	}
	return 0;
}

/* Runs in the child between fork() and exec(). */
static _Noreturn void become(const char *const *argv, const int stdio[PIPES], pid_t parent)
{
	static char *const environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* the parent died before PR_SET_PDEATHSIG */
		_exit(EXIT_NOT_RUN);
	signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < PIPES; i++)
		if (dup2(stdio[i], i) < 0)
			_exit(EXIT_NOT_RUN);
	if (syscall(SYS_close_range, PIPES, ~0U, 0) || process_limits_set()) {
		dprintf(2, "limits cannot be set: %s\n", strerror(errno));
		_exit(EXIT_NOT_RUN);
	}
	execve(argv[0], (char *const *)argv, environment);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NOT_RUN);
}

/* Creates a pipe. The end of the parent is nonblocking, the end of the child blocks. */
static int pipe_make(int i, int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*ours = ends[i == IN];
	*theirs = ends[i != IN];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int run_start(struct run *run, const char *const *argv, struct error *err)
{
	int stdio[PIPES] = { -1, -1, -1 }, r = 0;
	pid_t parent = getpid();

	for (int i = 0; i < PIPES && !r; i++)
		r = pipe_make(i, &run->pipes[i], &stdio[i]);
	if (!r) {
		run->pid = fork();
		if (!run->pid)
			become(argv, stdio, parent);
		run->pidfd = run->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, run->pid, 0);
		if (run->pidfd < 0)
			r = -errno;
	}
	for (int i = 0; i < PIPES; i++)
		fd_close(&stdio[i]);
	return r < 0 ? error_set(err, r, "cannot start %s: %s", argv[0], strerror(-r)) : 0;
}

/* Kills the process if it still runs, and reaps it. Returns its wait status and CPU time. */
static int run_end(struct run *run, long *cpu_seconds)
{
	struct rusage usage = {};
	int status = 0;

	for (int i = 0; i < PIPES; i++)
		fd_close(&run->pipes[i]);
	fd_close(&run->pidfd);
	if (run->pid > 0) {
		kill(run->pid, SIGKILL);
		while (wait4(run->pid, &status, 0, &usage) < 0 && errno == EINTR)
			;
	}
	*cpu_seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000000;
	return status;
}

/* Writes input. Returns true if the pipe is finished: all is written or the reader is gone. */
static bool process_feed(int fd, const struct process *process, size_t *fed)
{
	ssize_t n = write(fd, process->input + *fed, process->input_len - *fed);

	if (n < 0)
		return errno != EAGAIN && errno != EINTR; /* the program need not read all input */
	*fed += (size_t)n;
	return *fed == process->input_len;
}

/*
 * Reads once. Appends until text has max bytes and drops the rest. Returns true at the end of the
 * pipe or on an error.
 */
static bool process_drain(int fd, struct text *text, size_t max, bool *over)
{
	char buffer[65536];
	ssize_t n = read(fd, buffer, sizeof(buffer));
	size_t room = max > text->len ? max - text->len : 0;

	if (n <= 0)
		return !n || (errno != EAGAIN && errno != EINTR);
	if ((size_t)n > room)
		*over = true;
	text_add(text, buffer, (size_t)n < room ? (size_t)n : room);
	return false;
}

/* Feeds and drains pipes until the process has ended and its output has been read. */
static int run_pump(struct run *run, const struct process *process, struct error *err)
{
	struct pollfd fds[] = {
		[IN] = { run->pipes[IN], POLLOUT, 0 },
		[OUT] = { run->pipes[OUT], POLLIN, 0 },
		[WORDS] = { run->pipes[WORDS], POLLIN, 0 },
		[PIPES] = { run->pidfd, POLLIN, 0 },
	};
	bool output_over = false, words_over = false;
	size_t fed = 0;

	while (fds[OUT].fd >= 0 || fds[WORDS].fd >= 0 || fds[PIPES].fd >= 0) {
		long left = process->deadline - clock_now_ms();

		if (left <= 0)
			return error_set(err, -EDQUOT, "the compiler ran longer than %d s",
					 PROCESS_WALL_SECONDS);
		if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0) {
			if (errno == EINTR)
				continue;
			return error_set(err, -errno, "poll: %s", strerror(errno));
		}
		if (fds[IN].revents && process_feed(fds[IN].fd, process, &fed)) {
			fd_close(&run->pipes[IN]);
			fds[IN].fd = -1;
		}
		if (fds[OUT].revents &&
		    process_drain(fds[OUT].fd, process->output, (size_t)PROCESS_OUTPUT_MIB << 20,
				  &output_over))
			fds[OUT].fd = -1;
		if (output_over)
			return error_set(err, -EDQUOT, "the compiler's output exceeded %d MiB",
					 PROCESS_OUTPUT_MIB);
		if (fds[WORDS].revents &&
		    process_drain(fds[WORDS].fd, process->words, (size_t)PROCESS_WORDS_KIB << 10,
				  &words_over))
			fds[WORDS].fd = -1;
		if (fds[PIPES].revents)
			fds[PIPES].fd = -1;
	}
	return 0;
}

/*
 * Converts a wait status to the result of process_run(). clang catches the signals of resource
 * limits, dumps its stack and exits as after any error, so the cause is found in stderr; that
 * output is useless to the user and removed. The CPU time is compared with a tolerance, because the
 * kernel accounts usage and the limit differently.
 */
static int run_judge(int status, long cpu_seconds, const struct process *process, struct error *err)
{
	const char *said = text_str(process->words);
	bool no_memory =
		strstr(said, "LLVM ERROR: out of memory") || strstr(said, "std::bad_alloc");
	bool crashed = WIFSIGNALED(status) || (status && strstr(said, "\nStack dump:\n"));

	if (crashed)
		text_clear(process->words);
	if (crashed && no_memory)
		return error_set(err, -EDQUOT, "the compiler needed more than %d MiB of memory",
				 PROCESS_MEMORY_MIB);
	if (crashed && cpu_seconds >= PROCESS_CPU_SECONDS - 2)
		return error_set(err, -EDQUOT, "the compiler used more than %d s of CPU time",
				 PROCESS_CPU_SECONDS);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return error_set(
			err, -EDQUOT,
			"the compiler was killed, most likely because the machine is out of "
			"memory");
	if (crashed)
		return error_set(err, -EFAULT, "crash (%s)",
				 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "caught");
	if (WEXITSTATUS(status) == EXIT_NOT_RUN) {
		error_set(err, -ENOEXEC, "the compiler cannot be run: %s", said);
		text_clear(process->words);
		return -ENOEXEC;
	}
	return WEXITSTATUS(status);
}

int process_run(const struct process *process, struct error *err)
{
	struct run run = { .pid = -1, .pidfd = -1, .pipes = { -1, -1, -1 } };
	int r, status;
	long cpu_seconds;

	r = run_start(&run, process->argv, err);
	if (!r)
		r = run_pump(&run, process, err);
	status = run_end(&run, &cpu_seconds);
	if (r < 0)
		return r;
	if (text_status(process->output) < 0 || text_status(process->words) < 0)
		return error_oom(err);
	return run_judge(status, cpu_seconds, process, err);
}
