/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiler diagnostics for translated code, converted to refer to the source that the user wrote.
 *
 * The compiler must omit columns and carets, because they refer to the translation. The functions
 * keep no state.
 */
#ifndef DYNMON_CC_DIAGNOSTICS_H
#define DYNMON_CC_DIAGNOSTICS_H

#include "base/text.h"

/* Limit of diagnostics. */
#define DIAGNOSTICS_KIB 256

/**
 * diagnostics_explain() - copy diagnostics and quote the source lines that they refer to
 * @diagnostics:   diagnostics of the compiler
 * @name:    name of the source in diagnostics
 * @source:  the source as the user wrote it
 * @len:     number of bytes of @source
 * @out:     text to append to
 *
 * A diagnostic that starts with NAME:LINE: is followed by that line of the source. Notes about
 * macro expansion are omitted, because the macros belong to the headers of the dialect.
 */
void diagnostics_explain(const struct text *diagnostics, const char *name, const char *source,
			 size_t len, struct text *out);

/* Appends hints for common errors, one per line. */
void diagnostics_advise(struct text *diagnostics);

/* Truncates diagnostics to whole lines within DIAGNOSTICS_KIB, and appends a line that says so. */
void diagnostics_limit(struct text *diagnostics);

#endif
