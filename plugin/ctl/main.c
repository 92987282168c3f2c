/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl: the command line of the plugin. See dynmonctl(1). */
#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/inject.h"
#include "ctl/phrase.h"
#include "kernel/hook.h"
#include "serve/verb.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define COLUMNS 5

#define INJECT_USAGE "inject MONITOR [INTERFACE] [direction=both|ingress|egress] FILE"

struct options {
	const char *socket_file;
	const char *hook;
	struct compiler compiler;
	bool json;
};

/* A verb as the command line writes it. */
static void print_verb(const struct verb *verb, FILE *to)
{
	fputs("  ", to);
	for (const char *c = verb->name; *c; c++)
		fputc(tolower((unsigned char)*c), to);
	fprintf(to, "%s%s\n      %s\n", *verb->arguments ? " " : "", verb->arguments, verb->help);
}

static void print_help(FILE *to)
{
	fputs("dynmonctl [-s SOCKET] COMMAND ...\n"
	      "  -s, --socket=FILE      the plugin's control socket (" DYNMON_SOCKET ")\n"
	      "  -j, --json             JSON instead of a table\n"
	      "  -k, --hook=HOOK        check: for which hook (auto, tcx, tc, xdp, xdp-generic)\n"
	      "      --compiler=FILE    check: another dynmon-cc\n"
	      "      --include=DIR      check: other headers for dataplanes\n"
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "Without a running plugin:\n"
	      "  check FILE\n"
	      "      compile a document and have the kernel verify it; attach nothing\n"
	      "\n"
	      "Of the plugin:\n"
	      "  " INJECT_USAGE "\n"
	      "      replace a monitor's dataplane by a document; make and attach it if need be\n",
	      to);
	for (const struct verb *verb = verbs; verb->name; verb++)
		print_verb(verb, to);
	fputs("\nPolycube's word order works, too: dynmon add M, M metrics show, "
	      "M open-metrics show, dynmon del M.\n",
	      to);
}

static int run_help(char **words, size_t n)
{
	const struct verb *verb = n ? verb_find(words[0]) : NULL;

	if (!n) {
		print_help(stdout);
		return 0;
	}
	if (!verb) {
		fprintf(stderr, "dynmonctl: unknown command \"%s\"\n", words[0]);
		return EXIT_USAGE;
	}
	print_verb(verb, stdout);
	return 0;
}

static int report(const struct error *err)
{
	fprintf(stderr, "dynmonctl: %s\n", error_message(err));
	return EXIT_FAILED;
}

/* Looks for the line "# EOF", of which a part may come at a time. */
struct eof {
	size_t matched; /* bytes of it that the line has so far; more than all: another line */
	bool seen;
};

static void take_to_stdout(void *data, const char *part, size_t len)
{
	static const char mark[] = "# EOF\n";
	struct eof *eof = data;

	for (size_t i = 0; i < len; i++) {
		bool same = eof->matched < sizeof(mark) - 1 && part[i] == mark[eof->matched];

		eof->matched = same ? eof->matched + 1 : sizeof(mark);
		eof->seen = eof->matched == sizeof(mark) - 1;
		if (part[i] == '\n')
			eof->matched = 0;
	}
	fwrite(part, 1, len, stdout);
}

static void take_to_text(void *data, const char *part, size_t len)
{
	text_add(data, part, len);
}

/* Splits a LIST line at its tabs, in place. */
static void split_columns(char *line, const char *columns[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		columns[i] = line ? strsep(&line, "\t\n") : "";
		if (!columns[i])
			columns[i] = "";
	}
}

static const char *const list_columns[COLUMNS] = { "name", "state", "hook", "interfaces",
						   "dataplane" };

static void print_list_json(char *lines, size_t n)
{
	_cleanup_text_ struct text out = {};

	for (size_t row = 0; row < n; row++) {
		const char *columns[COLUMNS];

		split_columns(strsep(&lines, "\n"), columns);
		text_adds(&out, row ? ",{" : "[{");
		for (size_t i = 0; i < COLUMNS; i++) {
			text_printf(&out, "%s\"%s\":", i ? "," : "", list_columns[i]);
			text_json(&out, columns[i], strlen(columns[i]));
		}
		text_addc(&out, '}');
	}
	text_adds(&out, n ? "]" : "[]");
	puts(text_str(&out));
}

static void print_list_table(char *lines, size_t n)
{
	size_t width[COLUMNS] = {};
	_cleanup_free_ char *copy = strdup(lines);
	char *at = copy;

	if (!copy)
		return;
	for (size_t i = 0; i < COLUMNS; i++)
		width[i] = strlen(list_columns[i]);
	for (size_t row = 0; row < n; row++) {
		const char *columns[COLUMNS];

		split_columns(strsep(&at, "\n"), columns);
		for (size_t i = 0; i < COLUMNS; i++)
			if (strlen(columns[i]) > width[i])
				width[i] = strlen(columns[i]);
	}
	for (size_t row = 0; row <= n; row++) {
		const char *columns[COLUMNS];

		if (row)
			split_columns(strsep(&lines, "\n"), columns);
		else
			memcpy(columns, list_columns, sizeof(columns));
		for (size_t i = 0; i + 1 < COLUMNS; i++)
			printf("%-*s  ", (int)width[i], columns[i]);
		puts(columns[COLUMNS - 1]);
	}
}

static int print_list(struct client *client, int64_t n, bool json, struct error *err)
{
	_cleanup_text_ struct text lines = {};
	char *all;

	for (int64_t i = 0; i < n; i++)
		if (client_read_line(client, take_to_text, &lines, err) < 0)
			return report(err);
	all = (char *)text_str(&lines);
	if (json)
		print_list_json(all, (size_t)n);
	else if (n)
		print_list_table(all, (size_t)n);
	else
		puts("no monitors");
	return 0;
}

static int ask(const struct options *options, const char *line, const struct text *payload)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text status = {};
	_cleanup_(client_close) struct client client = { .fd = -1 };
	struct eof eof = {};
	bool until_eof;
	int64_t n;

	if (client_open(&client, options->socket_file, &err) < 0)
		return report(&err);
	n = client_request(&client, line, payload, &status, &err);
	if (n < 0)
		return report(&err);
	if (!strncmp(line, "LIST", 4))
		return print_list(&client, n, options->json, &err);
	until_eof = !strcmp(text_str(&status), ANSWER_UNTIL_EOF);
	for (int64_t i = 0; until_eof ? !eof.seen : i < n; i++)
		if (client_read_line(&client, take_to_stdout, &eof, &err) < 0)
			return report(&err);
	/* Warnings come as lines; that it was done is in the status. */
	if (!until_eof && (n == 0 || !strncmp(line, "INJECT", 6)))
		puts(text_str(&status));
	return 0;
}

static int run_inject(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {}, document = {};
	bool interface = false, remote = false;

	/* A file below the plugin's DataplaneDir is read by the plugin itself. */
	for (size_t i = 1; i < n; i++)
		remote = remote || !strncmp(words[i], "file=", 5);
	if (n < 2) {
		fputs("dynmonctl: usage: " INJECT_USAGE "\n", stderr);
		return EXIT_USAGE;
	}
	command_quote(&line, "INJECT");
	command_quote(&line, words[0]);
	for (size_t i = 1; i < n - !remote; i++) {
		_cleanup_text_ struct text word = {};

		if (!strchr(words[i], '=')) {
			if (interface) {
				fputs("dynmonctl: usage: " INJECT_USAGE "\n", stderr);
				return EXIT_USAGE;
			}
			interface = true;
			text_adds(&word, "interface=");
		}
		text_adds(&word, words[i]);
		command_quote(&line, text_str(&word));
	}
	if (remote)
		return ask(options, text_str(&line), NULL);
	if (inject_read(words[n - 1], &document, &err) < 0)
		return report(&err);
	if (!document.len) {
		error_set(&err, -EINVAL, "%s: the file is empty", words[n - 1]);
		return report(&err);
	}
	text_printf(&line, " bytes=%zu", document.len);
	return ask(options, text_str(&line), &document);
}

static int run_check(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};

	if (n != 1) {
		fputs("dynmonctl: usage: check FILE\n", stderr);
		return EXIT_USAGE;
	}
	if (!hook_find(options->hook)) {
		fprintf(stderr, "dynmonctl: --hook: expected one of %s, found \"%s\"\n",
			hook_names(), options->hook);
		return EXIT_USAGE;
	}
	if (check_file(words[0], options->hook, &options->compiler, &err) < 0)
		return report(&err);
	return 0;
}

static int run(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {};

	if (!strcmp(words[0], "help"))
		return run_help(words + 1, n - 1);
	if (!strcmp(words[0], "check"))
		return run_check(options, words + 1, n - 1);
	if (!strcmp(words[0], "inject"))
		return run_inject(options, words + 1, n - 1);
	if (phrase_translate(words, n, &line, &err) < 0) {
		report(&err);
		return EXIT_USAGE;
	}
	return ask(options, text_str(&line), NULL);
}

int main(int argc, char **argv)
{
	enum { OPTION_COMPILER = 256, OPTION_INCLUDE };
	static const struct option long_options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "hook", required_argument, NULL, 'k' },
		{ "compiler", required_argument, NULL, OPTION_COMPILER },
		{ "include", required_argument, NULL, OPTION_INCLUDE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	struct options options = { .socket_file = DYNMON_SOCKET, .hook = "auto" };
	int option, r;

	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "s:jk:hV", long_options, NULL)) >= 0)
		switch (option) {
		case 's':
			options.socket_file = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'k':
			options.hook = optarg;
			break;
		case OPTION_COMPILER:
			options.compiler.program = optarg;
			break;
		case OPTION_INCLUDE:
			options.compiler.include_dir = optarg;
			break;
		case 'h':
			print_help(stdout);
			return 0;
		case 'V':
			puts("dynmonctl " DYNMON_VERSION);
			return 0;
		default:
			return EXIT_USAGE;
		}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	r = run(&options, argv + optind, (size_t)(argc - optind));
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "dynmonctl: writing: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return r;
}
