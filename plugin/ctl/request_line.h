/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translates the words of a command line to a line of the control protocol. */
#ifndef DYNMON_CTL_REQUEST_LINE_H
#define DYNMON_CTL_REQUEST_LINE_H

#include "base/error.h"
#include "base/text.h"

/**
 * request_line_build() - translate the words of a command line
 * @words:  a verb with arguments ("list", "show edge"), or Polycube's order ("edge metrics show")
 * @n:      number of words
 * @line:   receives the line, without a newline
 *
 * Return: 0; -EINVAL for unknown words; -ENOMEM.
 */
int request_line_build(char *const *words, size_t n, struct text *line, struct error *err);

#endif
