/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl: the command line of the plugin. See dynmonctl(1). */
#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/compile.h"
#include "ctl/inject.h"
#include "ctl/phrase.h"
#include "ctl/test.h"
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

#define LOG_LEVELS    "off critical error warn info debug trace"
#define CHECK_USAGE   "check FILE"
#define COMPILE_USAGE "compile FILE -o BUNDLE"
#define TEST_USAGE    "test FILE --pcap=CAPTURE [--direction=ingress|egress]"
#define INJECT_USAGE                                                                               \
	"inject MONITOR [INTERFACE] [direction=both|ingress|egress] [keep-maps=true] FILE"

struct options {
	const char *socket_file;
	const char *hook;
	const char *log_level;
	const char *output;    /* compile */
	const char *pcap;      /* test */
	const char *direction; /* test; NULL: both */
	unsigned int cube_id;
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
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "Without a running plugin:\n"
	      "  " CHECK_USAGE "\n"
	      "      compile a document and have the kernel verify it; attach nothing\n"
	      "  " COMPILE_USAGE "\n"
	      "      compile a document to a bundle, for hosts without a compiler\n"
	      "  " TEST_USAGE "\n"
	      "      run a dataplane over the packets of a capture; attach nothing\n"
	      "  -k, --hook=HOOK        for which hook (auto, tcx, tc, xdp, xdp-generic)\n"
	      "      --log-level=LEVEL  which pcn_log() is compiled in (" LOG_LEVELS ")\n"
	      "      --cube-id=N        compile: CUBE_ID in the source (0)\n"
	      "      --compiler=FILE    another dynmon-cc\n"
	      "      --include=DIR      other headers for dataplanes\n"
	      "\n"
	      "Of the plugin:\n"
	      "  " INJECT_USAGE "\n"
	      "      replace a monitor's dataplane by a document or bundle; make and attach it if "
	      "need be\n",
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

static int usage(const char *words)
{
	fprintf(stderr, "dynmonctl: usage: %s\n", words);
	return EXIT_USAGE;
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

	for (size_t i = 0; i < len && eof->matched < sizeof(mark); i++) {
		bool same = eof->matched < sizeof(mark) - 1 && part[i] == mark[eof->matched];

		eof->matched = same ? eof->matched + 1 : sizeof(mark);
	}
	eof->seen = eof->matched == sizeof(mark) - 1;
	if (part[len - 1] == '\n')
		eof->matched = 0;
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
	if (n < 2)
		return usage(INJECT_USAGE);
	command_quote(&line, "INJECT");
	command_quote(&line, words[0]);
	for (size_t i = 1; i < n - !remote; i++) {
		_cleanup_text_ struct text word = {};

		if (!strchr(words[i], '=')) {
			if (interface)
				return usage(INJECT_USAGE);
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

/* Whether the word is one of those, which are separated by blanks. */
static bool is_one_of(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *at = words; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == len && !strncmp(at, word, n))
			return true;
		at += n;
	}
	return false;
}

/* Options of the offline verbs that only these can judge. */
static bool options_right(const struct options *options)
{
	if (!hook_find(options->hook)) {
		fprintf(stderr, "dynmonctl: --hook: expected one of %s, found \"%s\"\n",
			hook_names(), options->hook);
		return false;
	}
	if (!is_one_of(options->log_level, LOG_LEVELS)) {
		fprintf(stderr, "dynmonctl: --log-level: expected one of %s, found \"%s\"\n",
			LOG_LEVELS, options->log_level);
		return false;
	}
	if (options->direction && path_from_name(options->direction) < 0) {
		fprintf(stderr,
			"dynmonctl: --direction: expected ingress or egress, found "
			"\"%s\"\n",
			options->direction);
		return false;
	}
	return true;
}

static int run_check(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};

	if (n != 1)
		return usage(CHECK_USAGE);
	if (!options_right(options))
		return EXIT_USAGE;
	if (check_file(words[0], options->hook, &options->compiler, &err) < 0)
		return report(&err);
	return 0;
}

static int run_compile(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};

	if (n != 1 || !options->output)
		return usage(COMPILE_USAGE);
	if (!options_right(options))
		return EXIT_USAGE;
	if (compile_file(words[0], options->output, options->hook, options->log_level,
			 options->cube_id, &options->compiler, &err) < 0)
		return report(&err);
	return 0;
}

static int run_test(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};
	struct test test = {
		.file = n ? words[0] : NULL,
		.pcap = options->pcap,
		.hook = options->hook,
		.log_level = options->log_level,
		.json = options->json,
		.compiler = options->compiler,
	};

	if (n != 1 || !options->pcap)
		return usage(TEST_USAGE);
	if (!options_right(options))
		return EXIT_USAGE;
	if (options->direction)
		test.skip[!path_from_name(options->direction)] = true;
	if (test_run(&test, &err) < 0)
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
	if (!strcmp(words[0], "compile"))
		return run_compile(options, words + 1, n - 1);
	if (!strcmp(words[0], "test"))
		return run_test(options, words + 1, n - 1);
	if (!strcmp(words[0], "inject"))
		return run_inject(options, words + 1, n - 1);
	if (phrase_translate(words, n, &line, &err) < 0) {
		report(&err);
		return EXIT_USAGE;
	}
	return ask(options, text_str(&line), NULL);
}

static bool take_cube_id(const char *value, unsigned int *id)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n > UINT16_MAX) {
		fprintf(stderr,
			"dynmonctl: --cube-id: expected a number from 0 to %u, found "
			"\"%s\"\n",
			UINT16_MAX, value);
		return false;
	}
	*id = (unsigned int)n;
	return true;
}

int main(int argc, char **argv)
{
	enum {
		OPTION_COMPILER = 256,
		OPTION_INCLUDE,
		OPTION_LOG_LEVEL,
		OPTION_CUBE_ID,
		OPTION_PCAP,
		OPTION_DIRECTION,
	};
	static const struct option long_options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "hook", required_argument, NULL, 'k' },
		{ "compiler", required_argument, NULL, OPTION_COMPILER },
		{ "include", required_argument, NULL, OPTION_INCLUDE },
		{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
		{ "cube-id", required_argument, NULL, OPTION_CUBE_ID },
		{ "output", required_argument, NULL, 'o' },
		{ "pcap", required_argument, NULL, OPTION_PCAP },
		{ "direction", required_argument, NULL, OPTION_DIRECTION },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	struct options options = { .socket_file = DYNMON_SOCKET,
				   .hook = "auto",
				   .log_level = "off" };
	int option, r;

	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "s:jk:o:hV", long_options, NULL)) >= 0)
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
		case OPTION_LOG_LEVEL:
			options.log_level = optarg;
			break;
		case OPTION_CUBE_ID:
			if (!take_cube_id(optarg, &options.cube_id))
				return EXIT_USAGE;
			break;
		case 'o':
			options.output = optarg;
			break;
		case OPTION_PCAP:
			options.pcap = optarg;
			break;
		case OPTION_DIRECTION:
			options.direction = optarg;
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
