/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl watch: a metric's series, a line each, again and again. */
#ifndef DYNMON_CTL_WATCH_H
#define DYNMON_CTL_WATCH_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct watch_options {
	const char *socket_file;
	const char *metric;  /* a name of the document's or of OpenMetrics, * and ? stand for any */
	const char *monitor; /* NULL: all */
	unsigned int interval; /* seconds, 1 to BOARD_SECONDS */
	uint64_t count;	       /* reads; 0: for ever */
	bool json;
};

/*
 * Prints time, series, value and rate, separated by tabs, or with json an object a line. Until all
 * reads are done, or nobody reads the lines any more. -ENOENT: there is no such metric, and the
 * message names those there are.
 */
int watch_metric(const struct watch_options *options, struct error *err);

#endif
