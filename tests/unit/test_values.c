/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"
#include "export/values.h"
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>

static void test_field(void **state)
{
	static const struct {
		const char *text, *field;
	} fields[] = {
		{ "", "" },
		{ "plain-10.0.0.1", "plain-10.0.0.1" },
		{ "tab\tnewline\ndel\x7f", "tab\\x09newline\\x0adel\\x7f" },
		{ "\xc3\xa4", "\xc3\xa4" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xe2\x80\xae\xc2\x9b", "\\u202e\\u009b" },
		{ "10.0.0.0/8", "10.0.0.0_8" },
	};
	char text[301], field[VALUE_FIELD_MAX + 1], other[VALUE_FIELD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		value_field(fields[i].text, strlen(fields[i].text), field);
		assert_string_equal(field, fields[i].field);
	}
	value_field("a/b", 3, field);
	assert_null(strchr(field, '/'));
	value_field("a\0b", 3, field);
	assert_string_equal(field, "a\\x00b");
	for (size_t i = 0; i < 300; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t len = 120; len <= 300; len++) {
		value_field(text, len, field);
		assert_int_equal(strlen(field), len > VALUE_FIELD_MAX ? VALUE_FIELD_MAX : len);
		if (len <= VALUE_FIELD_MAX) {
			assert_memory_equal(field, text, len);
			continue;
		}
		/* the start is kept; a difference after the cut still gives a different field */
		assert_memory_equal(field, text, 100);
		text[len - 1]++;
		value_field(text, len, other);
		text[len - 1]--;
		assert_string_not_equal(field, other);
		value_field(text, len - 1, other);
		assert_string_not_equal(field, other);
		value_field(text, len, other);
		assert_string_equal(field, other);
	}
}

/* A truncated field stays valid UTF-8, because collectd's writers pass it on unchanged. */
static void test_field_utf8(void **state)
{
	char text[202], field[VALUE_FIELD_MAX + 1];

	(void)state;
	for (int shift = 0; shift < 2; shift++) {
		memset(text, 'x', sizeof(text));
		for (size_t i = (size_t)shift; i + 2 <= 200; i += 2)
			memcpy(text + i, "\xc3\xa4", 2);
		value_field(text, 200, field);
		for (const char *at = field; *at;) {
			size_t len = utf8_sequence(at, strlen(at));

			assert_true(len > 0);
			at += len;
		}
	}
	/* escapes lengthen the text; none is truncated */
	memset(text, '\xff', sizeof(text));
	value_field(text, 31, field);
	assert_int_equal(strlen(field), 124);
	value_field(text, 32, field);
	assert_memory_equal(field + 112, "\\xff-", 5);
	assert_int_equal(strlen(field), 125);
}

static const char source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct flow { __s32 id; unsigned char name[8]; _Bool up; };\n"
	"struct pair { __u32 a, b; };\n"
	"MAP(ARRAY, __u32, __u64, 1, ONE);\n"
	"MAP(ARRAY, __u32, double, 2, FLOATS);\n"
	"MAP(ARRAY, __u32, __u64, 8, SLOTS);\n"
	"MAP(ARRAY, __u32, __s32, 2, TWO);\n"
	"MAP(HASH, struct flow, __u64, 10, FLOWS);\n"
	"MAP(HASH, __u32, __u64, 2000, MANY);\n"
	"MAP(ARRAY, __u32, struct pair, 1, PAIRS);\n"
	"struct counts { __u32 n; __u32 counts[3]; };\n"
	"MAP(ARRAY, __u32, struct counts, 1, COUNTS);\n"
	"struct device { struct { __u32 packets, bytes; } queues[2]; __u32 drops; };\n"
	"MAP(ARRAY, __u32, struct device, 1, DEVICE);\n"
	"typedef __u32 couple[2];\n"
	"MAP(ARRAY, __u32, couple, 2, TABLE);\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

static struct object *object;

static int load_object(void **state)
{
	const uint64_t value = 42;
	const int32_t minus = -7;
	const struct {
		int32_t id;
		char name[8];
		bool up;
	} flow = { -1, "a/b c", true };

	(void)state;
	object = object_from_source(source);
	if (!object)
		return 0;
	object_put(object, "COUNTS", &(uint32_t){ 0 }, (uint32_t[]){ 7, 10, 10, 0 });
	object_put(object, "DEVICE", &(uint32_t){ 0 }, (uint32_t[]){ 1, 2, 3, 4, 5 });
	object_put(object, "TABLE", &(uint32_t){ 1 }, (uint32_t[]){ 3, 4 });
	object_put(object, "ONE", &(uint32_t){ 0 }, &value);
	object_put(object, "FLOATS", &(uint32_t){ 0 }, &(double){ NAN });
	object_put(object, "FLOATS", &(uint32_t){ 1 }, &(double){ 1.5 });
	object_put(object, "TWO", &(uint32_t){ 1 }, &minus);
	object_put(object, "FLOWS", &flow, &value);
	for (uint32_t i = 0; i < VALUE_SERIES_MAX + 200; i++)
		object_put(object, "MANY", &i, &value);
	return 0;
}

static int drop_object(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

struct seen {
	struct text lines;
	size_t n, troubles;
};

static void sink(void *data, const struct value *value)
{
	struct seen *seen = data;

	seen->n++;
	if (seen->n > 10)
		return;
	text_printf(&seen->lines, "%s|%s|%s|", value->plugin_instance, value->type,
		    value->type_instance);
	for (size_t i = 0; i < value->n_numbers; i++) {
		if (i)
			text_addc(&seen->lines, ':');
		number_text(value->numbers[i], &seen->lines);
	}
	for (size_t i = 0; value->n_numbers > 1 && i < value->n_labels; i++)
		text_printf(&seen->lines, " %s=%s", value->labels[i].name, value->labels[i].value);
	text_addc(&seen->lines, '\n');
}

static void trouble(void *data, const struct error *err)
{
	struct seen *seen = data;

	seen->troubles++;
	text_printf(&seen->lines, "%s\n", error_message(err));
}

#define FAULT "monitor edge: metric \"m\": type \"if_octets\" has rx and tx: "

/* One metric on each named direction, and the values that collectd receives. */
static const struct {
	const char *interface;
	const char *plugin_instance; /* of the monitor; NULL: default */
	struct {
		const char *name, *map;
		enum metric_type type;
		bool empty;
	} metrics[N_DIRECTIONS];
	const char *options[3]; /* of <Metric "m">: "Type=x" */
	const char *lines;
} cases[] = {
	{ "eth0", NULL, { { "m", "ONE", METRIC_COUNTER, false } }, {}, "edge-eth0|derive|m|42\n" },
	{ "", NULL, { { "m", "ONE", METRIC_GAUGE, false } }, {}, "edge|gauge|m|42\n" },
	/* no NaN: a number of the map, the quantiles of nothing */
	{ "", NULL, { { "m", "FLOATS", METRIC_GAUGE, false } }, {}, "edge|gauge|m-1|1.5\n" },
	{ "", NULL, { { "m", "SLOTS", METRIC_SUMMARY, false } }, {}, "edge|derive|m-count|0\n" },
	{ "eth0", NULL, { { "m", "ONE", METRIC_UNTYPED, false } }, {}, "edge-eth0|gauge|m|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "TWO", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m-0|0\nedge-eth0|gauge|m-1|-7\n" },
	{ "eth0",
	  NULL,
	  { { "m", "TWO", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|derive|m-0|0\nedge-eth0|derive|m-1|4294967289\n" },
	{ "eth0",
	  NULL,
	  { { "m", "FLOWS", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m--1-a_b c-true-fe7f29ec|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "PAIRS", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m-a|0\nedge-eth0|gauge|m-b|0\n" },
	{ "eth0",
	  "%{monitor}",
	  { { "m", "PAIRS", METRIC_GAUGE, false } },
	  { "TypeInstance=%{field}/%{metric}/%{nothing}" },
	  "edge|gauge|a_m_%{nothing}|0\nedge|gauge|b_m_%{nothing}|0\n" },
	/* an array in the value, and the same array as histogram slots */
	{ "eth0",
	  NULL,
	  { { "m", "COUNTS", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|derive|m-n|7\nedge-eth0|derive|m-counts-0|10\n"
	  "edge-eth0|derive|m-counts-1|10\nedge-eth0|derive|m-counts-2|0\n" },
	{ "eth0",
	  NULL,
	  { { "m", "COUNTS", METRIC_COUNTER, false } },
	  { "TypeInstance=%{field}.%{label:index}" },
	  "edge-eth0|derive|n.|7\nedge-eth0|derive|counts.0|10\n"
	  "edge-eth0|derive|counts.1|10\nedge-eth0|derive|counts.2|0\n" },
	{ "eth0",
	  NULL,
	  { { "m", "DEVICE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|derive|m-drops|5\n"
	  "edge-eth0|packets|m-queues_packets-0|1\nedge-eth0|packets|m-queues_packets-1|3\n"
	  "edge-eth0|total_bytes|m-queues_bytes-0|2\nedge-eth0|total_bytes|m-queues_bytes-1|4\n" },
	{ "eth0",
	  NULL,
	  { { "m", "TABLE", METRIC_COUNTER, false } },
	  { "TypeInstance=%{label:index}.%{label:exported_index}" },
	  "edge-eth0|derive|0.0|0\nedge-eth0|derive|0.1|0\n"
	  "edge-eth0|derive|1.0|3\nedge-eth0|derive|1.1|4\n" },
	{ "eth0",
	  NULL,
	  { { "m", "COUNTS", METRIC_SUMMARY, false } },
	  { "Type=duration" },
	  "edge-eth0|derive|m-count|20\nedge-eth0|duration|m-p50|1\n"
	  "edge-eth0|duration|m-p90|2.6\nedge-eth0|duration|m-p99|2.96\n" },
	/* the same name on both directions */
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_GAUGE, false }, { "m", "ONE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|gauge|m-ingress|42\nedge-eth0|derive|m-egress|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_GAUGE, false }, { "n", "ONE", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m|42\nedge-eth0|gauge|n|42\n" },
	/* names that become equal when "/" is replaced, on one direction or on both */
	{ "eth0",
	  NULL,
	  { { "m/x", "ONE", METRIC_GAUGE, false }, { "m_x", "ONE", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m_x-dc3c3cf7|42\nedge-eth0|gauge|m_x-dbc57ba7|42\n" },
	{ "eth0",
	  NULL,
	  { { "m/x", "ONE", METRIC_GAUGE, false }, { "m_y", "ONE", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m_x|42\nedge-eth0|gauge|m_y|42\n" },
	{ "eth0",
	  NULL,
	  { { "m\x1b", "ONE", METRIC_GAUGE, false }, { "m\\x1b", "ONE", METRIC_GAUGE, false } },
	  {},
	  "edge-eth0|gauge|m\\x1b|42\nedge-eth0|gauge|m\\x5cx1b|42\n" },
	/* an interface name as in a snapshot */
	{ "\\xff\xe2\x80\xae\x1b",
	  NULL,
	  { { "m\n", "ONE", METRIC_GAUGE, false } },
	  {},
	  "edge-\\xff\\u202e\\x1b|gauge|m\\x0a|42\n" },
	/* templates */
	{ "eth0", "x", { { "m", "ONE", METRIC_GAUGE, false } }, {}, "x|gauge|m|42\n" },
	{ "eth0",
	  "%{direction}.%{monitor}%{interface}%{metric}%{none}%{",
	  { { NULL }, { "m", "ONE", METRIC_GAUGE, false } },
	  {},
	  "egress.edgeeth0m%{none}%{|gauge|m|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "TWO", METRIC_GAUGE, false } },
	  { "TypeInstance=%{direction}/%{metric}", "Type=voltage" },
	  "edge-eth0|voltage|ingress_m-0|0\nedge-eth0|voltage|ingress_m-1|-7\n" },
	/* a template without the direction, for a metric that both directions have */
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_GAUGE, false }, { "m", "ONE", METRIC_GAUGE, false } },
	  { "TypeInstance=fixed" },
	  "edge-eth0|gauge|fixed-ingress|42\nedge-eth0|gauge|fixed-egress|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_GAUGE, false }, { "m", "ONE", METRIC_GAUGE, false } },
	  { "TypeInstance=" },
	  "edge-eth0|gauge|ingress|42\nedge-eth0|gauge|egress|42\n" },
	{ "eth0",
	  "%{direction}",
	  { { "m", "ONE", METRIC_GAUGE, false }, { "m", "ONE", METRIC_GAUGE, false } },
	  { "TypeInstance=fixed" },
	  "ingress|gauge|fixed|42\negress|gauge|fixed|42\n" },
	/* a template without the field */
	{ "eth0",
	  NULL,
	  { { "m", "COUNTS", METRIC_SUMMARY, false } },
	  { "TypeInstance=fixed" },
	  "edge-eth0|derive|fixed-count|20\nedge-eth0|gauge|fixed-p50|1\n"
	  "edge-eth0|gauge|fixed-p90|2.6\nedge-eth0|gauge|fixed-p99|2.96\n" },
	/* the type follows from the name; the type instance has no "_total" */
	{ "eth0",
	  NULL,
	  { { "rx_packets_total", "ONE", METRIC_COUNTER, false },
	    { "bytes_total", "ONE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|packets|rx_packets|42\nedge-eth0|total_bytes|bytes|42\n" },
	{ "eth0",
	  NULL,
	  { { "size_bytes", "ONE", METRIC_GAUGE, false },
	    { "megabytes", "ONE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|bytes|size_bytes|42\nedge-eth0|derive|megabytes|42\n" },
	{ "eth0",
	  NULL,
	  { { "m_total", "ONE", METRIC_GAUGE, false }, { "_total", "ONE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|gauge|m_total|42\nedge-eth0|derive|_total|42\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_COUNTER, false }, { "m_total", "ONE", METRIC_COUNTER, false } },
	  {},
	  "edge-eth0|derive|m-e80c2f78|42\nedge-eth0|derive|m-4758231d|42\n" },
	/* both directions as one value */
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_COUNTER, false }, { "m", "TWO", METRIC_COUNTER, false } },
	  { "Type=if_octets" },
	  "edge-eth0|if_octets|m|42:0\nedge-eth0|if_octets|m-0|0:0 index=0\n"
	  "edge-eth0|if_octets|m-1|0:4294967289 index=1\n" },
	{ "eth0",
	  "%{interface}",
	  { { "m", "ONE", METRIC_COUNTER, false }, { "m", "ONE", METRIC_COUNTER, false } },
	  { "Type=if_packets", "TypeInstance=" },
	  "eth0|if_packets||42:42\n" },
	{ "eth0",
	  NULL,
	  { { NULL }, { "m", "TWO", METRIC_COUNTER, false } },
	  { "Type=if_packets", "TypeInstance=" },
	  "edge-eth0|if_packets|0|0:0 index=0\nedge-eth0|if_packets|1|0:4294967289 index=1\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_COUNTER, false }, { "m", "ONE", METRIC_GAUGE, false } },
	  { "Type=if_octets" },
	  FAULT "the metric is no counter; choose a type with one data source\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_COUNTER, false } },
	  { "Type=if_octets", "TypeInstance=%{direction}" },
	  FAULT "remove %{direction} from PluginInstance and TypeInstance\n" },
	{ "eth0",
	  NULL,
	  { { "m", "PAIRS", METRIC_COUNTER, false } },
	  { "Type=if_octets", "TypeInstance=x" },
	  FAULT "several values have the same name; change TypeInstance\n" },
	{ "eth0",
	  NULL,
	  { { "m", "ONE", METRIC_COUNTER, false }, { "m", "MANY", METRIC_COUNTER, false } },
	  { "Type=if_octets" },
	  FAULT "the metric has too many series; increase MaxSeries\n" },
	{ "eth0", NULL, { { "m", "ONE", METRIC_GAUGE, false } }, { "Dispatch=false" }, "" },
	/* last, because it empties the map */
	{ "eth0", NULL, { { "m", "ONE", METRIC_COUNTER, true } }, {}, "edge-eth0|derive|m|42\n" },
};

static void test_values(void **state)
{
	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metric_config configs[N_DIRECTIONS] = {};
		struct monitor_settings settings;
		struct settings_node monitor = { BLOCK_MONITOR, &settings }, metric;
		struct seen seen = {};
		struct snapshot_item item;

		assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
		if (cases[i].plugin_instance)
			assert_int_equal(settings_set(monitor, "PluginInstance",
						      cases[i].plugin_instance, NULL),
					 0);
		if (cases[i].options[0])
			assert_int_equal(settings_open(monitor, "Metric", "m", &metric, NULL), 0);
		for (size_t o = 0; o < 3 && cases[i].options[o]; o++) {
			char option[64], *value;

			snprintf(option, sizeof(option), "%s", cases[i].options[o]);
			value = strchr(option, '=');
			*value++ = '\0';
			assert_int_equal(settings_set(metric, option, value, NULL), 0);
		}
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			configs[direction] = (struct metric_config){
				.name = (char *)cases[i].metrics[direction].name,
				.map_name = (char *)cases[i].metrics[direction].map,
				.type = cases[i].metrics[direction].type,
				.empty_on_read = cases[i].metrics[direction].empty,
				.exported = true,
			};
		item = snapshot_item_make(&settings, cases[i].interface, object, configs);
		values_read(&item, sink, trouble, &seen);
		assert_string_equal(text_str(&seen.lines), cases[i].lines);
		assert_int_equal(seen.troubles, !strncmp(cases[i].lines, FAULT, strlen(FAULT)));
		text_release(&seen.lines);
		snapshot_item_release(&item);
	}
}

/* Series above the limit for collectd's queue are left out and reported. */
static void test_limit(void **state)
{
	struct metric_config configs[N_DIRECTIONS] = {
		{ .name = (char *)"m", .map_name = (char *)"MANY", .exported = true },
		{ .name = (char *)"n", .map_name = (char *)"ONE", .exported = true },
	};
	struct monitor_settings settings;
	struct seen seen = {};
	struct snapshot_item item;

	(void)state;
	if (!object)
		skip();
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	item = snapshot_item_make(&settings, "eth0", object, configs);
	values_read(&item, sink, trouble, &seen);
	assert_int_equal(seen.n, VALUE_SERIES_MAX + 2 + 1); /* sum and count; the other metric */
	/* without a dataplane there are no values */
	item.generation = generation_unref(item.generation);
	seen.n = 0;
	values_read(&item, sink, trouble, &seen);
	assert_int_equal(seen.n, 0);
	text_release(&seen.lines);
	snapshot_item_release(&item);
}

/* A map that cannot be read is reported; the others are still read. */
static void test_trouble(void **state)
{
	struct metric_config configs[N_DIRECTIONS] = {
		{ .name = (char *)"m", .map_name = (char *)"ONE", .exported = true },
		{ .name = (char *)"n", .map_name = (char *)"ONE", .exported = true },
	};
	struct monitor_settings settings;
	struct seen seen = {};
	struct snapshot_item item;

	(void)state;
	if (!object)
		skip();
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	item = snapshot_item_make(&settings, "eth0", object, configs);
	item.generation->directions[INGRESS].metrics->map.fd = -1;
	values_read(&item, sink, trouble, &seen);
	assert_int_equal(seen.troubles, 1);
	assert_int_equal(seen.n, 1);
	assert_true(
		contains(text_str(&seen.lines), "monitor edge: reading map ONE of metric \"m\": "));
	text_release(&seen.lines);
	snapshot_item_release(&item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field),	   cmocka_unit_test(test_values),
		cmocka_unit_test(test_limit),	   cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_field_utf8),
	};

	return cmocka_run_group_tests(tests, load_object, drop_object);
}
