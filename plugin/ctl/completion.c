/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/completion.h"
#include "base/utf8.h"
#include "ctl/client.h"
#include "ctl/scrape.h"
#include "ctl/subcommand.h"
#include "serve/verb.h"

#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <strings.h>

struct completion {
	const char *socket_file;
	const char *typed;    /* the incomplete word */
	const char *word;     /* its part to complete: after "hook=", for example */
	const char *verb;     /* as written; NULL: no verb yet */
	const char *argument; /* the first word after the verb; NULL: none */
};

/* Offers a word and a suffix, unless a terminal would show the word with escapes. */
static void offer(const struct completion *completion, const char *word, size_t len,
		  const char *suffix)
{
	size_t typed = strlen(completion->word);
	_cleanup_text_ struct text full = {};
	char shown[UTF8_SHOWN_SIZE];

	text_add(&full, word, len);
	text_adds(&full, suffix);
	if (strncmp(text_str(&full), completion->word, typed) != 0)
		return;
	for (size_t i = 0, used; i < full.len; i += used) {
		used = utf8_show(full.data + i, full.len - i, true, shown);
		if (strncmp(shown, full.data + i, used) != 0)
			return;
	}
	printf("%.*s%s\n", (int)(completion->word - completion->typed), completion->typed,
	       text_str(&full));
}

/* Offers the words of a list with separators. */
static void offer_list(const struct completion *completion, const char *list,
		       const char *separators)
{
	for (const char *at = list + strspn(list, separators); *at; at += strspn(at, separators)) {
		size_t len = strcspn(at, separators);

		offer(completion, at, len, "");
		at += len;
	}
}

static void offer_verbs(const struct completion *completion)
{
	for (const struct subcommand *row = subcommands; row->name; row++)
		offer(completion, row->name, strlen(row->name), "");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char name[32] = "";

		for (size_t i = 0; i < sizeof(name) - 1 && verb->name[i]; i++)
			name[i] = (char)tolower((unsigned char)verb->name[i]);
		if (!subcommand_find(name))
			offer(completion, name, strlen(name), "");
	}
}

/* Offers the names of all monitors, or the interfaces of the monitor in the command. */
static void offer_from_list(const struct completion *completion, bool interfaces)
{
	_cleanup_text_ struct text lines = {}, status = {};
	_cleanup_error_ struct error err = {};
	char *rest, *line;

	if (client_lines(completion->socket_file, "LIST", NULL, &lines, &status, &err) < 0)
		return;
	rest = (char *)text_str(&lines);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *name = strsep(&line, "\t"), *cell = name;

		for (int i = 0; interfaces && cell && i < 3; i++)
			cell = strsep(&line, "\t");
		if (!interfaces)
			offer(completion, name, strlen(name), "");
		else if (cell && completion->argument && !strcmp(name, completion->argument) &&
			 strcmp(cell, "-") != 0)
			offer_list(completion, cell, ", ");
	}
}

static void offer_interfaces(const struct completion *completion)
{
	struct if_nameindex *all;

	if (completion->verb && !strcasecmp(completion->verb, "detach")) {
		offer_from_list(completion, true);
		return;
	}
	all = if_nameindex();
	for (size_t i = 0; all && all[i].if_index; i++)
		offer(completion, all[i].if_name, strlen(all[i].if_name), "");
	if_freenameindex(all);
}

static void offer_metric(void *data, const char *name)
{
	offer(data, name, strlen(name), "");
}

/* Offers the candidates of a placeholder: the text between < and >. */
static void offer_kind(struct completion *completion, const char *kind, size_t len)
{
	const struct scrape_handler metrics = { .family = offer_metric, .data = completion };
	_cleanup_error_ struct error err = {};

	if (!strncmp(kind, "monitor", len))
		offer_from_list(completion, false);
	else if (!strncmp(kind, "interface", len))
		offer_interfaces(completion);
	else if (!strncmp(kind, "verb", len))
		offer_verbs(completion);
	else if (!strncmp(kind, "metric", len))
		scrape_run(completion->socket_file, NULL, &metrics, &err);
	else if (!strncmp(kind, "hook", len))
		offer_list(completion, option_values(option_find("--hook")), ", ");
	else if (!strncmp(kind, "loglevel", len))
		offer_list(completion, option_values(option_find("--log-level")), ", ");
	else if (!strncmp(kind, "file", len) || !strncmp(kind, "directory", len))
		puts(":files");
}

/* Gets the next word of a verb's arguments, without brackets. Returns false at the end. */
static bool next_argument(const char **at, const char **word, size_t *len, bool *optional)
{
	*word = *at + strspn(*at, " [");
	*optional = *word > *at && (*word)[-1] == '[';
	*len = strcspn(*word, " ]");
	*at = *word + *len;
	*at += **at == ']';
	return *len > 0;
}

/* Offers candidates for the word after n words of a verb. */
static void offer_positional(struct completion *completion, const char *arguments, size_t n)
{
	const char *word;
	bool optional;
	size_t len;

	while (next_argument(&arguments, &word, &len, &optional)) {
		bool literal = isalpha((unsigned char)*word) && !memchr(word, '=', len);

		if (*word != '<' && !literal)
			continue;
		if (n > 0) {
			n--;
			continue;
		}
		if (literal)
			offer(completion, word, len, "");
		else
			offer_kind(completion, word + 1, len - 2);
		if (!optional)
			return;
	}
}

/* Offers an alternative of a value. For "before:M", offers "before:" and then monitors. */
static void offer_alternative(const struct completion *completion, const char *value, size_t len)
{
	struct completion monitor = *completion;

	if (len <= 2 || strncmp(value + len - 2, ":M", 2) != 0) {
		offer(completion, value, len, "");
	} else if (strncmp(completion->word, value, len - 1) != 0) {
		offer(completion, value, len - 1, "");
	} else {
		monitor.word += len - 1;
		offer_from_list(&monitor, false);
	}
}

/* Offers the name=value words of a verb: the names, or the values of the name that is typed. */
static void offer_assignments(const struct completion *completion, const char *arguments)
{
	const char *equals = strchr(completion->word, '='), *word;
	size_t typed = equals ? (size_t)(equals + 1 - completion->word) : 0, len;
	struct completion rest = *completion;
	bool optional;

	rest.word += typed;
	while (next_argument(&arguments, &word, &len, &optional)) {
		const char *value = memchr(word, '=', len);
		size_t name = value ? (size_t)(value + 1 - word) : 0;

		if (!strncmp(word, "bytes=", 6)) {
			/* bytes=N|file=NAME: users have no bytes after the line */
			offer(completion, "file=", 5, "");
		} else if (!value || !strncmp(word, "phases=", 7) || !strncmp(word, "wait=", 5)) {
			continue; /* dynmonctl has options for these */
		} else if (!equals) {
			offer(completion, word, name, "");
		} else if (name != typed || strncmp(word, completion->word, name) != 0) {
			continue;
		} else if (!memchr(word, '|', len) && strncmp(value, "=true", 5) != 0) {
			offer_kind(&rest, word, name - 1);
		} else {
			for (value++; value < word + len; value++) {
				size_t n = strcspn(value, "| ]");

				offer_alternative(&rest, value, n);
				value += n;
			}
		}
	}
}

static void offer_option_values(struct completion *completion, const struct option_row *row)
{
	const char *values = option_values(row);

	if (values)
		offer_list(completion, values, ", ");
	else if (*row->value == '<')
		offer_kind(completion, row->value + 1, strlen(row->value) - 2);
}

static void offer_options(const struct completion *completion)
{
	const char *equals = strchr(completion->word, '=');
	const struct option_row *option = equals ? option_find(completion->word) : NULL;
	struct completion value = *completion;

	for (const struct option_row *row = option_rows; row->name && !equals; row++) {
		_cleanup_text_ struct text name = {};

		text_printf(&name, "--%s", row->name);
		offer(completion, text_str(&name), name.len, row->value ? "=" : "");
	}
	if (option && option->value) {
		value.word = equals + 1;
		offer_option_values(&value, option);
	}
}

void completion_print(const char *socket_file, char *const *words, size_t n)
{
	const char *typed = n ? words[n - 1] : "";
	struct completion completion = { socket_file, typed, typed, NULL, NULL };
	const struct option_row *option = NULL; /* the next word is a value of this option */
	const struct subcommand *subcommand;
	const struct verb *verb;
	size_t positional = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		const char *word = words[i], *equals = strchr(word, '=');

		if (option) {
			if (!strcmp(option->name, "socket"))
				completion.socket_file = word;
			option = NULL;
		} else if (*word == '-') {
			option = option_find(word);
			if (option && equals && !strcmp(option->name, "socket"))
				completion.socket_file = equals + 1;
			if (option && (equals || !option->value))
				option = NULL;
		} else if (!completion.verb) {
			completion.verb = word;
		} else if (!equals && !positional++) {
			completion.argument = word;
		}
	}
	if (option) {
		offer_option_values(&completion, option);
		return;
	}
	if (*typed == '-') {
		offer_options(&completion);
		return;
	}
	if (!completion.verb) {
		offer_verbs(&completion);
		return;
	}
	subcommand = subcommand_find(completion.verb);
	verb = verb_find(completion.verb);
	if ((subcommand || verb) && !strchr(typed, '='))
		offer_positional(&completion, subcommand ? subcommand->arguments : verb->arguments,
				 positional);
	if (verb && positional >= verb->min)
		offer_assignments(&completion, verb->arguments);
}
