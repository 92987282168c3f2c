/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl test: run a dataplane over the packets of a capture, without attaching. */
#ifndef DYNMON_CTL_TEST_H
#define DYNMON_CTL_TEST_H

#include "dataplane/compiler.h"

struct test {
	const char *file;	 /* document, bundle or object */
	const char *pcap;	 /* the capture */
	const char *hook;	 /* as accepted by hook_find() */
	const char *log_level;	 /* as in compile_file() */
	bool skip[N_DIRECTIONS]; /* directions that get no packets */
	bool json;		 /* print JSON; otherwise tables for people */
	struct compiler compiler;
};

/**
 * test_run() - run the programs of a dataplane over a capture
 *
 * Loads the dataplane and runs its programs over each packet with BPF_PROG_TEST_RUN. Prints the
 * verdicts and the metrics to stdout, and warnings to stderr. Requires the capabilities to load
 * programs.
 *
 * Return: 0, or -errno with a message in @err.
 */
int test_run(const struct test *test, struct error *err);

#endif
