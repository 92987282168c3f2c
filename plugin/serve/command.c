/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/command.h"

#include <errno.h>
#include <string.h>

static bool command_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Unquotes the word at *at in place, terminates it, and moves *at to the text after it. */
static int parse_word(char **at, struct error *err)
{
	char *from = *at, *to = *at;

	while (*from && !command_is_blank(*from) && *from != '"')
		*to++ = *from++;
	if (*from == '"') {
		/* The word is quoted in messages, so that nothing is written before the end. */
		char *end = from + 1;

		while (*end && *end != '"')
			end += *end == '\\' && end[1] ? 2 : 1;
		if (!*end)
			return error_set(err, -EINVAL, "a closing quote is missing: %.60s", *at);
		if (end[1] && !command_is_blank(end[1]))
			return error_set(err, -EINVAL, "expected a blank after the quote: %.60s",
					 *at);
		while (++from < end) {
			if (*from == '\\')
				from++;
			*to++ = *from;
		}
		from = end + 1;
	}
	*at = from + (*from != '\0');
	*to = '\0';
	return 0;
}

int command_parse(struct command *command, const char *line, size_t len, struct error *err)
{
	char *at;
	int r = 0;

	*command = (struct command){ .buffer = strndup(line, len) };
	if (!command->buffer)
		return error_oom(err);
	if (strlen(command->buffer) != len)
		r = error_set(err, -EINVAL, "the line contains a NUL");
	for (at = command->buffer; r == 0;) {
		while (command_is_blank(*at))
			at++;
		if (!*at)
			break;
		if (command->n == COMMAND_WORDS_MAX) {
			r = error_set(err, -EINVAL, "the line has more than %d words",
				      COMMAND_WORDS_MAX);
			break;
		}
		command->words[command->n++] = at;
		r = parse_word(&at, err);
	}
	if (r < 0)
		command_release(command);
	return r;
}

void command_release(struct command *command)
{
	free(command->buffer);
	*command = (struct command){};
}

void command_quote(struct text *line, const char *word)
{
	if (line->len)
		text_addc(line, ' ');
	if (*word && !strpbrk(word, " \t\r\"\\")) {
		text_adds(line, word);
		return;
	}
	text_addc(line, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			text_addc(line, '\\');
		text_addc(line, *word);
	}
	text_addc(line, '"');
}

const char *command_option(const struct command *command, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = command->n; i-- > 1;)
		if (!strncmp(command->words[i], name, len) && command->words[i][len] == '=')
			return command->words[i] + len + 1;
	return NULL;
}
