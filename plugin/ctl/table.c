/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/table.h"
#include "ctl/column.h"

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

/* Words that say how something is, in the colour of that. */
static const char *colour_of(const char *cell, FILE *to)
{
	static const struct {
		const char *word;
		enum colour colour;
	} words[] = {
		{ "running", COLOUR_GOOD },
		{ "waiting", COLOUR_WAIT },
		{ "detached", COLOUR_WAIT },
		{ "failed", COLOUR_BAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word, cell))
			return colour(words[i].colour, to);
	return "";
}

static void print_cell(const struct table *table, size_t at, const char *cell, size_t width,
		       FILE *to)
{
	bool is_header = table->header && at < table->columns;
	bool is_last = at % table->columns == table->columns - 1, utf8 = column_utf8();
	const char *on = is_header ? colour(COLOUR_BOLD, to) : colour_of(cell, to);
	_cleanup_text_ struct text out = {};

	column_fit(&out, cell, is_last ? column_width(cell, utf8) : width, false, utf8);
	fprintf(to, "%s%s%s%s", on, text_str(&out), *on ? colour(COLOUR_END, to) : "",
		is_last ? "\n" : "  ");
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

const char *colour(enum colour colour, FILE *to)
{
	static const char *const codes[] = {
		[COLOUR_BOLD] = "\033[1m", [COLOUR_GOOD] = "\033[32m", [COLOUR_WAIT] = "\033[33m",
		[COLOUR_BAD] = "\033[31m", [COLOUR_END] = "\033[0m",
	};
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return !isatty(fileno(to)) || (no_color && *no_color) || !term || !strcmp(term, "dumb")
		       ? ""
		       : codes[colour];
}
