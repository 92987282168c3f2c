/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/top_row.h"
#include "ctl/column.h"

#include <math.h>

#define NUMBER_COLUMNS 9
#define PLACE_COLUMNS  28
#define METRIC_COLUMNS 16 /* minimum; other columns are omitted before the metric gets narrower */
#define LEVELS	       8

void bar_chart(struct text *out, const float *points, size_t n, size_t width, bool utf8)
{
	static const char *const bars[2][LEVELS] = {
		{ "_", ".", "-", "~", "=", "+", "*", "#" },
		{ "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	};
	size_t blanks = n < width ? width - n : 0;
	float low = 0, high = 0;

	for (size_t i = 0; i < n; i++) {
		if (isfinite(points[i]) && points[i] > high)
			high = points[i];
		if (isfinite(points[i]) && points[i] < low)
			low = points[i];
	}
	for (size_t column = 0; column < width; column++) {
		/* the largest of the points in this column */
		size_t first = blanks ? column - blanks : column * n / width;
		size_t end = blanks ? first + 1 : (column + 1) * n / width;
		float point = NAN;
		int level = 0;

		for (size_t i = first; column >= blanks && i < end; i++)
			if (isnan(point) || points[i] > point)
				point = points[i];
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

void compact_number(struct text *out, double number)
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

/* Gives a column its width and a blank, if enough columns are left for the metric. */
static void assign_column(size_t *left, size_t *column, size_t width)
{
	if (!width || *left < METRIC_COLUMNS + width + 1)
		return;
	*column = width;
	*left -= width + 1;
}

void top_layout_init(struct top_layout *layout, size_t width, size_t place, bool utf8)
{
	size_t chart = width >= 140 ? 30 : width >= 72 ? 15 : 0;

	*layout = (struct top_layout){ .utf8 = utf8 };
	assign_column(&width, &layout->rate, NUMBER_COLUMNS);
	assign_column(&width, &layout->value, NUMBER_COLUMNS);
	assign_column(&width, &layout->place, place < PLACE_COLUMNS ? place : PLACE_COLUMNS);
	assign_column(&width, &layout->chart, chart);
	layout->metric = width;
}

static void add_row(const struct top_layout *layout, struct text *out, const char *place,
		    const char *metric, const char *value, const char *rate, const char *chart)
{
	const struct {
		const char *s;
		size_t width;
		bool right;
	} columns[] = {
		{ place, layout->place },	{ metric, layout->metric },
		{ value, layout->value, true }, { rate, layout->rate, true },
		{ chart, layout->chart },
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (!columns[i].width)
			continue;
		if (!first)
			text_addc(out, ' ');
		first = false;
		column_fit(out, columns[i].s, columns[i].width, columns[i].right, layout->utf8);
	}
}

void top_row_header(const struct top_layout *layout, struct text *out)
{
	add_row(layout, out, "WHERE", "METRIC", "VALUE", "RATE/S", "LAST MINUTE");
}

void top_row_series(const struct top_layout *layout, const struct series *series, size_t points,
		    struct text *out)
{
	_cleanup_text_ struct text value = {}, rate = {}, chart = {};

	compact_number(&value, series->value);
	compact_number(&rate, series->rate);
	bar_chart(&chart, series->points, points, layout->chart, layout->utf8);
	add_row(layout, out, series->place, column_skip(series->metric, layout->skip, layout->utf8),
		text_str(&value), text_str(&rate), text_str(&chart));
}
