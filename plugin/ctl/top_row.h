/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of "top" in a terminal of any width: columns, bar charts and compact numbers. */
#ifndef DYNMON_CTL_TOP_ROW_H
#define DYNMON_CTL_TOP_ROW_H

#include "ctl/rates.h"

/* Width of each column; 0 if the column is omitted. A blank separates columns. */
struct top_layout {
	size_t place, metric, value, rate, chart;
	size_t skip; /* columns scrolled to the right in the metric column */
	bool utf8;
};

/* width: of the terminal. place: width of the longest place. */
void top_layout_init(struct top_layout *layout, size_t width, size_t place, bool utf8);

/* Append exactly as many columns as the terminal has. points: as in struct rates. */
void top_row_header(const struct top_layout *layout, struct text *out);
void top_row_series(const struct top_layout *layout, const struct series *series, size_t points,
		    struct text *out);

/**
 * bar_chart() - append a bar chart of one line
 * @points:  @n values, oldest first; a NaN is drawn as a blank
 * @width:   columns; the last point is in the last column
 * @utf8:    draw with block elements; otherwise with ASCII
 *
 * The scale extends from 0, or from a negative minimum, to the maximum. If several points share a
 * column, the largest one is drawn. If there are fewer points than columns, the chart begins with
 * blanks.
 */
void bar_chart(struct text *out, const float *points, size_t n, size_t width, bool utf8);

/* Appends a number in at most 8 columns: 0, 12, 0.25, 1234.5, 12.3M. NaN is "-". */
void compact_number(struct text *out, double number);

#endif
