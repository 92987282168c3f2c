/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends lines of the control protocol and prints the answers. */
#ifndef DYNMON_CTL_ASK_H
#define DYNMON_CTL_ASK_H

#include "base/text.h"
#include "ctl/options.h"

/**
 * ask() - send a request and print its answer
 * @line:  without the newline
 *
 * Prints a table or JSON if the verb supports it, otherwise the lines as received.
 *
 * Return: the exit status.
 */
int ask(const struct options *options, const char *line);

/**
 * ask_lines() - send a request and return the lines of its answer
 * @line:     without the newline; the verb must count its lines
 * @payload:  document after the line; may be NULL
 * @lines:    receives the lines
 * @status:   receives the status text
 *
 * Return: 0, or -errno with the plugin's message in @err.
 */
int ask_lines(const struct options *options, const char *line, const struct text *payload,
	      struct text *lines, struct text *status, struct error *err);

#endif
