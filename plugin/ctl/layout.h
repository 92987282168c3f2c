/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the lines of top share the columns of a terminal of any size. */
#ifndef DYNMON_CTL_LAYOUT_H
#define DYNMON_CTL_LAYOUT_H

#include "ctl/board.h"

/* Columns of each; 0: it is left out. A blank stands between them. */
struct layout {
	size_t where, metric, value, rate, spark;
	size_t skip; /* of the metrics' own, to look further to the right */
	bool utf8;
};

/* width: of the terminal. where: columns of the widest one. */
void layout_init(struct layout *layout, size_t width, size_t where, bool utf8);
/* Appends exactly as many columns as there are. points: of a series, as of its board. */
void layout_header(const struct layout *layout, struct text *out);
void layout_row(const struct layout *layout, const struct series *series, size_t points,
		struct text *out);

#endif
