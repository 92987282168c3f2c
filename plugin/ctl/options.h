/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line says beside words. */
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
	const char *wait;      /* inject: seconds; NULL: not said */
	unsigned int cube_id;
	unsigned int interval; /* top, watch: seconds */
	unsigned int count;    /* watch: reads; 0: for ever */
	struct compiler compiler;
	bool json;
	bool verbose;
};

/* These print to stderr, and return the exit status. */
int usage(const char *words);
int report(const struct error *err);

#endif
