/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/layout.h"
#include "ctl/column.h"
#include "ctl/spark.h"

#define NUMBER_COLUMNS 9
#define WHERE_COLUMNS  28
#define METRIC_COLUMNS 16 /* minimum; other columns are omitted before the metric gets narrower */

/* Assigns the width of a column and a blank, if enough columns are left for the metric. */
static void layout_take(size_t *width, size_t *column, size_t columns)
{
	if (*width < METRIC_COLUMNS + columns + 1)
		return;
	*column = columns;
	*width -= columns + 1;
}

void layout_init(struct layout *layout, size_t width, size_t where, bool utf8)
{
	size_t spark = width >= 140 ? 30 : width >= 72 ? 15 : 0;

	*layout = (struct layout){ .utf8 = utf8 };
	if (where > WHERE_COLUMNS)
		where = WHERE_COLUMNS;
	layout_take(&width, &layout->rate, NUMBER_COLUMNS);
	layout_take(&width, &layout->value, NUMBER_COLUMNS);
	if (where)
		layout_take(&width, &layout->where, where);
	if (spark)
		layout_take(&width, &layout->spark, spark);
	layout->metric = width;
}

static void layout_add(const struct layout *layout, struct text *out, const char *s, size_t width,
		       bool right)
{
	if (!width)
		return;
	column_fit(out, s, width, right, layout->utf8);
	text_addc(out, ' ');
}

void layout_header(const struct layout *layout, struct text *out)
{
	layout_add(layout, out, "WHERE", layout->where, false);
	layout_add(layout, out, "METRIC", layout->metric, false);
	layout_add(layout, out, "VALUE", layout->value, true);
	layout_add(layout, out, "RATE/S", layout->rate, true);
	layout_add(layout, out, "LAST MINUTE", layout->spark, false);
	out->len -= out->len > 0;
}

void layout_row(const struct layout *layout, const struct series *series, size_t points,
		struct text *out)
{
	_cleanup_text_ struct text value = {}, rate = {}, spark = {};

	spark_number(&value, series->value);
	spark_number(&rate, series->rate);
	spark_draw(&spark, series->points, points, layout->spark, layout->utf8);
	layout_add(layout, out, series->where, layout->where, false);
	layout_add(layout, out, column_skip(series->metric, layout->skip, layout->utf8),
		   layout->metric, false);
	layout_add(layout, out, text_str(&value), layout->value, true);
	layout_add(layout, out, text_str(&rate), layout->rate, true);
	layout_add(layout, out, text_str(&spark), layout->spark, false);
	out->len -= out->len > 0;
}
