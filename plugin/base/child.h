/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something that may end, or spoil, the process is done in a forked child, and its words are read.
 */
#ifndef DYNMON_BASE_CHILD_H
#define DYNMON_BASE_CHILD_H

#include "base/text.h"

#define CHILD_WORDS_MAX (16 * 1024 * 1024) /* bytes that run may write */
#define CHILD_SAID_MAX	(64 * 1024)	   /* and of stdout and stderr */

/* In the child, whose descriptors are fd, stdin and what said is of alone. */
typedef void child_fn(void *data, int fd);

/*
 * Runs a function in a child that has this thread alone. words: what it writes to fd; said: what
 * it writes to stdout and stderr; what was in these is gone. The child is killed when it takes
 * more than so many seconds (-ETIMEDOUT), writes more than the limits (-EFBIG), or when this
 * process dies. Safe from any thread; SIGCHLD may be ignored. Other errors: -errno.
 */
int child_gather(child_fn *run, void *data, int seconds, struct text *words, struct text *said);

#endif
