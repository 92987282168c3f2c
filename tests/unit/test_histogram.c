/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "dataplane/json_reader.h"
#include "fixture.h"
#include "metric/histogram.h"
#include "metric/label.h"
#include "metric/sampling.h"
#include "metric/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct size { __u64 slots[8]; __u64 sum; };\n"
	"struct key { __u32 port; __u16 slot; __u16 zone; };\n"
	"struct pair { __u32 a; __u32 b; };\n"
	"struct bits { __u32 slot : 8; __u32 rest : 24; };\n"
	"struct part { __u64 count; __s64 sum; };\n"
	"MAP(HASH, __u32, struct size, 10, SIZES);\n"
	"MAP(PERCPU_ARRAY, __u32, struct size, 1, CPUS);\n"
	"MAP(ARRAY, __u32, __u64, 8, ARRAY);\n"
	"MAP(ARRAY, __u32, struct size, 4, MANY);\n"
	"MAP(HASH, struct key, __u64, 100, KEYED);\n"
	"MAP(HASH, __s32, struct part, 100, PARTS);\n"
	"MAP(HASH, struct pair, __u64, 10, PAIRS);\n"
	"MAP(HASH, struct bits, __u64, 10, BITS);\n"
	"struct peer { __be32 saddr; };\n"
	"struct port { __u32 ifindex; };\n"
	"enum state { START, GO };\n"
	"MAP(HASH, struct peer, __u64, 10, PEERS);\n"
	"MAP(HASH, struct port, __u64, 10, PORTS);\n"
	"MAP(HASH, enum state, __u64, 10, STATES);\n"
	"MAP(ARRAY, __u32, __u64, 2000, LONG);\n"
	"MAP(HASH, __u32, double, 10, DOUBLES);\n"
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);\n"
	"	__uint(max_entries, 8); } DIALECT SEC(\".maps\")\n"
	"	__attribute__((btf_decl_tag(\"dynmon:dialect\")));\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

static struct object *object;

/*
 * Writes the values 0, 1, 5, 5, 100 to all maps: slots 0, 0, 2, 2, 6 for log2 rounded down, and 1,
 * 1, 3, 3, 7 for log2-bits.
 */
static void fill(void)
{
	const struct {
		uint64_t slots[8], sum;
	} size = { { 2, 0, 2, 0, 0, 0, 1 }, 111 };
	const struct {
		uint32_t port;
		uint16_t slot, zone;
	} keys[] = { { 80, 0, 1 }, { 80, 2, 1 }, { 80, 6, 1 }, { 53, 2, 1 }, { 80, 200, 2 } };
	const uint64_t counts[] = { 2, 2, 1, 7, 3 };
	const struct {
		uint64_t count;
		int64_t sum;
	} parts[] = { { 2, 1 }, { 2, -10 }, { 1, 100 } };
	const int32_t slots[] = { -1, 2, 6 };
	char *cpus = calloc(map_cpus(), sizeof(size));

	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++)
		memcpy(cpus + cpu * sizeof(size), &size, sizeof(size));
	object_put(object, "CPUS", &(uint32_t){ 0 }, cpus);
	free(cpus);
	object_put(object, "SIZES", &(uint32_t){ 9 }, &size);
	object_put(object, "MANY", &(uint32_t){ 2 }, &(uint64_t[9]){ 3 });
	for (uint32_t i = 0; i < 8; i++) {
		object_put(object, "ARRAY", &i, &size.slots[i]);
		object_put(object, "DIALECT", &(uint32_t){ (i + 1) % 8 }, &size.slots[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		object_put(object, "KEYED", &keys[i], &counts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		object_put(object, "PARTS", &slots[i], &parts[i]);
}

static int set_up(void **state)
{
	(void)state;
	object = object_from_source(source);
	if (object)
		fill();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

/* Creates the metric from an element of metric-configs; NULL: error. */
static struct metric *metric_make(const char *map, const char *type, const char *more,
				  struct metric_config *config, struct metric *metric,
				  struct error *err)
{
	_cleanup_text_ struct text warnings = {}, json = {};
	struct json_reader reader = { .warnings = &warnings, .err = err };
	struct json_object *value;
	int r;

	text_printf(&json,
		    "{\"name\":\"m\",\"map-name\":\"%s\",\"open-metrics-metadata\":"
		    "{\"type\":\"%s\"%s}}",
		    map, type, more);
	value = json_tokener_parse(text_str(&json));
	if (!value)
		fail_msg("%s", text_str(&json));
	*config = (struct metric_config){};
	r = metric_config_parse(&reader, value, config);
	assert_string_equal(text_str(&warnings), "");
	json_object_put(value);
	text_release(&reader.where);
	if (r == 0)
		r = metric_init(metric, config, object, err);
	return r == 0 ? metric : NULL;
}

static void show_series(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
			struct text *out)
{
	const struct histogram *histogram = &metric->histogram;
	const struct number *numbers = &batch->numbers[i * metric->n_numbers];

	for (size_t l = 0; l < metric->n_labels; l++) {
		text_printf(out, "%s=", metric->labels[l].name);
		label_text(&metric->labels[l], batch->entries.keys + i * batch->entries.key_stride,
			   batch->entries.values + i * batch->entries.value_stride, 0, out);
		text_addc(out, ' ');
	}
	for (size_t b = 0; b < histogram->n_buckets; b++) {
		if (!numbers[b].u)
			continue;
		if (b + 1 < histogram->n_buckets)
			text_double(out, histogram->bounds[b]);
		else
			text_adds(out, "inf");
		text_printf(out, ":%llu ", (unsigned long long)numbers[b].u);
	}
	text_printf(out, "count %llu", (unsigned long long)histogram_count(histogram, numbers).u);
	if (histogram_has_sum(histogram)) {
		text_adds(out, " sum ");
		number_text(metric_scale(metric, histogram_sum(histogram, numbers)), out);
	}
	text_addc(out, '\n');
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns the series, one per line, sorted. */
static char *shown(const struct metric *metric, uint32_t limit)
{
	struct sampling sampling;
	struct metric_batch batch;
	_cleanup_text_ struct text out = {};
	char *lines[100];
	size_t n = 0;

	if (!histogram_is_one(&metric->histogram))
		return strdup("no histogram");
	assert_int_equal(sampling_init(&sampling, metric, METRIC_FOR_SAMPLES, limit), 0);
	while (sampling_next(&sampling, &batch) > 0)
		for (uint32_t i = 0; i < batch.entries.count; i++) {
			struct text line = {};

			show_series(metric, &batch, i, &line);
			lines[n++] = text_steal(&line);
		}
	sampling_release(&sampling);
	qsort(lines, n, sizeof(*lines), by_line);
	for (size_t i = 0; i < n; i++) {
		text_adds(&out, lines[i]);
		free(lines[i]);
	}
	return text_steal(&out);
}

#define HISTOGRAM(...) ",\"histogram\":{" #__VA_ARGS__ "}"

static const struct {
	const char *map, *more, *series;
	uint32_t limit;
} cases[] = {
	/* slots found without configuration */
	{ "SIZES", "", "key=9 1:2 7:2 127:1 count 5\n", 0 },
	{ "ARRAY", "", "1:2 7:2 127:1 count 5\n", 0 },
	{ "DIALECT", "", "1:2 7:2 inf:1 count 5\n", 0 },
	{ "KEYED", "",
	  "port=53 zone=1 7:7 count 7\nport=80 zone=1 1:2 7:2 127:1 count 5\n"
	  "port=80 zone=2 inf:3 count 3\n",
	  0 },
	{ "PAIRS", "", "no histogram", 0 },
	{ "BITS", "", "no histogram", 0 },
	{ "DOUBLES", "", "no histogram", 0 },
	{ "PEERS", "", "no histogram", 0 },
	{ "PORTS", "", "no histogram", 0 },
	{ "STATES", "", "", 0 },
	{ "LONG", "", "count 0\n", 0 },
	{ "PARTS", "", "no histogram", 0 }, /* ambiguous: two numbers could be the count */
	/* the count field */
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : "log2-bits"),
	  "0:2 3:2 63:1 count 5\n", 0 },
	{ "DIALECT",
	  HISTOGRAM("buckets"
		    : "LOG2-floor"),
	  "3:2 15:2 inf:1 count 5\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : "linear"),
	  "0:2 2:2 6:1 count 5\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : "linear", "width" : 10),
	  "9:2 29:2 69:1 count 5\n", 0 },
	{ "ARRAY", HISTOGRAM("slots" : 3), "1:2 inf:3 count 5\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : [ -1, 0, 0.5, 1, 10, 100, 200 ]),
	  "-1:2 0.5:2 200:1 count 5\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : [ 1, 2, 3, 4, 5, 6, 7 ]),
	  "1:2 3:2 7:1 count 5\n", 0 },
	{ "ARRAY", ",\"scale\":1e-9", "1e-09:2 7e-09:2 1.27e-07:1 count 5\n", 0 },
	{ "LONG", HISTOGRAM("slots" : 4), "count 0\n", 0 },
	{ "KEYED",
	  HISTOGRAM("bucket-field"
		    : "key.slot", "buckets"
		    : "linear", "slots" : 8),
	  "port=53 zone=1 2:7 count 7\nport=80 zone=1 0:2 2:2 6:1 count 5\n"
	  "port=80 zone=2 inf:3 count 3\n",
	  0 },
	{ "KEYED",
	  HISTOGRAM("bucket-field"
		    : "key.zone"),
	  "port=53 slot=2 3:7 count 7\nport=80 slot=0 3:2 count 2\nport=80 slot=2 3:2 count 2\n"
	  "port=80 slot=200 7:3 count 3\nport=80 slot=6 3:1 count 1\n",
	  0 },
	/* sums */
	{ "SIZES",
	  HISTOGRAM("bucket-field"
		    : "value.slots", "sum-field"
		    : "value.sum"),
	  "key=9 1:2 7:2 127:1 count 5 sum 111\n", 0 },
	{ "SIZES",
	  HISTOGRAM("sum-field"
		    : "value.sum") ",\"scale\":0.5",
	  "key=9 0.5:2 3.5:2 63.5:1 count 5 sum 55.5\n", 0 },
	{ "PARTS",
	  HISTOGRAM("sum-field"
		    : "value.sum"),
	  "1:2 7:2 127:1 count 5 sum 91\n", 0 },
	{ "PARTS",
	  HISTOGRAM("bucket-field"
		    : "key") ",\"value\":\"value.count\"",
	  "1:2 7:2 127:1 count 5\n", 0 },
	{ "DIALECT",
	  HISTOGRAM("sum-slot"
		    : true),
	  "1:2 7:2 count 4 sum 1\n", 0 },
	{ "KEYED",
	  HISTOGRAM("sum-slot"
		    : true, "slots" : 6) ",\"scale\":0.5",
	  "port=53 zone=1 3.5:7 count 7 sum 0\nport=80 zone=1 0.5:2 3.5:2 count 4 sum 0.5\n"
	  "port=80 zone=2 inf:3 count 3 sum 0\n",
	  0 },
	{ "SIZES",
	  HISTOGRAM("sum-slot"
		    : true, "slots" : 6),
	  "key=9 1:2 7:2 count 4 sum 1\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : [ 1, 2, 3, 4, 5, 6 ], "sum-slot"
		    : true),
	  "1:2 3:2 inf:1 count 5 sum 0\n", 0 },
	/* bounds that are powers of two */
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : "exp2"),
	  "1:2 4:2 64:1 count 5\n", 0 },
	{ "ARRAY",
	  HISTOGRAM("buckets"
		    : "exp2-zero"),
	  "0:2 2:2 32:1 count 5\n", 0 },
	/* an array of histograms has no empty series */
	{ "MANY", "", "index=2 1:3 count 3\n", 0 },
	{ "MANY", "", "index=2 1:3 count 3\n", 1 },
	/* the largest */
	{ "KEYED", "", "port=53 zone=1 7:7 count 7\n", 1 },
	{ "KEYED", "", "port=53 zone=1 7:7 count 7\nport=80 zone=1 1:2 7:2 127:1 count 5\n", 2 },
};

static void test_series(void **state)
{
	int wrong = 0;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const char *type = i % 2 ? "summary" : "histogram";
		_cleanup_error_ struct error err = {};
		_cleanup_free_ char *is = NULL;
		struct metric_config config;
		struct metric metric;

		if (!metric_make(cases[i / 2].map, type, cases[i / 2].more, &config, &metric, &err))
			fail_msg("%s %s: %s", cases[i / 2].map, cases[i / 2].more,
				 error_message(&err));
		is = shown(&metric, cases[i / 2].limit);
		if (strcmp(is, cases[i / 2].series) != 0) {
			print_error("%s %s: is\n%sexpected\n%s", cases[i / 2].map,
				    cases[i / 2].more, is, cases[i / 2].series);
			wrong++;
		}
		metric_release(&metric);
		metric_config_release(&config);
	}
	assert_int_equal(wrong, 0);
}

static void test_per_cpu(void **state)
{
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *is = NULL, *expected = NULL;
	struct metric_config config;
	struct metric metric;
	unsigned int n = map_cpus();

	(void)state;
	if (!object)
		skip();
	if (!metric_make("CPUS", "histogram",
			 HISTOGRAM("sum-field"
				   : "value.sum"),
			 &config, &metric, &err))
		fail_msg("%s", error_message(&err));
	is = shown(&metric, 0);
	assert_true(asprintf(&expected, "1:%u 7:%u 127:%u count %u sum %u\n", 2 * n, 2 * n, n,
			     5 * n, 111 * n) > 0);
	assert_string_equal(is, expected);
	metric_release(&metric);
	metric_config_release(&config);
}

/* With "list" each CPU has a histogram, after that of all CPUs. */
static void test_cpu_list(void **state)
{
	_cleanup_error_ struct error err = {};
	struct metric_config config;
	struct sampling sampling;
	struct metric_batch batch;
	struct metric metric;
	char *cpus;

	(void)state;
	if (!object)
		skip();
	cpus = calloc(map_cpus(), 9 * sizeof(uint64_t));
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++)
		((uint64_t *)cpus)[9 * cpu + 1] = cpu + 1;
	object_put(object, "CPUS", &(uint32_t){ 0 }, cpus);
	free(cpus);
	if (!metric_make("CPUS", "histogram",
			 HISTOGRAM("sum-field"
				   : "value.sum") "},\"per-cpu\":\"list\",\"extraction-options\":{",
			 &config, &metric, &err))
		fail_msg("%s", error_message(&err));
	assert_int_equal(sampling_init(&sampling, &metric, METRIC_FOR_SAMPLES, 0), 0);
	assert_int_equal(sampling_next(&sampling, &batch), 1);
	assert_int_equal(metric.n_labels, 1);
	assert_string_equal(metric.labels[0].name, "cpu");
	assert_int_equal(histogram_count(&metric.histogram, batch.numbers).u,
			 map_cpus() * (map_cpus() + 1) / 2);
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
		const struct number *numbers = metric_histogram_of(&metric, batch.numbers, cpu);

		assert_int_equal(histogram_count(&metric.histogram, numbers).u, cpu + 1);
		assert_int_equal(numbers[1].u, cpu + 1);
	}
	sampling_release(&sampling);
	metric_release(&metric);
	metric_config_release(&config);
	fill();
}

static unsigned int warnings;

static void count_warning(enum log_level level, const char *line)
{
	(void)level;
	warnings += strstr(line, "looks like the sum") != NULL;
}

/* A warning about a last slot that looks like a sum appears once. */
static void test_sum_warning(void **state)
{
	static const struct {
		uint64_t slots[8];
		unsigned int warnings;
	} series[] = {
		{ { 10, 10, 10, 0, 0, 75 }, 1 }, /* from 40 to 110 */
		{ { 10, 10, 10, 0, 0, 39 }, 0 }, /* less than the measurements */
		{ { 10, 10, 10, 60 }, 0 },	 /* a neighbor */
		{ { 10, 0, 0, 200 }, 1 },	 /* exceeds the others by far */
		{ { 1, 1, 1, 0, 0, 8 }, 0 },	 /* too few */
		{ { 27000, 500, 100, 0, 0, 0, 0, 1768 }, 1 },
		{ { 10 }, 0 },
	};
	_cleanup_error_ struct error err = {};
	struct metric_config config;
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	log_set_sink(count_warning);
	for (size_t i = 0; i < ARRAY_SIZE(series); i++) {
		struct number numbers[9] = { [8] = { NUMBER_UNSIGNED, .u = 0 } };

		if (!metric_make("ARRAY", "histogram", "", &config, &metric, &err))
			fail_msg("%s", error_message(&err));
		for (size_t slot = 0; slot < 8; slot++) {
			numbers[slot].u = series[i].slots[slot];
			numbers[8].u += numbers[slot].u;
		}
		warnings = 0;
		for (int reads = 0; reads < 2; reads++)
			histogram_note_sum(&metric, numbers);
		if (warnings != series[i].warnings)
			fail_msg("case %zu: %u warnings", i, warnings);
		metric_release(&metric);
		metric_config_release(&config);
	}
	log_set_sink(NULL);
}

static const struct {
	const char *map, *type, *more, *message;
} errors[] = {
	{ "ARRAY", "counter",
	  HISTOGRAM("buckets"
		    : "log2"),
	  "require the type histogram or summary, found \"counter\"" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : "log3"),
	  "buckets: expected log2, log2-floor, log2-bits, exp2, exp2-zero, linear, or a list of "
	  "rising upper bounds, found \"log3\"" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : []),
	  "a list of rising upper bounds" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : [ 1, 1 ]),
	  "a list of rising upper bounds" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : [ 1, "2" ]),
	  "a list of rising" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : [ 1, 2 ]),
	  "buckets: 2 bounds require 3 slots, but the map has 8" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : [ 1, 2, 3, 4, 5, 6, 7, 8 ]),
	  "buckets: 8 bounds require 9 slots, but the map has 8" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : [1], "slots" : 2),
	  "remove \"slots\": the list of bounds determines" },
	{ "ARRAY", "histogram", HISTOGRAM("width" : 2),
	  "\"width\" requires \"buckets\": \"linear\"" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : "linear", "width" : 0),
	  "width: expected a width from 1 to 4294967295, found 0" },
	{ "ARRAY", "histogram", HISTOGRAM("slots" : 1), "a number of slots from 2 to 1024" },
	{ "ARRAY", "histogram", HISTOGRAM("slots" : 9),
	  "slots: expected at most the map's 8, found 9" },
	{ "KEYED", "histogram",
	  HISTOGRAM("buckets"
		    : "linear"),
	  "linear buckets require \"slots\"" },
	{ "LONG", "histogram",
	  HISTOGRAM("buckets"
		    : "linear"),
	  "slots: expected 2 to 1024 slots, found 2000" },
	{ "SIZES", "histogram",
	  HISTOGRAM("bucket-field"
		    : "value.slot"),
	  "bucket-field: no field is called \"value.slot\"; there are key, value.slots, "
	  "value.sum" },
	{ "SIZES", "histogram",
	  HISTOGRAM("bucket-field"
		    : "value.sum"),
	  "bucket-field: expected an array of integers, but \"value.sum\" is not one" },
	{ "BITS", "histogram",
	  HISTOGRAM("bucket-field"
		    : "key.slot"),
	  "bucket-field: expected an integer, but \"key.slot\" is not one" },
	{ "PEERS", "histogram",
	  HISTOGRAM("bucket-field"
		    : "key.saddr"),
	  "bucket-field: expected a slot number, but \"key.saddr\" has the format of an "
	  "address" },
	{ "PAIRS", "histogram",
	  HISTOGRAM("buckets"
		    : "log2"),
	  "no slots found" },
	{ "SIZES", "histogram",
	  HISTOGRAM("sum-field"
		    : "value.slots"),
	  "sum-field: field \"value.slots\" is no number" },
	{ "SIZES", "histogram",
	  HISTOGRAM("sum-field"
		    : "value.sum", "sum-slot"
		    : true),
	  "remove \"sum-field\" or \"sum-slot\"" },
	{ "KEYED", "histogram",
	  HISTOGRAM("sum-slot"
		    : true),
	  "\"sum-slot\" requires \"slots\"" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("sum-slot"
		    : true, "slots" : 8),
	  "slots: expected at most the map's 7 beside that of the sum, found 8" },
	{ "SIZES", "histogram",
	  HISTOGRAM("sum-field"
		    : "key"),
	  "sum-field: expected a field of" },
	{ "SIZES", "histogram",
	  HISTOGRAM("buckets"
		    : "log2") ",\"value\":\"value.sum\"",
	  "value: remove \"value.sum\": a histogram in an array has its slots as samples" },
	{ "PARTS", "histogram",
	  HISTOGRAM("buckets"
		    : "log2"),
	  "the count of the histogram is ambiguous" },
	{ "DOUBLES", "histogram",
	  HISTOGRAM("buckets"
		    : "log2") ",\"value\":\"value\"",
	  "value: expected an integer as the count of the histogram" },
	{ "KEYED", "histogram",
	  HISTOGRAM("bucket-field"
		    : "key.slot") ",\"labels\":[{\"name\":\"s\",\"field\":\"key.slot\"}]",
	  "labels: remove \"key.slot\": it is the slot of the histogram" },
	{ "ARRAY", "summary",
	  ",\"quantiles\":[0.5],\"labels\":[{\"name\":\"s\",\"field\":\"index\"}]",
	  "labels: remove \"index\": it is the slot of the histogram" },
	{ "PARTS", "histogram",
	  HISTOGRAM("sum-field"
		    : "value.sum") ",\"labels\":[{\"name\":\"s\",\"field\":\"value.count\"}]",
	  "labels: remove \"value.count\": it differs between the slots" },
	{ "ARRAY", "summary", ",\"quantiles\":[]", "a list of rising numbers from 0 to 1" },
	{ "ARRAY", "summary", ",\"quantiles\":[0.9,0.5]", "a list of rising numbers from 0 to 1" },
	{ "ARRAY", "summary", ",\"quantiles\":[1.5]", "a list of rising numbers from 0 to 1" },
	{ "ARRAY", "histogram",
	  HISTOGRAM("buckets"
		    : "log2") ",\"scale\":1e308",
	  "with this scale, bound 1 is not above the previous one" },
};

static void test_errors(void **state)
{
	int wrong = 0;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		_cleanup_error_ struct error err = {};
		struct metric_config config;
		struct metric metric;

		if (metric_make(errors[i].map, errors[i].type, errors[i].more, &config, &metric,
				&err)) {
			print_error("%s %s: no error\n", errors[i].map, errors[i].more);
			metric_release(&metric);
			wrong++;
		} else if (!contains(error_message(&err), errors[i].message)) {
			print_error("%s %s: %s\nexpected: %s\n", errors[i].map, errors[i].more,
				    error_message(&err), errors[i].message);
			wrong++;
		}
		metric_config_release(&config);
	}
	assert_int_equal(wrong, 0);
}

/* Same results as Prometheus' histogram_quantile(). */
static void test_quantiles(void **state)
{
	static double bounds[] = { 1, 2, 4 }, below[] = { -1, 0, 4 };
	static const struct {
		double *bounds;
		uint64_t counts[4];
		double q, value;
	} quantiles[] = {
		{ bounds, { 10, 0, 0, 0 }, 0.5, 0.5 },	 { bounds, { 10, 10, 0, 0 }, 0.5, 1 },
		{ bounds, { 10, 10, 0, 0 }, 0.75, 1.5 }, { bounds, { 0, 0, 10, 0 }, 0.5, 3 },
		{ bounds, { 0, 0, 10, 0 }, 0, 2 },	 { bounds, { 0, 0, 10, 0 }, 1, 4 },
		{ bounds, { 1, 1, 1, 7 }, 0.99, 4 },	 { bounds, { 0, 0, 0, 7 }, 0.1, 4 },
		{ below, { 10, 0, 0, 0 }, 0.5, -1 },	 { below, { 0, 10, 0, 0 }, 0.5, -0.5 },
		{ bounds, { 0, 0, 0, 0 }, 0.5, NAN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
		const struct histogram histogram = { .in = SLOTS_IN_VALUE,
						     .n_buckets = 4,
						     .bounds = quantiles[i].bounds };
		struct number numbers[5] = {};
		double is;

		for (size_t b = 0; b < 4; b++) {
			numbers[b].u = quantiles[i].counts[b];
			numbers[4].u += quantiles[i].counts[b];
		}
		is = histogram_quantile(&histogram, numbers, quantiles[i].q);
		if (is != quantiles[i].value && !(isnan(is) && isnan(quantiles[i].value)))
			fail_msg("case %zu: %g, not %g", i, is, quantiles[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series),	 cmocka_unit_test(test_per_cpu),
		cmocka_unit_test(test_cpu_list), cmocka_unit_test(test_sum_warning),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
