/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces top.c in builds without ncurses. */
#include "ctl/top.h"

#include <errno.h>

int top_run(const struct top *top, struct error *err)
{
	(void)top;
	return error_set(err, -EOPNOTSUPP,
			 "top: this dynmonctl was built without ncursesw; watch prints lines");
}
