/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl: the command line of the plugin. See dynmonctl(1). */
#include "ctl/completion.h"
#include "ctl/request.h"
#include "ctl/request_line.h"
#include "ctl/subcommand.h"
#include "ctl/terminal.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Runs a subcommand or a verb of the plugin, and prints the error. Returns the exit status. */
static int run_command(const struct options *options, char **words, size_t n)
{
	const struct subcommand *subcommand = subcommand_find(words[0]);
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {};
	int r = EXIT_USAGE;

	if (!subcommand) {
		if (request_line_build(words, n, &line, &err) == 0)
			r = request_print(options, text_str(&line), &err);
	} else {
		if (n - 1 >= subcommand->min && n - 1 <= subcommand->max)
			r = subcommand->run(options, words + 1, n - 1, &err);
		if (r == EXIT_USAGE && !err.code)
			error_set(&err, -EINVAL, "usage: %s %s", subcommand->name,
				  subcommand->arguments);
	}
	if (r == 0)
		return 0;
	fflush(stdout);
	terminal_colour(stderr, COLOUR_RED);
	fputs("dynmonctl:", stderr);
	terminal_colour(stderr, COLOUR_END);
	fprintf(stderr, " %s\n", error_message(&err));
	return r < 0 ? EXIT_FAILED : r;
}

int main(int argc, char **argv)
{
	struct pollfd output = { .fd = STDOUT_FILENO };
	struct options options;
	int first, r = 0;

	setlocale(LC_CTYPE, "");
	terminal_init();
	signal(SIGPIPE, SIG_IGN);
	first = options_parse(argc, argv, &options);
	if (first < 0)
		return EXIT_USAGE;
	if (options.help) {
		subcommand_print_help(stdout);
	} else if (options.version) {
		puts("dynmonctl " DYNMON_VERSION);
	} else if (first == argc) {
		subcommand_print_help(stderr);
		return EXIT_USAGE;
	} else if (!strcmp(argv[first], "complete-words")) {
		/* called by the completion of shells */
		completion_print(options.socket_file, argv + first + 1, (size_t)(argc - first - 1));
	} else {
		r = run_command(&options, argv + first, (size_t)(argc - first));
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	/* If the reader of a pipe is gone, end without a message, as usual. */
	if (poll(&output, 1, 0) > 0 && (output.revents & POLLERR)) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	fprintf(stderr, "dynmonctl: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_FAILED;
}
