/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/spark.h"

#include <math.h>

#define LEVELS 8

static const char *const bars[2][LEVELS] = {
	{ "_", ".", "-", "~", "=", "+", "*", "#" },
	{ "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
};

/* Returns the largest point of a column; NaN if the column has none. */
static float largest(const float *points, size_t n, size_t width, size_t column)
{
	float most = NAN;

	if (n <= width)
		return column < width - n ? NAN : points[column - (width - n)];
	for (size_t i = column * n / width; i < (column + 1) * n / width; i++)
		if (isnan(most) || points[i] > most)
			most = points[i];
	return most;
}

void spark_draw(struct text *out, const float *points, size_t n, size_t width, bool utf8)
{
	float low = 0, high = 0;

	for (size_t i = 0; i < n; i++) {
		if (isfinite(points[i]) && points[i] > high)
			high = points[i];
		if (isfinite(points[i]) && points[i] < low)
			low = points[i];
	}
	for (size_t i = 0; i < width; i++) {
		float point = largest(points, n, width, i);
		int level = 0;

		if (isnan(point)) {
			text_addc(out, ' ');
			continue;
		}
		if (point == (float)INFINITY)
			level = LEVELS - 1;
		else if (high > low && point > low)
			level = (int)ceil(((double)point - (double)low) /
					  ((double)high - (double)low) * (LEVELS - 1));
		text_adds(out, bars[utf8][level]);
	}
}

void spark_number(struct text *out, double number)
{
	static const char units[] = "kMGTPE";
	int unit = -1;

	if (isnan(number)) {
		text_addc(out, '-');
		return;
	}
	if (isinf(number)) {
		text_adds(out, number > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (number == rint(number) && fabs(number) < 1e6) {
		text_printf(out, "%.0f", number);
		return;
	}
	if (fabs(number) < 0.01) {
		text_printf(out, "%.1e", number);
		return;
	}
	if (fabs(number) < 99999.95) {
		text_printf(out, fabs(number) < 9.995 ? "%.2f" : "%.1f", number);
		return;
	}
	while (unit < (int)sizeof(units) - 2 && fabs(number) >= 999.95) {
		number /= 1000;
		unit++;
	}
	if (fabs(number) < 9999.95)
		text_printf(out, "%.1f%c", number, units[unit]);
	else
		text_printf(out, "%.0e%c", number, units[unit]);
}
