/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl compile: a document with its code, as one file for hosts without a compiler. */
#ifndef DYNMON_CTL_COMPILE_H
#define DYNMON_CTL_COMPILE_H

#include "dataplane/compiler.h"

/*
 * Writes the bundle to the file called output, which is new or replaced as a whole. Warnings go to
 * stderr. hook: as hook_find() takes it; log_level, cube_id: what the dialect is compiled for.
 */
int compile_file(const char *file, const char *output, const char *hook, const char *log_level,
		 unsigned int cube_id, const struct compiler *compiler, struct error *err);

#endif
