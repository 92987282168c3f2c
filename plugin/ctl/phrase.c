/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/phrase.h"
#include "serve/verb.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NAMES_MAX 2

/* The commands of polycubectl in Dynmon's manual. % is a name; both sides have the same order. */
static const struct phrase {
	const char *words;
	const char *line;
} phrases[] = {
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
static const char *phrase_next_word(const char **pattern, size_t *len)
{
	const char *word = *pattern + strspn(*pattern, " ");

	*len = strcspn(word, " ");
	*pattern = word + *len;
	return *len ? word : NULL;
}

static bool matches(const struct phrase *phrase, char *const *words, size_t n,
		    const char *names[NAMES_MAX])
{
	const char *pattern = phrase->words, *word;
	size_t len, at = 0, found = 0;

	for (; (word = phrase_next_word(&pattern, &len)); at++) {
		if (at == n)
			return false;
		if (*word == '%')
			names[found++] = words[at];
		else if (strlen(words[at]) != len || strncmp(words[at], word, len) != 0)
			return false;
	}
	return at == n;
}

static void add_phrase(const struct phrase *phrase, const char *names[NAMES_MAX], struct text *line)
{
	const char *pattern = phrase->line, *word;
	size_t len, used = 0;

	while ((word = phrase_next_word(&pattern, &len))) {
		_cleanup_text_ struct text full = {};

		for (size_t i = 0; i < len; i++)
			if (word[i] == '%')
				text_adds(&full, names[used++]);
			else
				text_addc(&full, word[i]);
		command_quote(line, text_str(&full));
	}
}

static void add_upper(struct text *line, const char *verb)
{
	for (; *verb; verb++)
		text_addc(line, (char)toupper((unsigned char)*verb));
}

int phrase_translate(char *const *words, size_t n, struct text *line, struct error *err)
{
	const char *names[NAMES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (!verb_find(words[0]) && matches(&phrases[i], words, n, names)) {
			add_phrase(&phrases[i], names, line);
			return 0;
		}
	if (!verb_find(words[0]))
		return error_set(err, -EINVAL, "unknown command \"%.60s\"; see dynmonctl help",
				 words[0]);
	add_upper(line, words[0]);
	for (size_t i = 1; i < n; i++)
		command_quote(line, words[i]);
	return 0;
}
