/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHUNK (64 * 1024)

/* A running child, as the parent sees it. */
struct process {
	pid_t pid;
	int pidfd;	    /* -1: the child has ended and was reaped */
	int fds[CHILD_FDS]; /* the parent's ends of the pipes; -1: closed */
};

int resource_limits_set(const struct resource_limit *limits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit limit = { limits[i].soft, limits[i].hard }, old;

		if (getrlimit(limits[i].resource, &old) < 0)
			return -errno;
		/* An unprivileged process cannot raise a hard limit. */
		if (limit.rlim_max > old.rlim_max)
			limit.rlim_max = old.rlim_max;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

void oom_score_raise(void)
{
	static const char highest[] = "1000"; /* OOM_SCORE_ADJ_MAX */
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* Raising the score needs no privilege. */
	if (fd >= 0 && write(fd, highest, sizeof(highest) - 1) < 0)
		return;
}

/* -- in the child, between fork() and exec() -- */

static int child_execute(const struct child *child)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = { path, locale, NULL };
	sigset_t none;
	int r;

	/* collectd ignores SIGCHLD and SIGPIPE, and its threads block signals. */
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_close_range, CHILD_FDS, ~0U, CLOSE_RANGE_CLOEXEC); /* Linux 5.11 */
	r = resource_limits_set(child->limits, child->n_limits);
	if (r < 0)
		return r;
	execve(child->argv[0], (char *const *)child->argv, environment);
	return -errno;
}

/* Becomes the child. An error is written to report, which is otherwise closed without a byte. */
static _Noreturn void child_main(const struct child *child, const int ends[CHILD_FDS], int report,
				 pid_t parent)
{
	int r = 0;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* the parent died before PR_SET_PDEATHSIG */
		r = -ESRCH;
	oom_score_raise();
	for (int i = 0; i < CHILD_FDS && r == 0; i++) {
		if (ends[i] >= 0)
			r = dup2(ends[i], i) < 0 ? -errno : 0;
		else if (i > STDERR_FILENO)
			close(i);
	}
	if (r == 0 && child->argv)
		r = child_execute(child);
	if (r < 0) {
		r = write(report, &r, sizeof(r)) < 0;
		_exit(EXIT_FAILURE);
	}
	close(report);
	/*
	 * BPF links, locks of the pin directory and sockets of the parent must not stay open in a
	 * child that is stuck. Kernels before 5.9 cannot close a range; this is ignored.
	 */
	syscall(SYS_close_range, CHILD_FDS, ~0U, 0);
	child->run(child->data);
	_exit(EXIT_SUCCESS);
}

/* -- in the parent -- */

/* Moves a descriptor out of the numbers that the child uses, which dup2() overwrites there. */
static int fd_move(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, CHILD_FDS);

	if (moved < 0)
		return -errno;
	close(*fd);
	*fd = moved;
	return 0;
}

static int pipe_open(int *ours, int *theirs, bool feed)
{
	int ends[2], r = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = ends[feed];
	*theirs = ends[!feed];
	if (feed && fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if (*ours < CHILD_FDS)
		r = fd_move(ours);
	if (r == 0 && *theirs < CHILD_FDS)
		r = fd_move(theirs);
	return r;
}

static int child_start(struct process *process, const struct child *child)
{
	int ends[CHILD_FDS] = { -1, -1, -1, -1 }, report_end = -1, r = 0;
	_cleanup_close_ int report = -1;
	pid_t parent = getpid();
	ssize_t n;

	for (int i = 0; i < CHILD_FDS && r == 0; i++)
		if (child->pipes[i].feed || child->pipes[i].collect)
			r = pipe_open(&process->fds[i], &ends[i], child->pipes[i].feed);
	if (r == 0)
		r = pipe_open(&report, &report_end, false);
	if (r == 0) {
		process->pid = fork();
		if (process->pid == 0)
			child_main(child, ends, report_end, parent);
		if (process->pid < 0)
			r = -errno;
	}
	fd_close(&report_end);
	for (int i = 0; i < CHILD_FDS; i++)
		fd_close(&ends[i]);
	if (r < 0)
		return r;
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd < 0 && errno != ESRCH) {
		r = -errno;
		kill(process->pid, SIGKILL);
		waitpid(process->pid, NULL, 0);
		return r;
	}
	do
		n = read(report, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	return n == sizeof(r) ? r : 0;
}

/* Transfers bytes once. Returns 1 if the pipe is finished, 0 if it is not, -errno on failure. */
static int pipe_transfer(int fd, const struct child_pipe *pipe, size_t *count)
{
	struct text *to = pipe->collect;
	ssize_t n;

	if (pipe->feed) {
		n = write(fd, pipe->feed->data + *count, pipe->feed->len - *count);
		if (n < 0)
			return errno != EAGAIN && errno != EINTR; /* the child has closed its end */
		*count += (size_t)n;
		return *count == pipe->feed->len;
	}
	if (!text_reserve(to, CHUNK))
		return -ENOMEM;
	n = read(fd, to->data + to->len, CHUNK);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	to->len += (size_t)n;
	*count += (size_t)n;
	if (*count > pipe->max) {
		if (!pipe->truncate)
			return -EFBIG;
		to->len -= *count - pipe->max;
		*count = pipe->max;
	}
	return n == 0;
}

/* Feeds and collects until the child has closed its outputs and exited. */
static int child_serve(struct process *process, const struct child *child)
{
	enum { EXIT = CHILD_FDS, CANCEL };
	struct pollfd polls[CANCEL + CHILD_CANCEL_MAX];
	unsigned int open = process->pidfd >= 0;
	size_t counts[CHILD_FDS] = {};

	for (int i = 0; i < CHILD_FDS; i++) {
		const struct text *feed = child->pipes[i].feed;

		if (feed && !feed->len)
			fd_close(&process->fds[i]);
		polls[i] = (struct pollfd){ process->fds[i], feed ? POLLOUT : POLLIN, 0 };
		open += child->pipes[i].collect != NULL;
	}
	polls[EXIT] = (struct pollfd){ process->pidfd, POLLIN, 0 };
	for (size_t i = 0; i < child->n_cancel; i++)
		polls[CANCEL + i] = child->cancel[i];
	while (open) {
		int64_t left = child->deadline - clock_now_ms();
		int r = left > 0 ? poll(polls, CANCEL + child->n_cancel, (int)left) : 0;

		if (left <= 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		for (size_t i = 0; i < child->n_cancel; i++) {
			child->cancel[i].revents = polls[CANCEL + i].revents;
			if (child->cancel[i].revents)
				return -ECANCELED;
		}
		for (int i = 0; i < CHILD_FDS; i++) {
			if (!polls[i].revents)
				continue;
			r = pipe_transfer(process->fds[i], &child->pipes[i], &counts[i]);
			if (r < 0)
				return r;
			if (r > 0) {
				fd_close(&process->fds[i]);
				polls[i].fd = -1;
				open -= child->pipes[i].collect != NULL;
			}
		}
		if (polls[EXIT].revents) {
			polls[EXIT].fd = -1;
			open--;
		}
	}
	return 0;
}

/* Kills the child and its process group, reaps the child and stores the results. */
static void child_end(struct process *process, struct child *child)
{
	struct rusage usage = {};
	siginfo_t info = {};

	for (int i = 0; i < CHILD_FDS; i++)
		fd_close(&process->fds[i]);
	if (process->pidfd < 0)
		return;
	/* Succeeds if the child is not reaped yet; until then, no other process gets its number. */
	if (syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0) == 0)
		kill(-process->pid, SIGKILL);
	/* The system call, unlike waitid(), also returns the resource usage. */
	while (syscall(SYS_waitid, P_PIDFD, process->pidfd, &info, WEXITED, &usage) < 0 &&
	       errno == EINTR)
		;
	fd_close(&process->pidfd);
	if (info.si_code == CLD_EXITED)
		child->exit_status = info.si_status;
	else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		child->signal = info.si_status;
	child->cpu_seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
			     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000000;
}

int child_run(struct child *child)
{
	struct process process = { .pid = -1, .pidfd = -1, .fds = { -1, -1, -1, -1 } };
	int r = child_start(&process, child);

	child->exit_status = -1;
	child->signal = 0;
	child->cpu_seconds = 0;
	if (r == 0)
		r = child_serve(&process, child);
	child_end(&process, child);
	return r;
}
