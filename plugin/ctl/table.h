/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is printed for people: tables with aligned columns, and colours where the other end is a
 * terminal and NO_COLOR is not set.
 */
#ifndef DYNMON_CTL_TABLE_H
#define DYNMON_CTL_TABLE_H

#include "base/error.h"
#include "base/text.h"

#define TABLE_COLUMNS_MAX 8

/* Embedded; { .columns = N }, then N cells for each row. */
struct table {
	size_t columns;	    /* 1 to TABLE_COLUMNS_MAX */
	struct text cells;  /* each ended by a NUL */
	size_t n;	    /* cells */
	const char *indent; /* of each row; NULL: none */
	bool header;	    /* the first row is one */
};

void table_add(struct table *table, const char *cell);
void table_printf(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* -ENOMEM. The last column is not filled with blanks. */
int table_print(struct table *table, FILE *to, struct error *err);
void table_release(struct table *table);

enum colour { COLOUR_BOLD, COLOUR_GOOD, COLOUR_WAIT, COLOUR_BAD, COLOUR_END };

/* Switches a colour on, or off with COLOUR_END, if the output has colours. */
void colour(enum colour colour, FILE *to);

#endif
