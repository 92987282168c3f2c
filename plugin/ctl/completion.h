/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command completion for shells. The candidates come from the tables of options, subcommands and
 * verbs, from the monitors and metrics of the running plugin, and from the interfaces of the host.
 * If the plugin cannot be reached, its candidates are silently omitted.
 */
#ifndef DYNMON_CTL_COMPLETION_H
#define DYNMON_CTL_COMPLETION_H

#include <stddef.h>

/**
 * completion_print() - print the candidates for the last word of a command line, one per line
 * @socket_file:  of the plugin, unless the command line has another one
 * @words:        the command line without the program name; the last word is incomplete
 * @n:            number of words
 *
 * The candidate ":files" tells the shell to complete names of files itself.
 */
void completion_print(const char *socket_file, char *const *words, size_t n);

#endif
