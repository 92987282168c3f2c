/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/request_line.h"
#include "serve/verb.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NAMES_MAX 2

/* The commands of polycubectl in Dynmon's manual. % is a name; both sides have the same order. */
static const struct polycube_command {
	const char *words;
	const char *line;
} polycube_commands[] = {
	{ "dynmon show", "LIST" },
	{ "dynmon add %", "ADD %" },
	{ "dynmon del %", "DEL %" },
	{ "dynmon % show", "SHOW %" },
	{ "% show", "SHOW %" },
	{ "% metrics show", "METRICS %" },
	{ "% metrics ingress-metrics show", "METRICS % direction=ingress" },
	{ "% metrics egress-metrics show", "METRICS % direction=egress" },
	{ "% metrics ingress-metrics % show", "METRICS % direction=ingress name=%" },
	{ "% metrics egress-metrics % show", "METRICS % direction=egress name=%" },
	{ "% open-metrics show", "OPENMETRICS %" },
	{ "dynmon % metrics show", "METRICS %" },
	{ "dynmon % metrics ingress-metrics show", "METRICS % direction=ingress" },
	{ "dynmon % metrics egress-metrics show", "METRICS % direction=egress" },
	{ "dynmon % metrics ingress-metrics % show", "METRICS % direction=ingress name=%" },
	{ "dynmon % metrics egress-metrics % show", "METRICS % direction=egress name=%" },
	{ "dynmon % open-metrics show", "OPENMETRICS %" },
};

/* Returns the next word of a pattern; NULL at the end. */
static const char *next_pattern_word(const char **pattern, size_t *len)
{
	const char *word = *pattern + strspn(*pattern, " ");

	*len = strcspn(word, " ");
	*pattern = word + *len;
	return *len ? word : NULL;
}

static bool words_match(const char *pattern, char *const *words, size_t n,
			const char *names[NAMES_MAX])
{
	const char *word;
	size_t len, at = 0;

	for (; (word = next_pattern_word(&pattern, &len)); at++) {
		if (at == n)
			return false;
		if (*word == '%')
			*names++ = words[at];
		else if (strlen(words[at]) != len || strncmp(words[at], word, len) != 0)
			return false;
	}
	return at == n;
}

int request_line_build(char *const *words, size_t n, struct text *line, struct error *err)
{
	const char *names[NAMES_MAX], **name = names, *pattern = NULL, *word;
	const struct verb *verb = verb_find(words[0]);
	size_t len;

	if (verb) {
		text_adds(line, verb->name);
		for (size_t i = 1; i < n; i++)
			command_quote(line, words[i]);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(polycube_commands) && !pattern; i++)
		if (words_match(polycube_commands[i].words, words, n, names))
			pattern = polycube_commands[i].line;
	if (!pattern)
		return error_set(err, -EINVAL, "unknown command \"%.60s\"; see dynmonctl help",
				 words[0]);
	while ((word = next_pattern_word(&pattern, &len))) {
		_cleanup_text_ struct text full = {};

		for (size_t i = 0; i < len; i++)
			if (word[i] == '%')
				text_adds(&full, *name++);
			else
				text_addc(&full, word[i]);
		command_quote(line, text_str(&full));
	}
	return 0;
}
