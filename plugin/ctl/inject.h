/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document made ready to be sent: the files it names go with it. */
#ifndef DYNMON_CTL_INJECT_H
#define DYNMON_CTL_INJECT_H

#include "base/error.h"
#include "base/text.h"

/*
 * Appends the document to out, and a bundle or object as it is. In a document code-file and object,
 * which only this machine's user can read, are replaced by what is in these files. One with
 * mistakes goes as it is, for the plugin to say what is wrong.
 */
int inject_read(const char *file, struct text *out, struct error *err);

#endif
