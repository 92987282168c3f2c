/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl inject: send a document with the files that it names, and print the result. */
#ifndef DYNMON_CTL_INJECT_H
#define DYNMON_CTL_INJECT_H

#include "base/text.h"
#include "ctl/options.h"

/**
 * inject_read() - read a document for the plugin
 * @file:  document, bundle or object
 * @out:   receives the document
 *
 * In a document the contents of the files replace the members code-file and object, because the
 * plugin may not be able to read these files. Bundles, objects and malformed documents are not
 * changed; the plugin reports errors.
 *
 * Return: 0, or -errno with a message in @err.
 */
int inject_read(const char *file, struct text *out, struct error *err);

#define INJECT_USAGE                                                                               \
	"inject MONITOR [INTERFACE] [direction=both|ingress|egress] [keep-maps=true] [--wait=S] "  \
	"FILE"

/* words: after the verb. Returns the exit status. */
int inject_run(const struct options *options, char **words, size_t n);

#endif
