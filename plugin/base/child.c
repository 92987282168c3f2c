/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_FD 3 /* number of the output descriptor in the child */

/*
 * Prepares the child. Closes inherited descriptors, because BPF links, locks of the pin directory
 * and sockets of the parent must not stay open in a child that is stuck or outlives the parent.
 */
static int child_settle(int words_fd, int stderr_fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* the parent died before PR_SET_PDEATHSIG */
		return -ESRCH;
	oom_volunteer();
	if (dup2(stderr_fd, STDOUT_FILENO) < 0 || dup2(stderr_fd, STDERR_FILENO) < 0 ||
	    dup2(words_fd, WORDS_FD) < 0)
		return -errno;
	syscall(SYS_close_range, WORDS_FD + 1, ~0U, 0); /* ignored: kernels before 5.9 */
	return 0;
}

enum { FROM_WORDS, FROM_STDERR, FROM_COUNT };

struct child {
	pid_t pid;
	int pidfd; /* -1: the child is gone, or the kernel has no pidfds */
	int fds[FROM_COUNT];
};

/* Kills the child if it still runs, and reaps it. The pidfd cannot refer to a reused pid. */
static void child_release(struct child *child)
{
	for (int i = 0; i < FROM_COUNT; i++)
		fd_close(&child->fds[i]);
	if (child->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	fd_close(&child->pidfd);
	if (child->pid > 0) /* fails harmlessly if the kernel or the exec plugin reaped it */
		waitpid(child->pid, NULL, 0);
}

static int child_start(struct child *child, child_fn *run, void *data)
{
	_cleanup_close_ int words_fd = -1, stderr_fd = -1;
	const pid_t parent = getpid();
	int pipes[FROM_COUNT][2];

	if (pipe2(pipes[FROM_WORDS], O_CLOEXEC) < 0)
		return -errno;
	child->fds[FROM_WORDS] = pipes[FROM_WORDS][0];
	words_fd = pipes[FROM_WORDS][1];
	if (pipe2(pipes[FROM_STDERR], O_CLOEXEC) < 0)
		return -errno;
	child->fds[FROM_STDERR] = pipes[FROM_STDERR][0];
	stderr_fd = pipes[FROM_STDERR][1];
	child->pid = fork();
	if (child->pid < 0)
		return -errno;
	if (child->pid == 0) {
		if (child_settle(words_fd, stderr_fd, parent) == 0)
			run(data, WORDS_FD);
		_exit(0);
	}
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return 0;
}

/* Reads available bytes once. Closes the pipe at its end. */
static int child_drain(int *fd, struct text *to, size_t max)
{
	char *at = text_reserve(to, 16 * 1024);
	ssize_t n = at ? read(*fd, at, 16 * 1024) : -1;

	if (!at)
		return -ENOMEM;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		fd_close(fd);
	to->len += (size_t)n;
	return to->len > max ? -EFBIG : 0;
}

static int child_talk(struct child *child, int seconds, struct text *words, struct text *said)
{
	int64_t deadline = clock_now_ms() + seconds * 1000;
	int r = 0;

	while (r == 0 && (child->fds[FROM_WORDS] >= 0 || child->fds[FROM_STDERR] >= 0)) {
		struct pollfd polls[FROM_COUNT];
		int64_t left = deadline - clock_now_ms();

		for (int i = 0; i < FROM_COUNT; i++)
			polls[i] = (struct pollfd){ .fd = child->fds[i], .events = POLLIN };
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(polls, FROM_COUNT, (int)left) <= 0)
			continue;
		if (polls[FROM_WORDS].revents)
			r = child_drain(&child->fds[FROM_WORDS], words, CHILD_WORDS_MAX);
		if (r == 0 && polls[FROM_STDERR].revents)
			r = child_drain(&child->fds[FROM_STDERR], said, CHILD_SAID_MAX);
	}
	return r;
}

int child_gather(child_fn *run, void *data, int seconds, struct text *words, struct text *said)
{
	_cleanup_(child_release) struct child child = { .pidfd = -1, .fds = { -1, -1 } };
	int r = child_start(&child, run, data);

	text_clear(words);
	text_clear(said);
	return r < 0 ? r : child_talk(&child, seconds, words, said);
}
