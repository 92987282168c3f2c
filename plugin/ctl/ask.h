/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of the control protocol sent, and its answer printed. */
#ifndef DYNMON_CTL_ASK_H
#define DYNMON_CTL_ASK_H

#include "base/text.h"
#include "ctl/options.h"

/*
 * Prints the answer: as a table or JSON where the verb has one, else as it comes. Returns the exit
 * status.
 */
int ask(const struct options *options, const char *line);

/*
 * The lines of an answer, and its status; for verbs whose lines are counted. -errno, with the
 * plugin's words.
 */
int ask_lines(const struct options *options, const char *line, const struct text *payload,
	      struct text *lines, struct text *status, struct error *err);

#endif
