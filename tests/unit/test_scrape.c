/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/scrape.h"
#include "fixture.h"

#include <errno.h>
#include <math.h>

/* Lines of consecutive expositions. code 1: a sample with the expected result. */
static const struct {
	const char *line;
	int code;
	const char *series;
	size_t name_len;
	bool counter;
	double value;
} lines[] = {
	{ "# HELP a Words # EOF", 0 },
	{ "# TYPE a counter", 0 },
	{ "a_total 1", 1, "a_total", 7, true, 1 },
	{ "a_total{x=\"1\"} 12.5 1795415749.158", 1, "a_total{x=\"1\"}", 7, true, 12.5 },
	{ "a_created 1795415749", 1, "a_created", 9, false, 1795415749 },
	{ "# TYPE b gauge", 0 },
	{ "b{x=\"} \\\" {\\\\\",y=\"\"} -1e3", 1, "b{x=\"} \\\" {\\\\\",y=\"\"}", 1, false, -1000 },
	{ "b_total +Inf", 1, "b_total", 7, false, INFINITY },
	{ "# TYPE h histogram", 0 },
	{ "h_bucket{le=\"+Inf\"} 3", 1, "h_bucket{le=\"+Inf\"}", 8, true, 3 },
	{ "h_sum 3", 1, "h_sum", 5, true, 3 },
	{ "h_count 3 # {id=\"7\"} 1", 1, "h_count", 7, true, 3 },
	{ "# TYPE s summary", 0 },
	{ "s{quantile=\"0.5\"} 3", 1, "s{quantile=\"0.5\"}", 1, false, 3 },
	{ "s_count 3", 1, "s_count", 7, true, 3 },
	{ "# TYPE", 0 },
	{ "# TYPE  ", 0 },
	{ "s_count 3", 1, "s_count", 7, false, 3 },
	{ "", -EPROTO },
	{ "a", -EPROTO },
	{ "a ", -EPROTO },
	{ "a x", -EPROTO },
	{ "a 1x", -EPROTO },
	{ "{x=\"1\"} 1", -EPROTO },
	{ "a{x=\"1\" 1", -EPROTO },
	{ "a{x=\"\\", -EPROTO },
};

static void test_lines(void **state)
{
	_cleanup_(scrape_release) struct scrape scrape = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *line = strdup(lines[i].line);
		_cleanup_error_ struct error err = {};
		struct sample sample;
		int r = scrape_line(&scrape, line, &sample, &err);

		if (r != lines[i].code)
			fail_msg("%s: %d %s", lines[i].line, r, error_message(&err));
		assert_false(scrape.ended);
		if (r <= 0)
			continue;
		assert_string_equal(sample.series, lines[i].series);
		assert_int_equal(sample.name_len, lines[i].name_len);
		if (sample.counter != lines[i].counter || sample.value != lines[i].value)
			fail_msg("%s: %d %g", lines[i].line, sample.counter, sample.value);
	}
	assert_int_equal(scrape_line(&scrape, (char[]){ "# EOF" }, &(struct sample){}, NULL), 0);
	assert_true(scrape.ended);
}

static void test_labels(void **state)
{
	static const struct {
		const char *series, *labels;
	} cases[] = {
		{ "a", "" },
		{ "a{}", "" },
		{ "a{x=\"1\"}", "x=1;" },
		{ "a{x=\"1\",yz=\"\"}", "x=1;yz=;" },
		{ "a{x=\"a\\\"b\\\\c\\nd,e=}\",y=\"2\"}", "x=a\"b\\c\nd,e=};y=2;" },
		{ "a{x=\"C:\\\\new\"}", "x=C:\\new;" },
		{ "a{x=\"ends", "x=ends;" },
		{ "a{x=\"ends\\", "x=ends\\;" },
		{ "a{x}", "" },
		{ "a{x=1}", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *at = cases[i].series + series_name_len(cases[i].series), *name;
		_cleanup_text_ struct text value = {}, all = {};
		size_t len;

		while (series_label(&at, &name, &len, &value)) {
			text_add(&all, name, len);
			text_printf(&all, "=%s;", text_str(&value));
		}
		assert_string_equal(text_str(&all), cases[i].labels);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
