/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl top: a live view of the series in a terminal. */
#ifndef DYNMON_CTL_TOP_H
#define DYNMON_CTL_TOP_H

#include "base/error.h"

struct top {
	const char *socket_file;
	const char *monitor;   /* NULL: all monitors */
	unsigned int interval; /* seconds, 1 to BOARD_SECONDS */
};

/**
 * top_run() - show the series until the user quits
 *
 * A failure of a later read is displayed, and reading is retried.
 *
 * Return: 0; -ENOTTY without a terminal; -EOPNOTSUPP if built without ncurses; otherwise the error
 * of the first read.
 */
int top_run(const struct top *top, struct error *err);

#endif
