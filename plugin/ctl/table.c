/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/table.h"
#include "ctl/column.h"
#include "ctl/terminal.h"

#include <stdarg.h>
#include <string.h>

void table_add(struct table *table, const char *cell)
{
	text_add(&table->cells, cell, strlen(cell) + 1);
	table->n++;
}

void table_printf(struct table *table, const char *fmt, ...)
{
	_cleanup_free_ char *cell = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&cell, fmt, ap) < 0)
		cell = NULL;
	va_end(ap);
	if (cell)
		table_add(table, cell);
	else
		table->cells.failed = true;
}

/* Returns the colour of a state; NULL for other words. */
static const char *state_colour(const char *cell)
{
	static const struct {
		const char *state, *colour;
	} colours[] = {
		{ "running", COLOUR_GREEN },   { "waiting", COLOUR_YELLOW },
		{ "detached", COLOUR_YELLOW }, { "degraded", COLOUR_YELLOW },
		{ "failed", COLOUR_RED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		if (!strcmp(colours[i].state, cell))
			return colours[i].colour;
	return NULL;
}

static void print_cell(const struct table *table, size_t at, const char *cell, size_t width,
		       FILE *to)
{
	bool is_header = table->header && at < table->columns;
	bool is_last = at % table->columns == table->columns - 1, utf8 = column_utf8();
	const char *colour = is_header ? COLOUR_BOLD : state_colour(cell);
	size_t own = column_width(cell, utf8);
	_cleanup_text_ struct text out = {};

	if (terminal_is(to))
		column_fit(&out, cell, is_last ? own : width, false, utf8);
	else /* unescaped */
		text_printf(&out, "%s%*s", cell, is_last ? 0 : (int)(width - own), "");
	if (colour)
		terminal_colour(to, colour);
	fputs(text_str(&out), to);
	if (colour)
		terminal_colour(to, COLOUR_END);
	fputs(is_last ? "\n" : "  ", to);
}

int table_print(struct table *table, FILE *to, struct error *err)
{
	size_t width[TABLE_COLUMNS_MAX] = {};
	bool utf8 = column_utf8();
	const char *cell = text_str(&table->cells);

	if (text_status(&table->cells) < 0)
		return error_oom(err);
	for (size_t i = 0; i < table->n; i++, cell += strlen(cell) + 1) {
		size_t n = column_width(cell, utf8), *most = &width[i % table->columns];

		*most = n > *most ? n : *most;
	}
	cell = text_str(&table->cells);
	for (size_t i = 0; i < table->n; i++, cell += strlen(cell) + 1) {
		if (table->indent && i % table->columns == 0)
			fputs(table->indent, to);
		print_cell(table, i, cell, width[i % table->columns], to);
	}
	return 0;
}

void table_release(struct table *table)
{
	text_release(&table->cells);
	table->n = 0;
}
