/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for a glance: a line of little bars, and a number in few columns. */
#ifndef DYNMON_CTL_SPARK_H
#define DYNMON_CTL_SPARK_H

#include "base/text.h"

/*
 * Appends a bar for each point in width columns, the last one on the right: from 0, or the smallest
 * if that is below, to the largest. Of points that share a column the largest is shown; where there
 * are fewer than columns, or one is NaN, there is a blank. Without utf8 characters of ASCII.
 */
void spark_draw(struct text *out, const float *points, size_t n, size_t width, bool utf8);

/* Appends a number in at most 8 columns: 0, 12, 0.25, 1234.5, 12.3M; NaN is "-". */
void spark_number(struct text *out, double number);

#endif
