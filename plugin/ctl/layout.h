/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of "top" in a terminal of any width. */
#ifndef DYNMON_CTL_LAYOUT_H
#define DYNMON_CTL_LAYOUT_H

#include "ctl/board.h"

/* Width of each column; 0 if the column is omitted. A blank separates columns. */
struct layout {
	size_t where, metric, value, rate, spark;
	size_t skip; /* columns scrolled to the right in the metric column */
	bool utf8;
};

/* width: of the terminal. where: width of the longest place. */
void layout_init(struct layout *layout, size_t width, size_t where, bool utf8);
/* Append exactly as many columns as the terminal has. points: as in struct board. */
void layout_header(const struct layout *layout, struct text *out);
void layout_row(const struct layout *layout, const struct series *series, size_t points,
		struct text *out);

#endif
