/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processing of exposition text in dynmonctl top: lines, series, rates, and rows of any width, in
 * UTF-8 and ASCII. Built and run by tests/run fuzz.
 */
#include "ctl/column.h"
#include "ctl/top_row.h"

#include <locale.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void draw(const struct rates *rates, const struct series *series, size_t width, bool utf8)
{
	_cleanup_text_ struct text row = {};
	struct top_layout layout;

	top_layout_init(&layout, width, column_width(series->place, utf8), utf8);
	layout.skip = width % 7;
	top_row_series(&layout, series, rates->points, &row);
	if (column_width(text_str(&row), utf8) != width)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	_cleanup_(scrape_release) struct scrape scrape = {};
	char *rest = text, *line;
	struct rates rates;

	if (!text || rates_init(&rates, 1 + size % RATES_SECONDS, NULL) < 0)
		return 0;
	rates_begin(&rates, 0);
	while ((line = strsep(&rest, "\n"))) {
		_cleanup_error_ struct error err = {};
		struct sample sample;
		int r;

		if (!strcmp(line, "next")) {
			rates_end(&rates, NULL);
			rates_begin(&rates, rates.time + 1);
			continue;
		}
		r = scrape_line(&scrape, line, &sample, &err);
		if ((r < 0) != !!err.message)
			abort();
		if (r > 0)
			rates_update(&rates, &sample);
	}
	rates_end(&rates, NULL);
	for (size_t i = 0; i < rates.n; i++) {
		draw(&rates, rates.all[i], size % 200, true);
		draw(&rates, rates.all[i], size % 90, false);
	}
	rates_release(&rates);
	return 0;
}
