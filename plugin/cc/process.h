/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program run to its end, with pipes and within limits.
 *
 * It gets a bare environment, a session of its own and no other open files; it dies with its
 * parent; it can neither fork nor write files. File descriptors 0 to 2 must be open, and
 * SIGPIPE ignored, before process_run() is called.
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
	const char *input;	 /* input_len bytes for its stdin */
	size_t input_len;
	struct text *output; /* takes what it writes to stdout */
	struct text *words;  /* and to stderr; what is beyond PROCESS_WORDS_KIB is dropped */
	long deadline;	     /* process_deadline(); several runs can share one */
};

/* PROCESS_WALL_SECONDS from now. */
long process_deadline(void);

/*
 * Returns the exit status (0 to 255), -EDQUOT if it exceeded a limit or was killed from outside,
 * -EFAULT if it crashed, another -errno if it could not be run.
 */
int process_run(const struct process *process, struct error *err);

#endif
