/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that runs to its end, connected by pipes and restricted by limits.
 *
 * The program gets a minimal environment, its own session and no open files except the pipes. The
 * kernel kills the program when the calling process dies. Resource limits keep it from forking and
 * from writing files. Before process_run(), descriptors 0 to 2 must be open and SIGPIPE must be
 * ignored.
 */
#ifndef DYNMON_CC_PROCESS_H
#define DYNMON_CC_PROCESS_H

#include "base/error.h"
#include "base/text.h"

#define PROCESS_WALL_SECONDS 20
#define PROCESS_CPU_SECONDS  10
#define PROCESS_MEMORY_MIB   2048
#define PROCESS_OUTPUT_MIB   16
#define PROCESS_WORDS_KIB    257

struct process {
	const char *const *argv; /* argv[0] is a path; ends with NULL */
	const char *input;	 /* input_len bytes for stdin of the program */
	size_t input_len;
	struct text *output; /* receives stdout; more than PROCESS_OUTPUT_MIB is an error */
	struct text *words;  /* receives stderr; output beyond PROCESS_WORDS_KIB is dropped */
	long deadline;	     /* from process_deadline(); several runs can share a deadline */
};

/* Returns the time PROCESS_WALL_SECONDS from now, in milliseconds of the monotonic clock. */
long process_deadline(void);

/**
 * process_run() - run a program and collect its output
 * @process:  program, pipes and deadline; output is appended
 * @err:      receives the reason for a failure
 *
 * Blocks until the program has ended. The program is always reaped.
 *
 * Return: the exit status (0 to 255), -EDQUOT if the program exceeded a limit or was killed by
 * SIGKILL, -EFAULT if it crashed, another -errno if it could not be run.
 */
int process_run(const struct process *process, struct error *err);

#endif
