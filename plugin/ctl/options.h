/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of the command line. */
#ifndef DYNMON_CTL_OPTIONS_H
#define DYNMON_CTL_OPTIONS_H

#include "dataplane/compiler.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct options {
	const char *socket_file;
	const char *hook;
	const char *log_level;
	const char *output;    /* compile */
	const char *pcap;      /* test */
	const char *direction; /* test; NULL: both */
	const char *wait;      /* inject: seconds; NULL: default */
	unsigned int cube_id;
	unsigned int interval; /* top, watch: seconds */
	unsigned int count;    /* watch: number of reads; 0: no limit */
	struct compiler compiler;
	bool json;
	bool verbose;
};

/* Print to stderr and return the exit status. */
int usage(const char *words);
int report(const struct error *err);

#endif
