/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/subcommand.h"
#include "serve/verb.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

static void print_usage(const char *name, const char *arguments, const char *help, FILE *to)
{
	fputs("  ", to);
	for (; *name; name++)
		fputc(tolower((unsigned char)*name), to);
	fprintf(to, "%s%s\n      %s\n", *arguments ? " " : "", arguments, help);
}

static void print_subcommands(bool live, FILE *to)
{
	for (const struct subcommand *row = subcommands; row->name; row++)
		if (row->help && row->live == live)
			print_usage(row->name, row->arguments, row->help, to);
}

void subcommand_print_help(FILE *to)
{
	fputs("usage: dynmonctl [option ...] command [word ...]\n\nOptions:\n", to);
	options_print_help(to);
	fputs("\nCommands that need no running plugin:\n", to);
	print_subcommands(false, to);
	fputs("\nCommands for the running plugin:\n", to);
	print_subcommands(true, to);
	for (const struct verb *verb = verbs; verb->name; verb++)
		print_usage(verb->name, verb->arguments, verb->help, to);
	fputs("\nPolycube's word order is accepted as well: dynmon add M, M metrics show,\n"
	      "M open-metrics show, dynmon del M.\n",
	      to);
}

static int ctl_help(const struct options *options, char **words, size_t n, struct error *err)
{
	const struct subcommand *subcommand = n ? subcommand_find(words[0]) : NULL;
	const struct verb *verb = n ? verb_find(words[0]) : NULL;

	(void)options;
	if (!n)
		subcommand_print_help(stdout);
	else if (!verb && !subcommand) {
		error_set(err, -EINVAL, "unknown command \"%s\"; see dynmonctl help", words[0]);
		return EXIT_USAGE;
	}
	if (subcommand && subcommand->help)
		print_usage(subcommand->name, subcommand->arguments, subcommand->help, stdout);
	if (verb)
		print_usage(verb->name, verb->arguments, verb->help, stdout);
	return 0;
}

const struct subcommand subcommands[] = {
	{ "check", "<file>", "compile a document and have the kernel verify it; attach nothing", 1,
	  1, false, ctl_check },
	{ "compile", "<file> --output=<bundle>",
	  "compile a document to a bundle for hosts without a compiler", 1, 1, false, ctl_compile },
	{ "import", "ebpf_exporter <file> [--output=<file>] [--object=<file>]",
	  "convert a configuration of ebpf_exporter to a document", 2, 2, false, ctl_import },
	{ "test", "<file> --pcap=<capture> [--direction=ingress|egress]",
	  "run a dataplane on the packets of a capture; attach nothing", 1, 1, false, ctl_test },
	{ "inject",
	  "<monitor> [<interface>] [direction=both|ingress|egress] [keep-maps=true] "
	  "[set=<variable>=<value> ...] [--wait=<seconds>] <file>",
	  "replace the dataplane of a monitor by a document or bundle; create the monitor and "
	  "attach the interface if necessary",
	  2, UINT_MAX, true, ctl_inject },
	{ "top", "[<monitor>] [--interval=<seconds>]",
	  "show the series and their rates on the full screen; h prints the keys", 0, 1, true,
	  ctl_top },
	{ "watch", "<metric> [<monitor>] [--interval=<seconds>] [--count=<reads>]",
	  "print time, series, value and rate of a metric, one line per series and read", 1, 2,
	  true, ctl_watch },
	{ "help", "[<verb>]", NULL, 0, 1, false, ctl_help },
	{},
};

const struct subcommand *subcommand_find(const char *name)
{
	for (const struct subcommand *row = subcommands; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}
