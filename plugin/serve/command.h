/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses a line of the control protocol into words, in collectd's syntax (collectd-unixsock(5)).
 * Blanks separate words. A double-quoted string may contain blanks and the escapes \" and \\; it
 * must end the word: "a b", name="a b".
 */
#ifndef DYNMON_SERVE_COMMAND_H
#define DYNMON_SERVE_COMMAND_H

#include "base/error.h"
#include "base/text.h"

#define COMMAND_LINE_MAX  4096 /* bytes without the newline */
#define COMMAND_WORDS_MAX 32

struct command {
	char *words[COMMAND_WORDS_MAX];
	size_t n;
	char *buffer; /* memory of the words */
};

/**
 * command_parse() - split a line into words
 * @command:  receives the words, for command_release(); an empty line has none
 * @line:     @len bytes without the newline
 *
 * Return: 0; -EINVAL for an unbalanced quote, a NUL or too many words; -ENOMEM.
 */
int command_parse(struct command *command, const char *line, size_t len, struct error *err);
void command_release(struct command *command);

/*
 * Appends a word, quoted if necessary for command_parse(), and a blank before it if the line is not
 * empty.
 */
void command_quote(struct text *line, const char *word);

/* Returns the value of the last "name=value" word, or NULL. */
const char *command_option(const struct command *command, const char *name);

#endif
