/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl watch: print the series of a metric periodically, one per line. */
#ifndef DYNMON_CTL_WATCH_H
#define DYNMON_CTL_WATCH_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct watch_options {
	const char *socket_file;
	const char *metric;  /* name from the document or from OpenMetrics; * and ? are wildcards */
	const char *monitor; /* NULL: all monitors */
	unsigned int interval; /* seconds, 1 to BOARD_SECONDS */
	uint64_t count;	       /* number of reads; 0: no limit */
	bool json;
};

/**
 * watch_metric() - print the series of a metric until all reads are done
 *
 * Prints time, series, value and rate, separated by tabs. With json, prints an object per line.
 * Ends early when the reader of stdout is gone.
 *
 * Return: 0; -ENOENT if the metric does not exist, with the existing metrics in @err; other -errno.
 */
int watch_metric(const struct watch_options *options, struct error *err);

#endif
