/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiler's words about translated code, made words about the code that the user wrote.
 *
 * The words come without columns and carets: those would show the translation.
 */
#ifndef DYNMON_CC_DIAGNOSTICS_H
#define DYNMON_CC_DIAGNOSTICS_H

#include "base/text.h"

/* Less than PROCESS_WORDS_KIB, so that what was dropped there is noted. */
#define DIAGNOSTICS_KIB 256

/*
 * Copies words to out, line by line: one that speaks of NAME:LINE: is followed by that line of
 * the source, and notes about macros of our own headers are left out.
 */
void diagnostics_explain(const struct text *words, const char *name, const char *source, size_t len,
			 struct text *out);

/* Cuts words at DIAGNOSTICS_KIB, after a whole line, and says so in a last one. */
void diagnostics_limit(struct text *words);

#endif
