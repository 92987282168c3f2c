/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl test: run a dataplane over the packets of a capture, attach nothing. */
#ifndef DYNMON_CTL_TEST_H
#define DYNMON_CTL_TEST_H

#include "dataplane/compiler.h"

struct test {
	const char *file;      /* a document, bundle or object */
	const char *pcap;      /* the capture */
	const char *hook;      /* as hook_find() takes it */
	const char *log_level; /* as compile_file() */
	bool skip[PATH_COUNT]; /* paths that see no packet */
	bool json;	       /* else a table for people */
	struct compiler compiler;
};

/*
 * Loads the dataplane, has the kernel run its programs over each packet (BPF_PROG_TEST_RUN), and
 * prints what they returned and the metrics to stdout; warnings to stderr. Takes the capabilities
 * to load programs.
 */
int test_run(const struct test *test, struct error *err);

#endif
