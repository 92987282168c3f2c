/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl top: the series live, in a terminal. */
#ifndef DYNMON_CTL_TOP_H
#define DYNMON_CTL_TOP_H

#include "base/error.h"

struct top {
	const char *socket_file;
	const char *monitor;   /* NULL: all */
	unsigned int interval; /* seconds, 1 to BOARD_SECONDS */
};

/*
 * Until somebody quits. -ENOTTY: there is no terminal; -EOPNOTSUPP: built without ncurses; else the
 * first read's error. Later ones are shown, and reading is tried again.
 */
int top_run(const struct top *top, struct error *err);

#endif
