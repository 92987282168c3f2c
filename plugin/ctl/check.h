/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl check: compile a document and have the kernel verify it, without attaching. */
#ifndef DYNMON_CTL_CHECK_H
#define DYNMON_CTL_CHECK_H

#include "dataplane/compiler.h"

/**
 * check_file() - print the content of a document
 * @file:  document, bundle or object
 * @hook:  as accepted by hook_find()
 * @json:  print JSON; otherwise text for people
 *
 * Prints programs, maps and metrics to stdout and warnings to stderr. Without the capability to
 * load programs, the document is only compiled, and a message says so.
 *
 * Return: 0, or -errno with a message in @err.
 */
int check_file(const char *file, const char *hook, bool json, const struct compiler *compiler,
	       struct error *err);

#endif
