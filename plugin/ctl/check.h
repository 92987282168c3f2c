/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl check: compile a document and let the kernel verify it, attach nothing. */
#ifndef DYNMON_CTL_CHECK_H
#define DYNMON_CTL_CHECK_H

#include "dataplane/compiler.h"

/*
 * Prints what the document has to stdout: programs, maps, metrics, as json or for people; its
 * warnings to stderr. hook: as hook_find() takes it. Without the capability to load programs it is
 * compiled only, and that is said.
 */
int check_file(const char *file, const char *hook, bool json, const struct compiler *compiler,
	       struct error *err);

#endif
