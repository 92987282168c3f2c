/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl inject: a document is sent, with the files it names, and what came of it is told. */
#ifndef DYNMON_CTL_INJECT_H
#define DYNMON_CTL_INJECT_H

#include "base/text.h"
#include "ctl/options.h"

/*
 * Appends the document to out, and a bundle or object as it is. In a document code-file and object,
 * which only this machine's user can read, are replaced by what is in these files. One with
 * mistakes goes as it is, for the plugin to say what is wrong.
 */
int inject_read(const char *file, struct text *out, struct error *err);

#define INJECT_USAGE                                                                               \
	"inject MONITOR [INTERFACE] [direction=both|ingress|egress] [keep-maps=true] [--wait=S] "  \
	"FILE"

/* words: behind the verb. Returns the exit status. */
int inject_run(const struct options *options, char **words, size_t n);

#endif
