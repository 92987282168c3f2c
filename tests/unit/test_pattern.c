/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/pattern.h"
#include "fixture.h"

static struct netif interfaces[] = {
	{ 1, 0, "lo" },	   { 2, 0, "br1" },   { 3, 0, "br2" },
	{ 4, 2, "port1" }, { 5, 3, "port2" }, { 6, 0, "eth0" },
	{ 7, 0, "eth10" }, { 8, 9, "port3" }, { 9, 0, "bond0.5" },
};
static const struct netif_list list = { interfaces, ARRAY_SIZE(interfaces) };

/*
 * Appends the names of the interfaces for which test() is true: pattern_matches() or
 * pattern_keeps().
 */
static void names(const struct pattern *pattern,
		  bool (*test)(const struct pattern *, const struct netif_list *,
			       const struct netif *),
		  struct text *out)
{
	for (size_t i = 0; i < list.n; i++)
		if (test(pattern, &list, &list.items[i]))
			text_printf(out, "%s%s", out->len ? " " : "", list.items[i].name);
}

static void test_which(void **state)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: a regular expression */
		const char *matches;
		const char *keeps;
	} cases[] = {
		{ "eth0", "eth0", "eth0", "lo br1 br2 port1 port2 eth0 eth10 port3 bond0.5" },
		{ "eth", "eth", "", "lo br1 br2 port1 port2 eth0 eth10 port3 bond0.5" },
		{ "bond0.5", "bond0.5", "bond0.5",
		  "lo br1 br2 port1 port2 eth0 eth10 port3 bond0.5" },
		{ "br1:port1", "port1", "port1", "port1" },
		{ "br1:port2", "port2", "", "port1" },
		{ "br2:port2", "port2", "port2", "port2" },
		{ "nosuch:port1", "port1", "", "" },
		/* The bridge of port3 has the index 9 and another name. */
		{ "br1:port3", "port3", "", "port1" },
		{ "bond0.5:port3", "port3", "port3", "port3" },
		{ "/eth/", NULL, "eth0 eth10", "eth0 eth10" },
		{ "/^eth[0-9]$/", NULL, "eth0", "eth0" },
		{ "/^(lo|br[12])$/", NULL, "lo br1 br2", "lo br1 br2" },
		{ "/./", NULL, "lo br1 br2 port1 port2 eth0 eth10 port3 bond0.5",
		  "lo br1 br2 port1 port2 eth0 eth10 port3 bond0.5" },
		/*
		 * A slash inside is part of the expression; a colon in it does not name a bridge.
		 */
		{ "/a/b/", NULL, "", "" },
		{ "/^[[:alpha:]]+$/", NULL, "lo", "lo" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern *pattern = pattern_new(cases[i].text, NULL);
		_cleanup_text_ struct text matches = {}, keeps = {};

		assert_non_null(pattern);
		assert_string_equal(pattern->text, cases[i].text);
		assert_null(pattern->position);
		if (cases[i].name)
			assert_string_equal(pattern_name(pattern), cases[i].name);
		else
			assert_null(pattern_name(pattern));
		names(pattern, pattern_matches, &matches);
		names(pattern, pattern_keeps, &keeps);
		assert_string_equal(text_str(&matches), cases[i].matches);
		assert_string_equal(text_str(&keeps), cases[i].keeps);
		assert_null(pattern_free(pattern));
	}
}

static void test_lifetime(void **state)
{
	char text[] = "br1:port1", position[] = "before:edge";
	struct pattern *pattern = pattern_new(text, position);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memset(position, 'x', sizeof(position) - 1);
	assert_string_equal(pattern->text, "br1:port1");
	assert_string_equal(pattern->position, "before:edge");
	assert_string_equal(pattern->bridge, "br1");
	pattern_free(pattern);
	assert_null(pattern_free(NULL));
	/* An expression that was not checked by settings_set() and is invalid gives NULL. */
	assert_null(pattern_new("/(/", "first"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_lifetime),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
