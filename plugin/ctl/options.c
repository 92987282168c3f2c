/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/options.h"
#include "base/dialect_level.h"
#include "ctl/rates.h"
#include "kernel/hook.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define OFFLINE_COMMANDS "check, compile, test"
#define MEMBER(name)	 offsetof(struct options, name)

const struct option_row option_rows[] = {
	{ "socket", 's', "<file>", .member = MEMBER(socket_file),
	  .help = "control socket of the plugin (default " DYNMON_SOCKET ")" },
	{ "json", 'j', .member = MEMBER(json), .help = "print JSON instead of text and tables" },
	{ "verbose", 'v', .commands = "inject", .member = MEMBER(verbose),
	  .help = "print the phases, also without a terminal" },
	{ "wait", 0, "<seconds>", .commands = "inject", .member = MEMBER(wait),
	  .help = "print the phases; wait at most this long for the first packet (default 1)" },
	{ "interval", 'i', "<seconds>", .commands = "top, watch", .member = MEMBER(interval),
	  .min = 1, .max = RATES_SECONDS, .help = "time between two reads (default 1)" },
	{ "count", 0, "<reads>", .commands = "watch", .member = MEMBER(count), .min = 1,
	  .max = UINT32_MAX, .help = "exit after this number of reads" },
	{ "hook", 'k', "<hook>", .commands = OFFLINE_COMMANDS, .member = MEMBER(hook),
	  .help = "compile for this hook (default auto)" },
	{ "log-level", 0, "<level>", DIALECT_LEVEL_NAMES, OFFLINE_COMMANDS, MEMBER(log_level),
	  .help = "compile in the pcn_log() calls up to this level (default off)" },
	{ "strict", 0, .commands = "check", .member = MEMBER(strict),
	  .help = "fail if there are warnings" },
	{ "cube-id", 0, "<number>", .commands = "compile", .member = MEMBER(cube_id),
	  .max = UINT16_MAX, .help = "CUBE_ID in the source (default 0)" },
	{ "compiler", 0, "<file>", .commands = OFFLINE_COMMANDS, .member = MEMBER(compiler.program),
	  .help = "run this file instead of the installed dynmon-cc" },
	{ "include", 0, "<directory>", .commands = OFFLINE_COMMANDS,
	  .member = MEMBER(compiler.include_dir),
	  .help = "search this directory first for headers of dataplanes" },
	{ "output", 'o', "<file>", .commands = "compile, import", .member = MEMBER(output),
	  .help = "write the bundle or document to this file" },
	{ "object", 0, "<file>", .commands = "import", .member = MEMBER(object),
	  .help = "the compiled object (default NAME.bpf.o for NAME.yaml)" },
	{ "pcap", 0, "<file>", .commands = "test", .member = MEMBER(pcap),
	  .help = "read the packets from this capture, pcap or pcapng" },
	{ "direction", 0, "ingress|egress", "ingress, egress", "test", MEMBER(direction),
	  .help = "run only the program of this direction (default both)" },
	{ "help", 'h', .member = MEMBER(help), .help = "print this help" },
	{ "version", 'V', .member = MEMBER(version), .help = "print the version" },
	{},
};

const char *option_values(const struct option_row *row)
{
	return row->member == MEMBER(hook) ? hook_names() : row->values;
}

const struct option_row *option_find(const char *word)
{
	bool is_long = !strncmp(word, "--", 2);
	size_t len = is_long ? strcspn(word + 2, "=") : 0;

	if (*word != '-' || !word[1])
		return NULL;
	for (const struct option_row *row = option_rows; row->name; row++)
		if (is_long ? strlen(row->name) == len && !strncmp(row->name, word + 2, len)
			    : row->letter == word[1] && !word[2])
			return row;
	return NULL;
}

void options_print_help(FILE *to)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		char letter[] = { '-', row->letter, ',', '\0' };
		int used = fprintf(to, "  %3s --%s%s%s", row->letter ? letter : "", row->name,
				   row->value ? "=" : "", row->value ? row->value : "");

		fprintf(to, "%*s  %s%s%s\n", used < 31 ? 31 - used : 0, "",
			row->commands ? row->commands : "", row->commands ? ": " : "", row->help);
	}
}

/* Returns true if a list separated by ", " has the word, in any letter case. */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at; at += strspn(at, ", ")) {
		size_t n = strcspn(at, ",");

		if (n == len && !strncasecmp(at, word, n))
			return true;
		at += n;
	}
	return false;
}

/* Prints an error and returns false for a value that is not permitted. */
static bool option_set(const struct option_row *row, char *value, struct options *options)
{
	void *member = (char *)options + row->member;
	const char *values = option_values(row);
	char *end;

	if (!row->value) {
		*(bool *)member = true;
	} else if (row->max) {
		unsigned long n = strtoul(value, &end, 10);

		if (!isdigit((unsigned char)*value) || *end || n < row->min || n > row->max) {
			fprintf(stderr,
				"dynmonctl: --%s: expected a number from %u to %u, found \"%s\"\n",
				row->name, row->min, row->max, value);
			return false;
		}
		*(unsigned int *)member = (unsigned int)n;
	} else {
		if (values && !list_has(values, value)) {
			fprintf(stderr, "dynmonctl: --%s: expected one of %s, found \"%s\"\n",
				row->name, values, value);
			return false;
		}
		for (char *c = value; values && *c; c++)
			*c = (char)tolower((unsigned char)*c);
		*(const char **)member = value;
	}
	return true;
}

/* The value of getopt_long() for an option. */
static int option_code(const struct option_row *row)
{
	return row->letter ? row->letter : UCHAR_MAX + 1 + (int)(row - option_rows);
}

int options_parse(int argc, char **argv, struct options *options)
{
	struct option long_options[ARRAY_SIZE(option_rows)] = {};
	char letters[2 * ARRAY_SIZE(option_rows)] = "", *letter = letters;
	bool given[ARRAY_SIZE(option_rows)] = {};
	int code;

	*options = (struct options){
		.socket_file = DYNMON_SOCKET,
		.hook = "auto",
		.log_level = "off",
		.interval = 1,
	};
	for (size_t i = 0; option_rows[i].name; i++) {
		const struct option_row *row = &option_rows[i];

		long_options[i] =
			(struct option){ row->name, !!row->value, NULL, option_code(row) };
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && row->value)
			*letter++ = ':';
	}
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
		size_t i = 0;

		while (option_rows[i].name && option_code(&option_rows[i]) != code)
			i++;
		if (!option_rows[i].name || !option_set(&option_rows[i], optarg, options))
			return -1;
		given[i] = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(given) && optind < argc; i++) {
		const struct option_row *row = &option_rows[i];

		if (given[i] && row->commands && !list_has(row->commands, argv[optind])) {
			fprintf(stderr, "dynmonctl: --%s does not apply to %s, only to %s\n",
				row->name, argv[optind], row->commands);
			return -1;
		}
	}
	return optind;
}
