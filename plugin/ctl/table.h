/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables with aligned columns, and with coloured states on a terminal. */
#ifndef DYNMON_CTL_TABLE_H
#define DYNMON_CTL_TABLE_H

#include "base/error.h"
#include "base/text.h"

#define TABLE_COLUMNS_MAX 8

/* Initialize with { .columns = N }, then add N cells per row. Embedded in its owner. */
struct table {
	size_t columns;	    /* 1 to TABLE_COLUMNS_MAX */
	struct text cells;  /* each NUL-terminated */
	size_t n;	    /* number of cells */
	const char *indent; /* printed before each row; NULL: none */
	bool header;	    /* the first row is a header */
};

void table_add(struct table *table, const char *cell);
void table_printf(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the table. The last column is not padded. Returns 0 or -ENOMEM. */
int table_print(struct table *table, FILE *to, struct error *err);
void table_release(struct table *table);

#endif
