/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "fixture.h"
#include "monitor/operation.h"
#include "monitor/registry.h"
#include "monitor/reload.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>

#define ROUNDS 300

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct config { __u32 rate; __u32 other; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32);\n"
	"	__type(value, struct config); __uint(max_entries, 2); } CONFIG SEC(\".maps\");\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) {\n"
	"	__u32 zero = 0; return bpf_map_lookup_elem(&CONFIG, &zero) ? -1 : 0; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";
static const char document[] = "{\"ingress-path\":{\"object\":\"good.o\"}}";

static char *folder;
static bool possible;
static struct text logged;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_log(enum log_level level, const char *line)
{
	pthread_mutex_lock(&log_lock);
	if (level == LOG_LEVEL_ERR)
		text_printf(&logged, "%s\n", line);
	pthread_mutex_unlock(&log_lock);
}

static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {};

	(void)state;
	folder = folder_make();
	log_set_sink(keep_log);
	possible = bpf_possible() && object_compile(source, &elf);
	if (possible)
		file_make(folder, "good.o", elf.data, elf.len, 0600);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	text_release(&logged);
	folder_remove(folder);
	free(folder);
	return 0;
}

static struct registry *registry_make(void)
{
	const struct compiler compiler = {};
	struct registry *registry;

	text_clear(&logged);
	assert_int_equal(registry_new(&compiler, folder, NULL, &registry, NULL), 0);
	return registry;
}

/* Configures the feeds, one per line: name, then options with values. Returns the report. */
static char *feeds_from(struct registry *registry, const char *lines)
{
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_free_ char *copy = strdup(lines);
	_cleanup_error_ struct error err = {};
	struct text report = {};
	char *rest = copy, *line;

	assert_int_equal(settings_init(&settings, NULL), 0);
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strsep(&line, " "), *option;
		struct settings_node node;

		if (!*name)
			continue;
		assert_int_equal(settings_open(settings_root(&settings), "Feed", name, &node, NULL),
				 0);
		while ((option = strsep(&line, " ")))
			if (settings_set(node, option, strsep(&line, " "), &err) < 0)
				fail_msg("%s", error_message(&err));
	}
	assert_int_equal(feeds_set(registry->feeds, &settings, &report, NULL), 0);
	return text_steal(&report);
}

static int get(void *data, const char *data_source, double *ret, struct error *err)
{
	if (data_source && strcmp(data_source, "value") != 0)
		return error_set(err, -ENOENT, "no data source \"%s\"", data_source);
	*ret = *(double *)data;
	return 0;
}

static void come(struct registry *registry, const char *id, double time, double value)
{
	const struct feed_source from = {
		.id = id, .own = true, .time = time, .get = get, .data = &value
	};

	registry_feed(registry, &from);
}

/* Delivers a value of another host, or of a sender that claims to be this host. */
static void come_in(struct registry *registry, const char *id, double value)
{
	const struct feed_source from = { .id = id, .time = 1, .get = get, .data = &value };

	registry_feed(registry, &from);
}

static void inject(struct registry *registry, const char *text, struct text *warnings)
{
	const struct injection injection = { .monitor = "edge",
					     .bytes = text,
					     .len = strlen(text) };
	_cleanup_error_ struct error err = {};

	if (registry_inject(registry, &injection, warnings, &err) < 0)
		fail_msg("%s", error_message(&err));
}

static uint32_t field(struct registry *registry, int which)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	const uint32_t key = 1;
	uint32_t config[2];
	const struct object *object;

	assert_int_equal(registry_snapshot(registry, "edge", &snapshot, NULL), 0);
	object = snapshot.items[0].generation->directions[INGRESS].object;
	assert_int_equal(
		bpf_map_lookup_elem(object_map_fd(object_find_map(object, "CONFIG")), &key, config),
		0);
	return config[which];
}

static const struct {
	const char *match, *id;
	bool matches;
} matches[] = {
	{ "load/load", "host/load/load", true },
	{ "load/load", "host/load/load-a", false },
	{ "load/load", "host/load-a/load", false },
	{ "load/load", "host/cpu/load", false },
	{ "load*/load*", "host/load-a/load-b", true },
	{ "host/load/load", "host/load/load", true },
	{ "host/load/load", "other/load/load", false },
	{ "*/load/load", "other/load/load", true },
	{ "cpu-[01]/cpu-idle", "h/cpu-1/cpu-idle", true },
	{ "cpu-[01]/cpu-idle", "h/cpu-2/cpu-idle", false },
	{ "cpu-?/cpu-idle", "h/cpu-12/cpu-idle", false },
	{ "*/*", "h/cpu-12/cpu-idle", true },
	{ "*/*/*", "h/cpu-12/cpu-idle", true },
	{ "l\\*/load", "h/load/load", false },
	{ "inter-eth0/if_octets-a/b", "inter-eth0/if_octets-a/b", true },
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		const struct feed_settings settings = { .match = (char *)matches[i].match };

		if (feed_settings_match(&settings, matches[i].id) != matches[i].matches)
			fail_msg("%s, %s", matches[i].match, matches[i].id);
	}
}

/* A plugin is wanted if a feed can match its values; a pattern as plugin name wants all plugins. */
static void test_plugins_that_are_wanted(void **state)
{
	struct registry *registry = registry_make();
	int unwanted = 0;

	(void)state;
	assert_false(feeds_want(registry->feeds, "load"));
	free(feeds_from(registry, "a Match load/load Monitor edge Map CONFIG\n"
				  "b Match host/cpu-0/cpu-idle Monitor edge Map CONFIG"));
	assert_true(feeds_want(registry->feeds, "load"));
	assert_true(feeds_want(registry->feeds, "cpu"));
	assert_true(feeds_want(registry->feeds, "cpu-odd"));
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		unwanted += !feeds_want(registry->feeds, name);
	}
	assert_true(unwanted > 80);
	free(feeds_from(registry, "a Match l*/load Monitor edge Map CONFIG"));
	assert_true(feeds_want(registry->feeds, "memory"));
	free(feeds_from(registry, ""));
	assert_false(feeds_want(registry->feeds, "load"));
	registry_free(registry);
}

static void expect_values(struct registry *registry, uint64_t feeds, uint64_t values,
			  uint64_t errors)
{
	struct feed_stats figures;
	uint64_t waits;

	registry_feed_stats(registry, &figures, &waits);
	assert_int_equal(figures.feeds, feeds);
	assert_int_equal(figures.values, values);
	assert_int_equal(figures.errors, errors);
}

static void test_values_that_count(void **state)
{
	struct registry *registry = registry_make();
	_cleanup_free_ char *said = NULL;

	(void)state;
	free(feeds_from(registry, "a Match load/load Monitor edge Map CONFIG\n"
				  "b Match load/load DataSource nosuch Monitor edge Map CONFIG"));
	come(registry, "h/load/load", 10, 1);
	come(registry, "h/load/load", 9, 2); /* late: an older timestamp */
	come(registry, "h/load/load", 11, NAN);
	come(registry, "h/cpu/cpu", 12, 3);
	come(registry, "other/load/load", 5, 4); /* another host has its own clock */
	expect_values(registry, 2, 2, 4);
	assert_string_equal(text_str(&logged), "feed \"b\": no data source \"nosuch\"\n");
	/* Totals do not decrease when feeds are removed. */
	said = feeds_from(registry, "a Match load/load Monitor edge Map CONFIG");
	assert_string_equal(said, "feed \"b\": removed, it is not configured any more\n");
	expect_values(registry, 1, 2, 4);
	registry_free(registry);
}

static void test_values_of_others(void **state)
{
	struct registry *registry = registry_make();

	(void)state;
	free(feeds_from(registry, "own Match load/load Monitor edge Map CONFIG\n"
				  "one Match far/load/load Monitor edge Map CONFIG\n"
				  "all Match */load/load Monitor edge Map CONFIG"));
	come_in(registry, "h/load/load", 1);
	come_in(registry, "far/load/load", 2);
	come_in(registry, "h/cpu/cpu", 3);
	expect_values(registry, 3, 3, 0); /* "one" takes one value, "all" both */
	assert_string_equal(
		text_str(&logged),
		"feed \"own\": a value that came from another host or over the network "
		"is ignored: Match \"load/load\" takes only values of this host itself; "
		"write \"HOST/load/load\" or \"*/load/load\" to accept values of other "
		"hosts\n");
	come(registry, "h/load/load", 4, 4);
	expect_values(registry, 3, 5, 0);
	registry_free(registry);
}

static void test_a_monitor_that_comes_later(void **state)
{
	struct registry *registry = registry_make();
	_cleanup_text_ struct text report = {}, json = {};

	(void)state;
	if (!possible)
		skip();
	free(feeds_from(registry, "a Match load/load Monitor edge Map CONFIG Key 1 Field rate "
				  "Scale 10"));
	registry_report_feeds(registry, &report);
	registry_report_feeds(registry, &report);
	assert_string_equal(text_str(&report),
			    "feed \"a\": no monitor is called \"edge\", waiting for it\n");
	come(registry, "h/load/load", 10, 0.52);
	inject(registry, document, &report);
	assert_int_equal(field(registry, 0), 5);
	come(registry, "h/load/load", 11, 0.7);
	assert_int_equal(field(registry, 0), 7);
	/* Same source, another field and factor. */
	free(feeds_from(registry, "a Match load/load Monitor edge Map CONFIG Key 1 Field other "
				  "Scale 100"));
	assert_int_equal(registry_apply(registry, NULL, "edge", true, &report, NULL), 0);
	assert_int_equal(field(registry, 1), 70);
	/* Another source, without a value so far. */
	free(feeds_from(registry, "a Match cpu/load Monitor edge Map CONFIG Key 1 Field other"));
	assert_int_equal(registry_apply(registry, NULL, "edge", true, &report, NULL), 0);
	assert_int_equal(field(registry, 1), 70);
	assert_int_equal(registry_feeds_json(registry, "edge", &json, NULL), 0);
	assert_true(contains(text_str(&json), "\"from\":null,\"value\":null,\"time\":null,"
					      "\"values\":2,\"errors\":0,\"last-error\":null}]"));
	assert_int_equal(registry_feeds_json(registry, "none", &json, NULL), -ENOENT);
	registry_free(registry);
}

static void test_what_cannot_be_fed(void **state)
{
	struct registry *registry = registry_make();
	_cleanup_text_ struct text warnings = {}, json = {};

	(void)state;
	if (!possible)
		skip();
	free(feeds_from(registry,
			"a Match load/load Monitor edge Map CONFG\n"
			"b Match load/load Monitor edge Map CONFIG Field rate Path egress"));
	inject(registry, document, &warnings);
	assert_true(contains(text_str(&warnings),
			     "feed \"a\": ingress: there is no map \"CONFG\"; there are CONFIG\n"
			     "feed \"b\": no program runs on egress\n"));
	come(registry, "h/load/load", 10, 1);
	come(registry, "h/load/load", 11, 1);
	expect_values(registry, 2, 4, 4);
	assert_string_equal(text_str(&logged), "");
	assert_int_equal(registry_feeds_json(registry, "edge", &json, NULL), 0);
	assert_true(contains(text_str(&json), "\"last-error\":\"no program runs on egress\"}]"));
	registry_free(registry);
}

/* -- concurrency -- */

static _Atomic int next_value;

static void *feeding(void *data)
{
	for (int i = 0; i < ROUNDS; i++) {
		int value = ++next_value;

		come(data, "h/load/load", value, value);
	}
	return NULL;
}

static void *configuring(void *data)
{
	for (int i = 0; i < ROUNDS / 10; i++) {
		_cleanup_text_ struct text report = {};
		_cleanup_text_ struct text json = {};

		free(feeds_from(data,
				i % 2 ? "a Match load/load Monitor edge Map CONFIG Key 1 "
					"Field rate\nb Match load/load Monitor edge Map CONFIG"
				      : "a Match load/load Monitor edge Map CONFIG Key 1 "
					"Field rate"));
		registry_feeds_json(data, "edge", &json, NULL);
		registry_report_feeds(data, &report);
	}
	return NULL;
}

/* The last value is in the map regardless of concurrent reloads and reconfiguration. */
static void test_values_while_all_changes(void **state)
{
	struct registry *registry = registry_make();
	pthread_t threads[3];

	(void)state;
	if (!possible)
		skip();
	next_value = 0;
	free(feeds_from(registry, "a Match load/load Monitor edge Map CONFIG Key 1 Field rate"));
	assert_int_equal(pthread_create(&threads[0], NULL, feeding, registry), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, feeding, registry), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, configuring, registry), 0);
	for (int i = 0; i < 20; i++) {
		_cleanup_text_ struct text warnings = {};

		inject(registry, document, &warnings);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(field(registry, 0), 2 * ROUNDS);
	registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_plugins_that_are_wanted),
		cmocka_unit_test(test_values_that_count),
		cmocka_unit_test(test_values_of_others),
		cmocka_unit_test(test_a_monitor_that_comes_later),
		cmocka_unit_test(test_what_cannot_be_fed),
		cmocka_unit_test(test_values_while_all_changes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
