/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the words of a command line to a line of the control protocol. */
#ifndef DYNMON_CTL_PHRASE_H
#define DYNMON_CTL_PHRASE_H

#include "base/error.h"
#include "base/text.h"

/*
 * Takes a verb with its words ("list", "show edge"), or the word order of Polycube's CLI
 * ("dynmon add edge", "edge metrics show"), and appends the protocol's line.
 * -EINVAL: neither.
 */
int phrase_translate(char *const *words, size_t n, struct text *line, struct error *err);

#endif
