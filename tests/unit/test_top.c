/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl top and watch without a terminal. */
#include "ctl/column.h"
#include "ctl/subcommand.h"
#include "ctl/table.h"
#include "ctl/top_row.h"
#include "fixture.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

static void test_columns(void **state)
{
	static const struct {
		const char *s;
		size_t width;
		bool right, utf8;
		const char *expected;
	} cases[] = {
		{ "abc", 5, false, true, "abc  " },
		{ "abc", 5, true, true, "  abc" },
		{ "abc", 3, true, true, "abc" },
		{ "abcd", 3, false, true, "ab…" },
		{ "abcd", 3, true, false, "ab~" },
		{ "abcd", 1, false, false, "~" },
		{ "abcd", 0, false, true, "" },
		{ "", 2, false, true, "  " },
		{ "", 0, true, true, "" },
		{ "äö", 3, false, true, "äö " },
		{ "äö", 14, false, false, "\\u00e4\\u00f6  " },
		{ "äö", 11, false, false, "\\u00e4    ~" },
		{ "漢字", 4, false, true, "漢字" },
		{ "漢字", 3, false, true, "漢…" },
		{ "漢字x", 4, false, true, "漢 …" },
		{ "a\033[1m\tb", 14, false, true, "a\\x1b[1m\\x09b " },
		{ "\xff\xfe", 9, false, true, "\\xff\\xfe " },
		{ "\xe2\x82", 9, true, true, " \\xe2\\x82" },
		{ "\xc2\x9b\xe2\x80\xae", 7, false, true, "\\u009b…" },
		{ "\xe2\x80\xae", 5, false, true, "    …" },
		/* a character of unknown width */
		{ "\xf0\xaf\xbf\xbd", 12, false, true, "\\ud87f\\udffd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct text out = {};

		column_fit(&out, cases[i].s, cases[i].width, cases[i].right, cases[i].utf8);
		if (strcmp(text_str(&out), cases[i].expected) != 0)
			fail_msg("\"%s\" in %zu: \"%s\"", cases[i].s, cases[i].width,
				 text_str(&out));
		assert_int_equal(column_width(text_str(&out), cases[i].utf8), cases[i].width);
	}
	assert_string_equal(column_skip("äöx", 2, true), "x");
	assert_string_equal(column_skip("abc", 9, true), "");
}

static void test_table(void **state)
{
	_cleanup_(table_release) struct table table = { .columns = 3,
							.indent = "> ",
							.header = true };
	char read[200] = "";
	_cleanup_fclose_ FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	table_add(&table, "a");
	table_add(&table, "long");
	table_add(&table, "c");
	table_add(&table, "漢字");
	table_printf(&table, "%d", 7);
	table_add(&table, "the last one is as long as it is");
	assert_int_equal(table_print(&table, file, NULL), 0);
	rewind(file);
	assert_true(fread(read, 1, sizeof(read) - 1, file) > 0);
	assert_string_equal(read, "> a     long  c\n"
				  "> 漢字  7     the last one is as long as it is\n");
}

static void test_bar_charts(void **state)
{
	static const struct {
		float points[8];
		size_t n, width;
		bool utf8;
		const char *expected;
	} cases[] = {
		{ { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, 8, true, "▁▂▃▄▅▆▇█" },
		{ { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, 8, false, "_.-~=+*#" },
		/* a small value differs from zero */
		{ { 0, 0.001f, 1000 }, 3, 3, true, "▁▂█" },
		{ { 0, 0 }, 2, 2, true, "▁▁" },
		{ { 5, 5 }, 2, 2, true, "██" },
		{ { -2, 0, 2 }, 3, 3, false, "_=#" },
		{ { -2, -2 }, 2, 2, false, "__" },
		/* aligned to the right; a peak is never lost by scaling down */
		{ { 1, 2 }, 2, 4, false, "  =#" },
		{ { 0, 9, 0, 0, 0, 0, 0, 0 }, 8, 4, false, "#___" },
		{ { 0, 0, 0, 0, 0, 0, 0, 9 }, 7, 3, false, "___" },
		{ { NAN, 1, NAN, 0 }, 4, 4, false, " # _" },
		{ { NAN, NAN }, 2, 2, false, "  " },
		{ { INFINITY, 1, 0 }, 3, 3, false, "##_" },
		{ { 1 }, 1, 0, false, "" },
		{ { 1 }, 0, 2, false, "  " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct text out = {};

		bar_chart(&out, cases[i].points, cases[i].n, cases[i].width, cases[i].utf8);
		if (strcmp(text_str(&out), cases[i].expected) != 0)
			fail_msg("case %zu: \"%s\"", i, text_str(&out));
	}
}

static void test_numbers(void **state)
{
	static const struct {
		double number;
		const char *expected;
	} cases[] = {
		{ 0, "0" },
		{ 12, "12" },
		{ -7, "-7" },
		{ 999999, "999999" },
		{ 1e6, "1.0M" },
		{ 12345678, "12.3M" },
		{ 999999999, "1.0G" },
		{ 18446744073709551615.0, "18.4E" },
		{ 1e30, "1e+12E" },
		{ 0.25, "0.25" },
		{ 0.001, "1.0e-03" },
		{ -0.001, "-1.0e-03" },
		{ 9.994, "9.99" },
		{ 9.996, "10.0" },
		{ 1234.56, "1234.6" },
		{ 99999.94, "99999.9" },
		{ 99999.96, "100.0k" },
		{ -123456.7, "-123.5k" },
		{ NAN, "-" },
		{ INFINITY, "+Inf" },
		{ -INFINITY, "-Inf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct text out = {};

		compact_number(&out, cases[i].number);
		if (strcmp(text_str(&out), cases[i].expected) != 0)
			fail_msg("%.17g: \"%s\"", cases[i].number, text_str(&out));
		assert_true(out.len <= 8);
	}
}

static struct series *take(struct rates *rates, const char *text, bool counter, double value)
{
	const struct sample sample = { text, series_name_len(text), "", counter, value };

	return rates_update(rates, &sample);
}

static void test_rates(void **state)
{
	struct series *hits, *level;
	struct rates rates;

	(void)state;
	assert_int_equal(rates_init(&rates, 10, NULL), 0);
	assert_int_equal(rates.points, 6);
	rates_begin(&rates, 100);
	hits = take(&rates, "hits_total{direction=\"ingress\",monitor=\"m\",k=\"a b\",j=\"\"}",
		    true, 10);
	level = take(&rates, "level", false, 5);
	assert_int_equal(rates_end(&rates, NULL), 0);
	assert_string_equal(hits->place, "ingress m");
	assert_string_equal(hits->metric, "hits_total k=a b j=");
	assert_string_equal(level->place, "");
	assert_true(isnan(hits->rate) && isnan(hits->points[5]) && level->points[5] == 5);

	rates_begin(&rates, 104);
	assert_ptr_equal(take(&rates, hits->text, true, 30), hits);
	assert_ptr_equal(take(&rates, "level", false, 4), level);
	assert_int_equal(rates_end(&rates, NULL), 0);
	assert_true(hits->rate == 5 && hits->points[5] == 5 && isnan(hits->points[4]));
	assert_true(isnan(level->rate) && level->points[5] == 4 && level->points[4] == 5);

	/* Counter reset: the new value is the increase. */
	rates_begin(&rates, 106);
	take(&rates, hits->text, true, 3);
	assert_int_equal(rates_end(&rates, NULL), 0);
	assert_true(hits->rate == 1.5);
	assert_true(isnan(level->points[5]));

	/* Missing in this read: no rate, neither now nor across the gap. */
	rates_begin(&rates, 108);
	assert_int_equal(rates_end(&rates, NULL), 0);
	assert_true(isnan(hits->rate) && isnan(hits->points[5]));
	rates_begin(&rates, 110);
	take(&rates, hits->text, true, 100);
	assert_int_equal(rates_end(&rates, NULL), 0);
	assert_true(isnan(hits->rate));
	assert_int_equal(rates.n, 2);

	/* A series is forgotten after a minute; the others are still found. */
	for (int i = 0; i < 4; i++) {
		rates_begin(&rates, 120 + i);
		take(&rates, hits->text, true, 100);
		assert_int_equal(rates_end(&rates, NULL), 0);
	}
	assert_int_equal(rates.n, 1);
	assert_true(hits->rate == 0);
	rates_release(&rates);
}

static void test_limit(void **state)
{
	struct rates rates;
	char name[32];

	(void)state;
	assert_int_equal(rates_init(&rates, 1, NULL), 0);
	for (int read = 0; read < 2; read++) {
		rates_begin(&rates, read);
		for (int i = 0; i < RATES_SERIES_MAX + 5; i++) {
			snprintf(name, sizeof(name), "n%d", i);
			assert_true(!take(&rates, name, true, i) == (i >= RATES_SERIES_MAX));
		}
		assert_int_equal(rates_end(&rates, NULL), 0);
		assert_int_equal(rates.n, RATES_SERIES_MAX);
		assert_int_equal(rates.left_out, 5);
	}
	/* Forgotten series make room for new ones. */
	for (int read = 2; read < 2 + RATES_SECONDS; read++) {
		rates_begin(&rates, read);
		assert_int_equal(rates_end(&rates, NULL), 0);
	}
	assert_int_equal(rates.n, 0);
	rates_begin(&rates, 100);
	assert_non_null(take(&rates, "n1", true, 1));
	rates_release(&rates);
}

static void test_select(void **state)
{
	static const struct {
		const char *search;
		enum rates_order order;
		bool reverse;
		const char *expected;
	} cases[] = {
		{ NULL, ORDER_RATE, false, "b_total a_total g h" },
		{ NULL, ORDER_RATE, true, "g h a_total b_total" },
		{ NULL, ORDER_VALUE, false, "a_total g h b_total" },
		{ NULL, ORDER_NAME, false, "a_total b_total g h" },
		{ NULL, ORDER_NAME, true, "h g b_total a_total" },
		{ "TOTAL", ORDER_NAME, false, "a_total b_total" },
		{ "edge", ORDER_NAME, false, "g" },
		{ "x", ORDER_NAME, false, "" },
		{ "", ORDER_NAME, false, "a_total b_total g h" },
	};
	struct rates rates;

	(void)state;
	assert_int_equal(rates_init(&rates, 1, NULL), 0);
	for (int i = 0; i < 2; i++) {
		rates_begin(&rates, i);
		take(&rates, "a_total", true, 100 + i);
		take(&rates, "b_total", true, 5 * i);
		take(&rates, "g{monitor=\"Edge\"}", false, 50);
		take(&rates, "h", false, 50);
		rates_end(&rates, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct series **list = NULL;
		_cleanup_text_ struct text names = {};
		size_t n;

		assert_int_equal(rates_select(&rates, cases[i].search, cases[i].order,
					      cases[i].reverse, &list, &n, NULL),
				 0);
		for (size_t j = 0; j < n; j++)
			text_printf(&names, "%s%s", j ? " " : "", list[j]->metric);
		if (strcmp(text_str(&names), cases[i].expected) != 0)
			fail_msg("case %zu: %s", i, text_str(&names));
	}
	rates_release(&rates);
}

/* A line is exactly as wide as the terminal. */
static void test_layout(void **state)
{
	struct series series = {
		.place = (char *)"edge eth0 ingress",
		.metric = (char *)"flow_packets_total saddr=10.9.0.2",
		.value = 1e9,
		.rate = 12.5,
	};

	(void)state;
	for (size_t width = 0; width <= 300; width++) {
		_cleanup_text_ struct text header = {}, row = {};
		struct top_layout layout;

		top_layout_init(&layout, width, column_width(series.place, true), true);
		top_row_header(&layout, &header);
		top_row_series(&layout, &series, RATES_SECONDS, &row);
		assert_int_equal(column_width(text_str(&header), true), width);
		assert_int_equal(column_width(text_str(&row), true), width);
		assert_true(width < 27 || strstr(text_str(&row), "12.5"));
		assert_true(width < 16 || strstr(text_str(&row), "flow_packets"));
		assert_true((width >= 72) == !!layout.chart);
		layout.skip = 5;
		text_clear(&row);
		top_row_series(&layout, &series, RATES_SECONDS, &row);
		assert_int_equal(column_width(text_str(&row), true), width);
		assert_true(width < 16 || (strstr(text_str(&row), "packets_tot") &&
					   !strstr(text_str(&row), "flow_")));
	}
}

/* Behaviour without ncurses. */
static void test_none(void **state)
{
	const struct options options = { .socket_file = "/none", .interval = 1 };
	_cleanup_error_ struct error err = {};

	(void)state;
	assert_int_equal(ctl_top(&options, NULL, 0, &err), -EOPNOTSUPP);
	assert_string_equal(error_message(&err), "top: this dynmonctl was built without ncursesw; "
						 "use watch to print lines");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),	   cmocka_unit_test(test_table),
		cmocka_unit_test(test_bar_charts), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rates),	   cmocka_unit_test(test_limit),
		cmocka_unit_test(test_select),	   cmocka_unit_test(test_layout),
		cmocka_unit_test(test_none),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
