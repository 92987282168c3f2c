/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command completion for shells. The candidates come from the table of verbs, the monitors and
 * metrics of the running plugin, and the interfaces of the host. If the plugin cannot be reached,
 * its candidates are silently omitted.
 */
#ifndef DYNMON_CTL_COMPLETION_H
#define DYNMON_CTL_COMPLETION_H

#include "base/text.h"

/* A candidate that tells the shell to complete file names itself. */
#define COMPLETION_FILES ":files"

/**
 * completion_find() - list the candidates for the last word of a command line
 * @socket_file:  of the plugin, unless the command line has another one
 * @words:        the command line without the program name; the last word is incomplete
 * @n:            number of words
 * @out:          receives one candidate per line
 */
void completion_find(const char *socket_file, char *const *words, size_t n, struct text *out);

#endif
