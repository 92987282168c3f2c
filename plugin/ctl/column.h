/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in columns of a terminal. Characters that are not printable are escaped, see utf8_show();
 * without utf8 also all characters beyond ASCII.
 */
#ifndef DYNMON_CTL_COLUMN_H
#define DYNMON_CTL_COLUMN_H

#include "base/text.h"

/* Whether the locale's characters are UTF-8; after setlocale(LC_CTYPE, ""). */
bool column_utf8(void);

/* Columns that the string takes. */
size_t column_width(const char *s, bool utf8);

/* What is left of the string without its first columns. */
const char *column_skip(const char *s, size_t columns, bool utf8);

/*
 * Appends the string in exactly width columns: filled with blanks, on the left with right set, or
 * cut, which a last character says.
 */
void column_fit(struct text *out, const char *s, size_t width, bool right, bool utf8);

#endif
