/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function that runs in a forked child process.
 *
 * Use a child for code that can crash the process or corrupt its state. The parent collects the
 * output of the child through pipes and enforces limits on time and size.
 */
#ifndef DYNMON_BASE_CHILD_H
#define DYNMON_BASE_CHILD_H

#include "base/text.h"

#define CHILD_WORDS_MAX (16 * 1024 * 1024) /* bytes of output on the descriptor */
#define CHILD_SAID_MAX	(64 * 1024)	   /* bytes of stdout and stderr together */

/*
 * Runs in the child and writes its result to fd. Only fd, stdin, stdout and stderr are open, except
 * on kernels without close_range(), where the child keeps all inherited descriptors.
 */
typedef void child_fn(void *data, int fd);

/**
 * child_gather() - run a function in a forked child and collect its output
 * @run:      function to run; its return ends the child
 * @data:     argument of @run
 * @seconds:  time limit; the child is killed when it expires
 * @words:    receives the bytes that @run writes to its descriptor; previous contents are discarded
 * @said:     receives stdout and stderr of the child; previous contents are discarded
 *
 * The child contains only the calling thread. The kernel kills the child when the calling thread
 * exits. Blocks until the child has closed its pipes. Safe from any thread, also if SIGCHLD is
 * ignored or another component reaps children.
 *
 * The exit status of the child is not reported: @run has to write its result.
 *
 * Return: 0, -ETIMEDOUT after @seconds, -EFBIG if the output exceeds CHILD_WORDS_MAX or
 * CHILD_SAID_MAX, another -errno if the child cannot be started or read.
 */
int child_gather(child_fn *run, void *data, int seconds, struct text *words, struct text *said);

#endif
