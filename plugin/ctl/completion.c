/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/completion.h"
#include "base/utf8.h"
#include "ctl/ask.h"
#include "ctl/scrape.h"
#include "kernel/hook.h"
#include "serve/verb.h"

#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <strings.h>

/* The commands of dynmonctl. Other commands are in the table of verbs. */
static const struct {
	const char *name;
	const char *arguments;
} commands[] = {
	{ "help", "[<verb>]" },
	{ "check", "<file>" },
	{ "compile", "<file>" },
	{ "test", "<file>" },
	{ "inject", "<monitor> <interface|file> <file>" },
	{ "top", "[<monitor>]" },
	{ "watch", "<metric> [<monitor>]" },
};

static const struct {
	const char *name, *letter;
	const char *values; /* NULL: no value; separated by |, or their kind in <> */
} options[] = {
	{ "--socket", "-s", "<file>" }, { "--json", "-j", NULL },
	{ "--verbose", "-v", NULL },	{ "--wait", "", "" },
	{ "--interval", "-i", "" },	{ "--count", "", "" },
	{ "--hook", "-k", "<hook>" },	{ "--log-level", "", "<loglevel>" },
	{ "--cube-id", "", "" },	{ "--compiler", "", "<file>" },
	{ "--include", "", "<file>" },	{ "--output", "-o", "<file>" },
	{ "--pcap", "", "<file>" },	{ "--direction", "", "ingress|egress" },
	{ "--help", "-h", NULL },	{ "--version", "-V", NULL },
};

struct completion {
	struct options ask;
	const char *before; /* prefix of each candidate: "hook=" */
	const char *word;   /* the incomplete word, without this prefix */
	const char *verb;   /* as written; NULL: no verb yet */
	const char *about;  /* the first word after the verb */
	struct text *out;
};

/* Names that a terminal shows with escapes are not offered. */
static bool is_plain(const char *word)
{
	size_t n = strlen(word);
	char shown[UTF8_SHOWN_SIZE];

	for (size_t i = 0, used; i < n; i += used) {
		used = utf8_show(word + i, n - i, true, shown);
		if (strncmp(shown, word + i, used) != 0)
			return false;
	}
	return true;
}

static void offer(const struct completion *completion, const char *word, size_t len,
		  const char *end)
{
	_cleanup_text_ struct text full = {};

	text_add(&full, word, len);
	text_adds(&full, end);
	if (is_plain(text_str(&full)) &&
	    !strncmp(text_str(&full), completion->word, strlen(completion->word)))
		text_printf(completion->out, "%s%s\n", completion->before, text_str(&full));
}

static void offer_word(const struct completion *completion, const char *word)
{
	offer(completion, word, strlen(word), "");
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
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		offer_word(completion, commands[i].name);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char name[32] = "";
		bool own = false;

		for (size_t i = 0; i < sizeof(name) - 1 && verb->name[i]; i++)
			name[i] = (char)tolower((unsigned char)verb->name[i]);
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			own = own || !strcmp(commands[i].name, name);
		if (!own)
			offer_word(completion, name);
	}
}

/* Offers the names of all monitors, or the interfaces of the monitor in the command. */
static void offer_from_list(const struct completion *completion, bool interfaces)
{
	_cleanup_text_ struct text lines = {}, status = {};
	_cleanup_error_ struct error err = {};
	char *rest, *line;

	if (ask_lines(&completion->ask, "LIST", NULL, &lines, &status, &err) < 0)
		return;
	rest = (char *)text_str(&lines);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *name = strsep(&line, "\t"), *cell = name;

		for (int i = 0; interfaces && cell && i < 3; i++)
			cell = strsep(&line, "\t");
		if (!interfaces)
			offer_word(completion, name);
		else if (cell && completion->about && !strcmp(name, completion->about) &&
			 strcmp(cell, "-") != 0)
			offer_list(completion, cell, ", ");
	}
}

static void offer_interfaces(const struct completion *completion)
{
	struct if_nameindex *all;

	if (!strcasecmp(completion->verb, "detach")) {
		offer_from_list(completion, true);
		return;
	}
	all = if_nameindex();
	for (size_t i = 0; all && all[i].if_index; i++)
		offer_word(completion, all[i].if_name);
	if_freenameindex(all);
}

static void ignore_sample(void *data, const struct sample *sample)
{
	(void)data;
	(void)sample;
}

static void offer_family(void *data, const char *name)
{
	offer_word(data, name);
}

static void offer_metrics(struct completion *completion)
{
	const struct reading reading = {
		.socket_file = completion->ask.socket_file,
		.take = ignore_sample,
		.family = offer_family,
		.data = completion,
	};
	_cleanup_error_ struct error err = {};

	reading_run(&reading, &err);
}

/* Offers the candidates of a kind in <>. */
static void offer_kind(struct completion *completion, const char *kind, size_t len)
{
	static const char levels[] = "off|critical|error|warn|info|debug|trace";

	if (!strncmp(kind, "monitor", len))
		offer_from_list(completion, false);
	else if (!strncmp(kind, "interface", len))
		offer_interfaces(completion);
	else if (!strncmp(kind, "verb", len))
		offer_verbs(completion);
	else if (!strncmp(kind, "metric", len))
		offer_metrics(completion);
	else if (!strncmp(kind, "hook", len))
		offer_list(completion, hook_names(), ", ");
	else if (!strncmp(kind, "loglevel", len))
		offer_list(completion, levels, "|");
	else if (!strncmp(kind, "file", len))
		text_adds(completion->out, COMPLETION_FILES "\n");
}

/* kinds: the text <interface|file> without its brackets. */
static void offer_kinds(struct completion *completion, const char *kinds, size_t len)
{
	const char *end = kinds + len;

	while (kinds < end) {
		size_t n = strcspn(kinds, "|>]");

		offer_kind(completion, kinds, n);
		kinds += n + 1;
	}
}

/* Gets a word of a verb's arguments, without its brackets. Returns false at the end. */
static bool next_argument(const char **at, const char **word, size_t *len)
{
	*word = *at + strspn(*at, " [");
	*len = strcspn(*word, " ]");
	*at = *word + *len;
	*at += **at == ']';
	return *len > 0;
}

/* Offers candidates for the nth word after a verb. */
static void offer_positional(struct completion *completion, const char *arguments, size_t n)
{
	const char *word;
	size_t len;

	while (next_argument(&arguments, &word, &len))
		if (*word == '<' && n-- == 0)
			offer_kinds(completion, word + 1, len - 2);
}

/* Offers a value from the usage. For "before:M", offers "before:" and then monitors. */
static void offer_value(const struct completion *completion, const char *value)
{
	size_t len = strlen(value), begun = len > 2 && !strcmp(value + len - 2, ":M") ? len - 1 : 0;
	struct completion monitors = *completion;
	_cleanup_text_ struct text before = {};

	if (!begun || strncmp(completion->word, value, begun) != 0) {
		offer(completion, value, begun ? begun : len, "");
		return;
	}
	text_adds(&before, completion->before);
	text_add(&before, value, begun);
	monitors.before = text_str(&before);
	monitors.word = completion->word + begun;
	offer_from_list(&monitors, false);
}

/* Offers values of a name=value word. The usage has alternatives or a placeholder. */
static void offer_values(struct completion *completion, const char *name, size_t name_len,
			 const char *values, size_t len)
{
	_cleanup_free_ char *list = strndup(values, len);
	char *rest = list, *value;

	if (memchr(values, '|', len) || !strncmp(values, "true", len)) {
		while ((value = strsep(&rest, "|")))
			offer_value(completion, value);
	} else {
		offer_kind(completion, name, name_len);
	}
}

/* Offers name=value words of a verb: the names, or the values of the name in the last word. */
static void offer_options(struct completion *completion, const char *arguments)
{
	/* dynmonctl itself adds these options. */
	static const char *const own[] = { "bytes", "phases", "wait" };
	const char *begun = strchr(completion->word, '='), *word;
	size_t len, begun_len = begun ? (size_t)(begun - completion->word) : 0;

	while (next_argument(&arguments, &word, &len)) {
		const char *equals = memchr(word, '=', len), *bar = NULL;
		size_t name_len = equals ? (size_t)(equals - word) : 0;
		bool hidden = !equals;

		for (size_t i = 0; i < ARRAY_SIZE(own); i++)
			hidden = hidden ||
				 (strlen(own[i]) == name_len && !strncmp(own[i], word, name_len));
		if (!strncmp(word, "bytes=", 6) && (bar = memchr(word, '|', len))) {
			offer(completion, bar + 1, 5, ""); /* bytes=N|file=NAME */
			continue;
		}
		if (hidden)
			continue;
		if (!begun) {
			offer(completion, word, name_len, "=");
		} else if (name_len == begun_len && !strncmp(word, completion->word, name_len)) {
			_cleanup_free_ char *before = strndup(word, name_len + 1);
			struct completion value = *completion;

			value.before = before ? before : "";
			value.word = begun + 1;
			offer_values(&value, word, name_len, equals + 1, len - name_len - 1);
		}
	}
}

/* Returns the index of the option in a word with or without a value; -1 if there is none. */
static int find_option(const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if ((strlen(options[i].name) == len && !strncmp(options[i].name, word, len)) ||
		    !strcmp(options[i].letter, word))
			return (int)i;
	return -1;
}

static void offer_option_values(struct completion *completion, int option)
{
	const char *values = options[option].values;

	if (*values == '<')
		offer_kinds(completion, values + 1, strlen(values) - 2);
	else
		offer_list(completion, values, "|");
}

static void offer_option(struct completion *completion)
{
	const char *equals = strchr(completion->word, '=');
	int option = equals ? find_option(completion->word) : -1;

	if (!equals) {
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			offer(completion, options[i].name, strlen(options[i].name),
			      options[i].values ? "=" : "");
	} else if (option >= 0 && options[option].values) {
		_cleanup_free_ char *before =
			strndup(completion->word, (size_t)(equals + 1 - completion->word));
		struct completion value = *completion;

		value.before = before ? before : "";
		value.word = equals + 1;
		offer_option_values(&value, option);
	}
}

static void offer_words(struct completion *completion, size_t n)
{
	const struct verb *verb = verb_find(completion->verb);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, completion->verb)) {
			if (!strchr(completion->word, '='))
				offer_positional(completion, commands[i].arguments, n);
			if (verb && n)
				offer_options(completion, verb->arguments);
			return;
		}
	if (!verb)
		return;
	if (!strchr(completion->word, '='))
		offer_positional(completion, verb->arguments, n);
	if (n >= verb->min)
		offer_options(completion, verb->arguments);
}

void completion_find(const char *socket_file, char *const *words, size_t n, struct text *out)
{
	struct completion completion = {
		.ask = { .socket_file = socket_file },
		.before = "",
		.word = n ? words[n - 1] : "",
		.out = out,
	};
	size_t positional = 0;
	int option = -1; /* the next word is a value of this option */

	for (size_t i = 0; i + 1 < n; i++) {
		const char *word = words[i];

		if (option >= 0) {
			if (!strcmp(options[option].name, "--socket"))
				completion.ask.socket_file = word;
			option = -1;
		} else if (*word == '-') {
			option = find_option(word);
			if (option >= 0 && (!options[option].values || strchr(word, '=')))
				option = -1;
			if (!strncmp(word, "--socket=", 9))
				completion.ask.socket_file = word + 9;
		} else if (!completion.verb) {
			completion.verb = word;
		} else if (!strchr(word, '=')) {
			if (!positional++)
				completion.about = word;
		}
	}
	if (option >= 0)
		offer_option_values(&completion, option);
	else if (*completion.word == '-')
		offer_option(&completion);
	else if (!completion.verb)
		offer_verbs(&completion);
	else
		offer_words(&completion, positional);
}
