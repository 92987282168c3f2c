/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl compile: convert a document with its code to a bundle, for hosts without a compiler. */
#ifndef DYNMON_CTL_COMPILE_H
#define DYNMON_CTL_COMPILE_H

#include "dataplane/compiler.h"

/**
 * compile_file() - write the bundle of a document
 * @file:       document
 * @output:     file, created or replaced atomically
 * @hook:       as accepted by hook_find()
 * @log_level:  which log calls of the dialect are compiled in
 * @cube_id:    CUBE_ID in the source
 *
 * Warnings go to stderr.
 *
 * Return: 0, or -errno with a message in @err.
 */
int compile_file(const char *file, const char *output, const char *hook, const char *log_level,
		 unsigned int cube_id, const struct compiler *compiler, struct error *err);

#endif
