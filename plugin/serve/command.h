/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the control protocol as words: collectd's own syntax (collectd-unixsock(5)). Words are
 * separated by blanks; what is in double quotes, to the end of the word, may contain blanks, and \"
 * and \\: "a b", name="a b".
 */
#ifndef DYNMON_SERVE_COMMAND_H
#define DYNMON_SERVE_COMMAND_H

#include "base/error.h"
#include "base/text.h"

#define COMMAND_LINE_MAX  4096 /* bytes, without the newline */
#define COMMAND_WORDS_MAX 32

struct command {
	char *words[COMMAND_WORDS_MAX];
	size_t n;
	char *buffer; /* what the words point into */
};

/*
 * Splits a line of len bytes; an empty one has no words. -EINVAL for an open quote, a NUL or too
 * many words. After success: command_release().
 */
int command_parse(struct command *command, const char *line, size_t len, struct error *err);
void command_release(struct command *command);

/* Appends a word so that command_parse() gives it back, with a blank before it if needed. */
void command_quote(struct text *line, const char *word);

/* The value of the last "name=value" word, NULL if there is none. */
const char *command_option(const struct command *command, const char *name);

#endif
