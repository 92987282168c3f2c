/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of dynmonctl. One table feeds the parser, the help and the completion. */
#ifndef DYNMON_CTL_OPTIONS_H
#define DYNMON_CTL_OPTIONS_H

#include "dataplane/compiler.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct options {
	const char *socket_file;
	const char *hook;
	const char *log_level;
	const char *output;    /* NULL: none */
	const char *object;    /* NULL: default */
	const char *pcap;      /* NULL: none */
	const char *direction; /* NULL: both */
	const char *wait;      /* seconds; NULL: default */
	unsigned int cube_id;
	unsigned int interval; /* seconds */
	unsigned int count;    /* number of reads; 0: no limit */
	struct compiler compiler;
	bool json, verbose, strict, help, version;
};

/* A flag is a bool in struct options, an option with a maximum an unsigned int, others a string. */
struct option_row {
	const char *name;
	char letter;	      /* 0: none */
	const char *value;    /* placeholder in <>, or alternatives; NULL: a flag */
	const char *values;   /* permitted values; NULL: any, or those of option_values() */
	const char *commands; /* commands with this option; NULL: all */
	size_t member;	      /* offset in struct options */
	unsigned int min, max;
	const char *help;
};

/* All options in the order of the help. The last element has no name. */
extern const struct option_row option_rows[];

/* Returns the permitted values, separated by ", ", or NULL if the option takes other values. */
const char *option_values(const struct option_row *row);

/* Finds the option of a word such as -s, --socket or --socket=FILE. Returns NULL if there is none.
 */
const struct option_row *option_find(const char *word);

void options_print_help(FILE *to);

/**
 * options_parse() - parse the options of a command line
 * @options:  receives the options, with defaults
 *
 * Moves all words that are no options to the end of @argv, as getopt_long() does.
 *
 * Return: the index of the first word in @argv; -1 after printing an error.
 */
int options_parse(int argc, char **argv, struct options *options);

#endif
