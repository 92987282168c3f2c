/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compact numbers: a graph of bars in one line, and a number in few columns. */
#ifndef DYNMON_CTL_SPARK_H
#define DYNMON_CTL_SPARK_H

#include "base/text.h"

/**
 * spark_draw() - append a bar graph
 * @points:  @n values, oldest first; a NaN is drawn as a blank
 * @width:   columns; the last point is in the last column
 * @utf8:    draw with block elements; otherwise with ASCII
 *
 * The scale extends from 0, or from a negative minimum, to the maximum. If several points share a
 * column, the largest one is drawn. If there are fewer points than columns, the graph begins with
 * blanks.
 */
void spark_draw(struct text *out, const float *points, size_t n, size_t width, bool utf8);

/* Appends a number in at most 8 columns: 0, 12, 0.25, 1234.5, 12.3M. NaN is "-". */
void spark_number(struct text *out, double number);

#endif
