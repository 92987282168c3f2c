/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Child processes, connected by pipes and restricted by limits.
 *
 * A child runs a program, or a function that could crash the process or corrupt its state. The
 * parent feeds and collects through pipes until the child has ended. A child has its own session
 * and none of the parent's descriptors except stdin, stdout and stderr. The kernel kills a child
 * when the calling thread exits, and prefers children when memory runs out. All functions are safe
 * from any thread, also if SIGCHLD is ignored or another component reaps children. SIGPIPE must be
 * ignored if a pipe is fed.
 */
#ifndef DYNMON_BASE_CHILD_H
#define DYNMON_BASE_CHILD_H

#include "base/text.h"

#include <poll.h>
#include <sys/resource.h>

#define CHILD_FDS	 4 /* a child has the descriptors 0 to 3 */
#define CHILD_CANCEL_MAX 2

/*
 * A pipe to or from a descriptor of the child; zeroed for none. Without a pipe the child inherits
 * the descriptors 0 to 2, and 3 is closed.
 */
struct child_pipe {
	const struct text *feed; /* written to the child, which need not read all of it */
	struct text *collect;	 /* what the child writes is appended */
	size_t max;		 /* maximum bytes to collect */
	bool truncate;		 /* drop the bytes beyond max instead of killing the child */
};

struct resource_limit {
	int resource; /* as of setrlimit() */
	rlim_t soft, hard;
};

struct child {
	const char *const *argv; /* program to run, ends with NULL; argv[0] is a path */
	void (*run)(void *data); /* without argv: function to run; its return ends the child */
	void *data;
	struct child_pipe pipes[CHILD_FDS];
	const struct resource_limit *limits; /* of a program */
	size_t n_limits;
	int64_t deadline;      /* in ms of clock_now_ms(); the child is killed then */
	struct pollfd *cancel; /* the child is killed if one of these has events */
	size_t n_cancel;       /* at most CHILD_CANCEL_MAX */
	/* Results. Unknown, -1 and 0, if SIGCHLD is ignored or another component reaped the child.
	 */
	int exit_status; /* -1: the child was killed */
	int signal;	 /* that killed the child */
	long cpu_seconds;
};

/**
 * child_run() - run a child process to its end
 * @child:  description of the child; receives the results
 *
 * Blocks until the child has closed its pipes and exited. On failure the child and its process
 * group are killed. A program gets a minimal environment, default signal handling and its limits. A
 * function runs in a copy of the calling thread alone: locks that other threads held stay locked.
 *
 * Return: 0, the error of execve() or of the preparation, -ETIMEDOUT after the deadline, -EFBIG if
 * a pipe exceeded its maximum, -ECANCELED with the events in @child->cancel, another -errno.
 */
int child_run(struct child *child);

/**
 * resource_limits_set() - lower the resource limits of this process
 * @limits:  the limits; a hard limit that is already lower stays
 * @n:       number of limits
 *
 * Return: 0 or -errno. Safe between fork() and exec().
 */
int resource_limits_set(const struct resource_limit *limits, size_t n);

/*
 * Makes this process and its children the first victims of the out-of-memory killer. Errors are
 * ignored, for example a missing /proc. Safe between fork() and exec().
 */
void oom_score_raise(void);

#endif
