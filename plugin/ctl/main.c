/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl: the command line of the plugin. See dynmonctl(1). */
#include "ctl/ask.h"
#include "ctl/board.h"
#include "ctl/check.h"
#include "ctl/compile.h"
#include "ctl/completion.h"
#include "ctl/inject.h"
#include "ctl/phrase.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include "ctl/test.h"
#include "ctl/top.h"
#include "ctl/watch.h"
#include "kernel/hook.h"
#include "serve/verb.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LEVELS    "off critical error warn info debug trace"
#define CHECK_USAGE   "check FILE"
#define COMPILE_USAGE "compile FILE -o BUNDLE"
#define TEST_USAGE    "test FILE --pcap=CAPTURE [--direction=ingress|egress]"
#define TOP_USAGE     "top [MONITOR] [--interval=S]"
#define WATCH_USAGE   "watch METRIC [MONITOR] [--interval=S] [--count=N]"

/* Prints a verb in the syntax of the command line. */
static void print_verb(const struct verb *verb, FILE *to)
{
	fputs("  ", to);
	for (const char *c = verb->name; *c; c++)
		fputc(tolower((unsigned char)*c), to);
	fprintf(to, "%s%s\n      %s\n", *verb->arguments ? " " : "", verb->arguments, verb->help);
}

int usage(const char *words)
{
	fprintf(stderr, "dynmonctl: usage: %s\n", words);
	return EXIT_USAGE;
}

int report(const struct error *err)
{
	fflush(stdout);
	colour(COLOUR_BAD, stderr);
	fputs("dynmonctl:", stderr);
	colour(COLOUR_END, stderr);
	fprintf(stderr, " %s\n", error_message(err));
	return EXIT_FAILED;
}

/* Returns true if the word is in a list that is separated by blanks. */
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

/* Checks the options of the offline commands. Prints an error and returns false for a bad value. */
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
	if (options->direction && direction_from_name(options->direction) < 0) {
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
	if (check_file(words[0], options->hook, options->json, &options->compiler, &err) < 0)
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
		test.skip[!direction_from_name(options->direction)] = true;
	if (test_run(&test, &err) < 0)
		return report(&err);
	return 0;
}

static int run_top(const struct options *options, char **words, size_t n)
{
	const struct top top = { options->socket_file, n ? words[0] : NULL, options->interval };
	_cleanup_error_ struct error err = {};

	if (n > 1)
		return usage(TOP_USAGE);
	return top_run(&top, &err) < 0 ? report(&err) : 0;
}

static int run_watch(const struct options *options, char **words, size_t n)
{
	const struct watch_options watch = {
		.socket_file = options->socket_file,
		.metric = n ? words[0] : NULL,
		.monitor = n > 1 ? words[1] : NULL,
		.interval = options->interval,
		.count = options->count,
		.json = options->json,
	};
	_cleanup_error_ struct error err = {};

	if (n < 1 || n > 2)
		return usage(WATCH_USAGE);
	return watch_metric(&watch, &err) < 0 ? report(&err) : 0;
}

static int run_completion(const struct options *options, char **words, size_t n)
{
	_cleanup_text_ struct text out = {};

	completion_find(options->socket_file, words, n, &out);
	fputs(text_str(&out), stdout);
	return 0;
}

static int run_help(const struct options *options, char **words, size_t n);

/* The commands that dynmonctl implements itself, or that do more than send a line. */
static const struct command_row {
	const char *name;
	const char *usage; /* NULL: not in the help */
	const char *help;
	bool live; /* requires the plugin */
	int (*run)(const struct options *options, char **words, size_t n);
} commands[] = {
	{ "check", CHECK_USAGE, "compile a document and have the kernel verify it; attach nothing",
	  false, run_check },
	{ "compile", COMPILE_USAGE,
	  "compile a document to a bundle, for hosts without a compiler (-o is --output)", false,
	  run_compile },
	{ "test", TEST_USAGE, "run a dataplane over the packets of a capture; attach nothing",
	  false, run_test },
	{ "inject", INJECT_USAGE,
	  "replace a monitor's dataplane by a document or bundle; make and attach it if need be; "
	  "on "
	  "a terminal, with -v and with --wait its phases are told, and the first packet after at "
	  "most S seconds (1)",
	  true, inject_run },
	{ "top", TOP_USAGE, "the series with their rates, live; h is help", true, run_top },
	{ "watch", WATCH_USAGE,
	  "time, series, value and rate of a metric, a line each, every S seconds (1)", true,
	  run_watch },
	{ "help", NULL, NULL, false, run_help },
	{ "complete-words", NULL, NULL, false, run_completion },
};

static void print_command(const struct command_row *command, FILE *to)
{
	fprintf(to, "  %s\n      %s\n", command->usage, command->help);
}

static void print_commands(bool live, FILE *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].usage && commands[i].live == live)
			print_command(&commands[i], to);
}

static void print_help(FILE *to)
{
	fputs("dynmonctl [-s SOCKET] COMMAND ...\n"
	      "  -s, --socket=FILE      the plugin's control socket (" DYNMON_SOCKET ")\n"
	      "  -j, --json             JSON instead of words and tables\n"
	      "  -v, --verbose          inject: tell the phases, on no terminal, too\n"
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "Without a running plugin:\n",
	      to);
	print_commands(false, to);
	fputs("  -k, --hook=HOOK        for which hook (auto, tcx, tc, xdp, xdp-generic)\n"
	      "      --log-level=LEVEL  which pcn_log() is compiled in (" LOG_LEVELS ")\n"
	      "      --cube-id=N        compile: CUBE_ID in the source (0)\n"
	      "      --compiler=FILE    another dynmon-cc\n"
	      "      --include=DIR      other headers for dataplanes\n"
	      "\n"
	      "Of the plugin:\n",
	      to);
	print_commands(true, to);
	for (const struct verb *verb = verbs; verb->name; verb++)
		print_verb(verb, to);
	fputs("\nPolycube's word order works, too: dynmon add M, M metrics show, "
	      "M open-metrics show, dynmon del M.\n",
	      to);
}

static int run_help(const struct options *options, char **words, size_t n)
{
	const struct verb *verb = n ? verb_find(words[0]) : NULL;
	bool found = verb;

	(void)options;
	if (!n) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].usage && !strcmp(commands[i].name, words[0])) {
			print_command(&commands[i], stdout);
			found = true;
		}
	if (verb)
		print_verb(verb, stdout);
	if (!found)
		fprintf(stderr, "dynmonctl: unknown command \"%s\"\n", words[0]);
	return found ? 0 : EXIT_USAGE;
}

static int main_run(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(words[0], commands[i].name))
			return commands[i].run(options, words + 1, n - 1);
	if (phrase_translate(words, n, &line, &err) < 0) {
		report(&err);
		return EXIT_USAGE;
	}
	return ask(options, text_str(&line));
}

enum {
	OPTION_COMPILER = 256,
	OPTION_INCLUDE,
	OPTION_LOG_LEVEL,
	OPTION_CUBE_ID,
	OPTION_PCAP,
	OPTION_DIRECTION,
	OPTION_COUNT,
	OPTION_WAIT,
};

static bool main_take_number(const char *option, const char *value, unsigned int min,
			     unsigned int max, unsigned int *ret)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n < min || n > max) {
		fprintf(stderr, "dynmonctl: --%s: expected a number from %u to %u, found \"%s\"\n",
			option, min, max, value);
		return false;
	}
	*ret = (unsigned int)n;
	return true;
}

/* Options of some commands only. Other commands refuse an option that would have no effect. */
static const struct limit {
	int option;
	const char *name;
	const char *commands; /* with a blank before and after each */
} limits[] = {
	{ 'v', "verbose", " inject " },
	{ OPTION_WAIT, "wait", " inject " },
	{ 'i', "interval", " top watch " },
	{ OPTION_COUNT, "count", " watch " },
	{ 'k', "hook", " check compile test " },
	{ OPTION_LOG_LEVEL, "log-level", " check compile test " },
	{ OPTION_COMPILER, "compiler", " check compile test " },
	{ OPTION_INCLUDE, "include", " check compile test " },
	{ OPTION_CUBE_ID, "cube-id", " compile " },
	{ 'o', "output", " compile " },
	{ OPTION_PCAP, "pcap", " test " },
	{ OPTION_DIRECTION, "direction", " test " },
};

/* Returns one bit for each entry of limits; 0 if all commands have the option. */
static uint32_t main_limit_of(int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (limits[i].option == option)
			return 1U << i;
	return 0;
}

static bool main_check_limits(uint32_t given, const char *command)
{
	_cleanup_text_ struct text word = {};

	text_printf(&word, " %s ", command);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (given & 1U << i && !strcasestr(limits[i].commands, text_str(&word))) {
			fprintf(stderr, "dynmonctl: --%s is not for %s; it is for%.*s\n",
				limits[i].name, command, (int)strlen(limits[i].commands) - 1,
				limits[i].commands);
			return false;
		}
	return true;
}

/* Returns true if stdout is a pipe whose reader is gone. */
static bool is_output_closed(void)
{
	struct pollfd output = { .fd = STDOUT_FILENO };

	return poll(&output, 1, 0) > 0 && (output.revents & POLLERR);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "wait", required_argument, NULL, OPTION_WAIT },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, OPTION_COUNT },
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
	struct options options = {
		.socket_file = DYNMON_SOCKET, .hook = "auto", .log_level = "off", .interval = 1
	};
	uint32_t given = 0;
	int option, r;

	setlocale(LC_CTYPE, "");
	terminal_init();
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "s:jvi:k:o:hV", long_options, NULL)) >= 0) {
		given |= main_limit_of(option);
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
			if (!main_take_number("cube-id", optarg, 0, UINT16_MAX, &options.cube_id))
				return EXIT_USAGE;
			break;
		case 'i':
			if (!main_take_number("interval", optarg, 1, BOARD_SECONDS,
					      &options.interval))
				return EXIT_USAGE;
			break;
		case OPTION_COUNT:
			if (!main_take_number("count", optarg, 1, UINT32_MAX, &options.count))
				return EXIT_USAGE;
			break;
		case OPTION_WAIT:
			options.wait = optarg;
			break;
		case 'v':
			options.verbose = true;
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
	}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!main_check_limits(given, argv[optind]))
		return EXIT_USAGE;
	r = main_run(&options, argv + optind, (size_t)(argc - optind));
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (is_output_closed()) { /* end without a message, as usual in a pipe */
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
		}
		fprintf(stderr, "dynmonctl: writing: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return r;
}
