/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand next on a command line, for the shells: from the table of verbs, the running
 * plugin's monitors and metrics, and the machine's interfaces. A plugin that cannot be asked has
 * none, without a word.
 */
#ifndef DYNMON_CTL_COMPLETION_H
#define DYNMON_CTL_COMPLETION_H

#include "base/text.h"

/* Stands for the names of files, which the shell knows better. */
#define COMPLETION_FILES ":files"

/*
 * Appends a line for each word that begins as the last of words does; those before it have been
 * written already, options among them. The name of the program is not one of them.
 */
void completion_find(const char *socket_file, char *const *words, size_t n, struct text *out);

#endif
