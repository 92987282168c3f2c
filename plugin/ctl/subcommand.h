/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands that dynmonctl implements itself. All other verbs are sent to the plugin; they
 * are in the table of serve/verb.h. One table feeds the dispatcher, the help and the completion.
 */
#ifndef DYNMON_CTL_SUBCOMMAND_H
#define DYNMON_CTL_SUBCOMMAND_H

#include "ctl/options.h"

/*
 * words: the words after the subcommand. Returns 0; EXIT_USAGE if words or options are wrong, with
 * a message in err if the usage does not say enough; -errno with a message in err.
 */
typedef int subcommand_fn(const struct options *options, char **words, size_t n, struct error *err);

/* Compiles a document, has the kernel verify it, and prints programs, maps and metrics. */
subcommand_fn ctl_check;

/* Compiles a document and writes the bundle to options->output. */
subcommand_fn ctl_compile;

/*
 * Converts the configuration of another program to a document. Fails with -EOPNOTSUPP if built
 * without libyaml.
 */
subcommand_fn ctl_import;

/* Runs the programs of a dataplane on each packet of options->pcap; prints verdicts and metrics. */
subcommand_fn ctl_test;

/* Sends a document, with the files that it names, to the plugin. */
subcommand_fn ctl_inject;

/*
 * Shows the series on the full screen until the user quits. Fails with -ENOTTY without a terminal,
 * and with -EOPNOTSUPP if built without ncurses.
 */
subcommand_fn ctl_top;

/*
 * Prints a line for each series of a metric, options->count times. Ends early when the reader of
 * stdout is gone.
 */
subcommand_fn ctl_watch;

struct subcommand {
	const char *name;
	const char *arguments; /* in the syntax of struct verb */
	const char *help;      /* NULL: not in the help */
	unsigned int min, max; /* number of words after the name */
	bool live;	       /* requires the plugin */
	subcommand_fn *run;
};

/* The last element has no name. */
extern const struct subcommand subcommands[];

/* Returns NULL if there is none. */
const struct subcommand *subcommand_find(const char *name);

/* Prints the help for the command line. */
void subcommand_print_help(FILE *to);

#endif
