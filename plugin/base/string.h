/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings that may be missing. */
#ifndef DYNMON_BASE_STRING_H
#define DYNMON_BASE_STRING_H

#include <stdbool.h>
#include <string.h>

/* Returns true if both strings are NULL, or if both have the same characters. */
static inline bool string_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

#endif
