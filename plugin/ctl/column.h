/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in terminal columns. Characters that are not printable are escaped, see utf8_show(). Without
 * utf8 all characters beyond ASCII are escaped.
 */
#ifndef DYNMON_CTL_COLUMN_H
#define DYNMON_CTL_COLUMN_H

#include "base/text.h"

/* Returns true if the encoding of the locale is UTF-8. Call after setlocale(LC_CTYPE, ""). */
bool column_utf8(void);

/* Returns the number of columns of a string. */
size_t column_width(const char *s, bool utf8);

/* Returns the string after its first columns. */
const char *column_skip(const char *s, size_t columns, bool utf8);

/*
 * Appends a string in exactly width columns. A short string is padded with blanks, on the left if
 * right is set. A long string is cut and ends with a mark.
 */
void column_fit(struct text *out, const char *s, size_t width, bool right, bool utf8);

#endif
