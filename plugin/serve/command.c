/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/command.h"

#include <errno.h>
#include <string.h>

static bool command_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Unquotes the word at *from into *to and advances both. A NUL ends the line. */
static int take_word(const char **from, char **to, struct error *err)
{
	const char *at = *from;
	char *out = *to;

	while (*at && !command_is_blank(*at) && *at != '"')
		*out++ = *at++;
	if (*at == '"') {
		for (at++; *at && *at != '"'; at++) {
			if (*at == '\\' && at[1])
				at++;
			*out++ = *at;
		}
		if (*at != '"')
			return error_set(err, -EINVAL, "a quote is not closed: %.60s", *from);
		at++;
		if (*at && !command_is_blank(*at))
			return error_set(err, -EINVAL, "expected a blank after the quote: %.60s",
					 *from);
	}
	*out++ = '\0';
	*from = at;
	*to = out;
	return 0;
}

int command_parse(struct command *command, const char *line, size_t len, struct error *err)
{
	_cleanup_free_ char *copy = strndup(line, len);
	const char *from = copy;
	char *to;
	int r = 0;

	*command = (struct command){ .buffer = malloc(len + 1) };
	if (!copy || !command->buffer) {
		r = error_oom(err);
	} else if (strlen(copy) != len) {
		r = error_set(err, -EINVAL, "the line contains a NUL");
	}
	for (to = command->buffer; r == 0;) {
		while (command_is_blank(*from))
			from++;
		if (!*from)
			break;
		if (command->n == COMMAND_WORDS_MAX) {
			r = error_set(err, -EINVAL, "more than %d words", COMMAND_WORDS_MAX);
			break;
		}
		command->words[command->n++] = to;
		r = take_word(&from, &to, err);
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
