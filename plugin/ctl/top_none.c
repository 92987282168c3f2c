/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces top.c in builds without ncurses. */
#include "ctl/subcommand.h"

#include <errno.h>

int ctl_top(const struct options *options, char **words, size_t n, struct error *err)
{
	(void)options;
	(void)words;
	(void)n;
	return error_set(
		err, -EOPNOTSUPP,
		"top: this dynmonctl was built without ncursesw; use watch to print lines");
}
