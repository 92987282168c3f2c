/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs verbs of the plugin. */
#ifndef DYNMON_CTL_REQUEST_H
#define DYNMON_CTL_REQUEST_H

#include "ctl/options.h"

/**
 * request_print() - send a request and print its answer
 * @line:  of the control protocol, without the newline
 *
 * Prints a table or JSON if the verb supports it, otherwise the lines as received.
 *
 * Return: 0, or -errno with a message in @err.
 */
int request_print(const struct options *options, const char *line, struct error *err);

#endif
