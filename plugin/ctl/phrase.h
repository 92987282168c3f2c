/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translates a command line to a line of the control protocol. */
#ifndef DYNMON_CTL_PHRASE_H
#define DYNMON_CTL_PHRASE_H

#include "base/error.h"
#include "base/text.h"

/**
 * phrase_translate() - translate the words of a command line
 * @words:  a verb with arguments ("list", "show edge"), or Polycube's order ("edge metrics show")
 * @n:      number of words
 * @line:   receives the line, without a newline
 *
 * Return: 0; -EINVAL for unknown words; -ENOMEM.
 */
int phrase_translate(char *const *words, size_t n, struct text *line, struct error *err);

#endif
