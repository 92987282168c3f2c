/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/json_reader.h"
#include "export/openmetrics.h"
#include "export/prometheus.pb-c.h"
#include "export/protobuf.h"
#include "export/text_encoder.h"
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>
#include <math.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct sizes { __u64 slots[8]; __u64 sum; };\n"
	"struct flow { __u32 port; unsigned char name[10]; };\n"
	"struct count { __u64 packets; __u64 bytes; };\n"
	"struct device { struct count queues[2]; __u64 drops; };\n"
	"MAP(HASH, __u32, struct device, 10, DEVICES);\n"
	"MAP(ARRAY, __u32, __u64, 1, ONE);\n"
	"MAP(ARRAY, __u32, __u64, 1, MOST);\n"
	"MAP(ARRAY, __u32, double, 5, DOUBLES);\n"
	"MAP(PERCPU_ARRAY, __u32, __u64, 1, CPUS);\n"
	"MAP(HASH, struct flow, struct count, 10, FLOWS);\n"
	"MAP(HASH, __u32, __u64, 10, NONE);\n"
	"MAP(HASH, __u32, __u64, 3000, MANY);\n"
	"MAP(HASH, __u32, struct sizes, 10, SIZES);\n"
	"MAP(ARRAY, __u32, __u64, 8, ARRAY);\n"
	"MAP(ARRAY, __u32, __u64, 2, PAIR);\n"
	"MAP(ARRAY, __u32, __u64, 65, BITS);\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

#define MANY 3000

static struct object *object;

static void fill(void)
{
	const double doubles[] = { 0.1, -1.5, NAN, INFINITY, -INFINITY };
	const uint64_t one = 1, most = UINT64_MAX, counts[] = { 1000, 2000 };
	const struct {
		uint64_t slots[8], sum;
	} sizes[] = { { { 2, 1, 3, 0, 0, 0, 1 }, 128 }, { { 0 }, 0 }, { { 5 }, 3 } };
	const struct {
		uint32_t port;
		char name[12];
	} flow = { 53, "a\"\\\n\xff\r\xc3\xa4" };
	uint64_t *cpus = calloc(map_cpus(), sizeof(*cpus));

	for (unsigned int i = 0; i < map_cpus(); i++)
		cpus[i] = i + 1;
	object_put(object, "CPUS", &(uint32_t){ 0 }, cpus);
	free(cpus);
	object_put(object, "ONE", &(uint32_t){ 0 }, &one);
	object_put(object, "MOST", &(uint32_t){ 0 }, &most);
	for (uint32_t i = 0; i < ARRAY_SIZE(doubles); i++)
		object_put(object, "DOUBLES", &i, &doubles[i]);
	object_put(object, "FLOWS", &flow, counts);
	object_put(object, "DEVICES", &(uint32_t){ 3 }, (uint64_t[]){ 1, 2, 3, 4, 5 });
	for (uint32_t i = 0; i < MANY; i++)
		object_put(object, "MANY", &i, &(uint64_t){ i });
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++)
		object_put(object, "SIZES", &i, &sizes[i]);
	for (uint32_t i = 0; i < 8; i++)
		object_put(object, "ARRAY", &i, &sizes[0].slots[i]);
	object_put(object, "PAIR", &(uint32_t){ 0 }, &(uint64_t){ 3 });
	object_put(object, "PAIR", &(uint32_t){ 1 }, &(uint64_t){ 4 });
	for (uint32_t i = 0; i < 65; i++)
		object_put(object, "BITS", &i, &(uint64_t){ i < 2 || i > 62 ? i + 1 : 0 });
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

/* Makes one metric on one interface from an element of metric-configs. */
static struct snapshot_item item_make(const char *interface, const char *json,
				      struct metric_config *config)
{
	_cleanup_text_ struct text warnings = {};
	_cleanup_error_ struct error err = {};
	struct json_reader reader = { .warnings = &warnings, .err = &err };
	struct json_object *value = json_tokener_parse(json);
	struct monitor_settings settings;

	if (!value || metric_config_parse(&reader, value, config) < 0)
		fail_msg("%s: %s", json, error_message(&err));
	json_object_put(value);
	text_release(&reader.where);
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	return snapshot_item_make(&settings, interface, object, config);
}

#define GIVEN_MAX 3

/* Returns the exposition of a snapshot of the metrics, a list that ends with NULL. */
static void expose(const char *const *metrics, const struct encoding *encoding, struct text *out)
{
	struct metric_config configs[GIVEN_MAX][N_DIRECTIONS] = {};
	struct snapshot snapshot = { .items = calloc(GIVEN_MAX, sizeof(*snapshot.items)) };
	size_t n = 0;

	for (; n < GIVEN_MAX && metrics[n]; n++) {
		char interface[16];

		snprintf(interface, sizeof(interface), "eth%zu", n);
		snapshot.items[snapshot.n++] = item_make(interface, metrics[n], configs[n]);
	}
	snapshot_expose(&snapshot, encoding, out);
	while (n--)
		metric_config_release(configs[n]);
}

/* Calls show() for each message of a delimited stream. Every message must be complete. */
static void unpack(const struct text *bytes,
		   void (*show)(const Prometheus__MetricFamily *family, struct text *out),
		   struct text *out)
{
	for (size_t at = 0; at < bytes->len;) {
		Prometheus__MetricFamily *family;
		size_t len = 0;
		unsigned int shift = 0, c;

		do {
			assert_in_range(at, 0, bytes->len - 1);
			c = (unsigned char)bytes->data[at++];
			len |= (size_t)(c & 0x7f) << shift;
			shift += 7;
		} while (c & 0x80);
		assert_in_range(len, 1, bytes->len - at);
		family = prometheus__metric_family__unpack(NULL, len, (uint8_t *)bytes->data + at);
		assert_non_null(family);
		show(family, out);
		prometheus__metric_family__free_unpacked(family, NULL);
		at += len;
	}
}

/* -- equivalence with the text formats -- */

static void show_sample(const Prometheus__MetricFamily *family, const char *suffix,
			const Prometheus__Metric *metric, const char *label, double bound,
			double value, struct text *out)
{
	text_printf(out, "%s%s{", family->name, suffix);
	for (size_t i = 0; i < metric->n_label; i++) {
		text_printf(out, "%s%s=\"", i ? "," : "", metric->label[i]->name);
		exposition_label_value(out, metric->label[i]->value,
				       strlen(metric->label[i]->value));
		text_addc(out, '"');
	}
	if (label) {
		text_printf(out, ",%s=\"", label);
		exposition_bound(out, bound);
		text_addc(out, '"');
	}
	text_adds(out, "} ");
	text_double(out, value);
	text_addc(out, '\n');
}

static void show_histogram(const Prometheus__MetricFamily *family, const Prometheus__Metric *metric,
			   struct text *out)
{
	const Prometheus__Histogram *histogram = metric->histogram;

	assert_non_null(histogram);
	for (size_t i = 0; i < histogram->n_bucket; i++)
		show_sample(family, "_bucket", metric, "le", histogram->bucket[i]->upper_bound,
			    (double)histogram->bucket[i]->cumulative_count, out);
	assert_true(histogram->has_sample_count && histogram->has_sample_sum);
	assert_int_equal(histogram->sample_count,
			 histogram->bucket[histogram->n_bucket - 1]->cumulative_count);
	if (isnan(histogram->sample_sum))
		return;
	show_sample(family, "_count", metric, NULL, 0, (double)histogram->sample_count, out);
	show_sample(family, "_sum", metric, NULL, 0, histogram->sample_sum, out);
}

static void show_summary(const Prometheus__MetricFamily *family, const Prometheus__Metric *metric,
			 struct text *out)
{
	const Prometheus__Summary *summary = metric->summary;

	assert_non_null(summary);
	for (size_t i = 0; i < summary->n_quantile; i++)
		show_sample(family, "", metric, "quantile", summary->quantile[i]->quantile,
			    summary->quantile[i]->value, out);
	show_sample(family, "_count", metric, NULL, 0, (double)summary->sample_count, out);
	if (!isnan(summary->sample_sum))
		show_sample(family, "_sum", metric, NULL, 0, summary->sample_sum, out);
}

static void show_as_text(const Prometheus__MetricFamily *family, struct text *out)
{
	static const char *const types[] = { "counter", "gauge", "summary", "untyped",
					     "histogram" };

	text_printf(out, "# HELP %s ", family->name);
	exposition_help(out, family->help, false);
	text_printf(out, "\n# TYPE %s %s\n", family->name, types[family->type]);
	for (size_t i = 0; i < family->n_metric; i++) {
		const Prometheus__Metric *metric = family->metric[i];

		assert_int_equal(!!metric->counter + !!metric->gauge + !!metric->untyped +
					 !!metric->summary + !!metric->histogram,
				 1);
		if (family->type == PROMETHEUS__METRIC_TYPE__HISTOGRAM)
			show_histogram(family, metric, out);
		else if (family->type == PROMETHEUS__METRIC_TYPE__SUMMARY)
			show_summary(family, metric, out);
		else
			show_sample(family, "", metric, NULL, 0,
				    metric->counter ? metric->counter->value
				    : metric->gauge ? metric->gauge->value
						    : metric->untyped->value,
				    out);
	}
}

#define METRIC(name, map, type, ...)                                                               \
	"{\"name\":\"" name "\",\"map-name\":\"" map                                               \
	"\",\"open-metrics-metadata\":{\"type\":\"" type "\"" __VA_ARGS__ "}}"

static const char *const same[][GIVEN_MAX] = {
	{ NULL },
	{ METRIC("packets", "ONE", "counter", ",\"help\":\"A \\\"b\\\" \\\\ \\n c.\"") },
	{ METRIC("g", "DOUBLES", "gauge") },
	{ METRIC("c", "DOUBLES", "counter") },
	{ METRIC("u", "ONE", "untyped", ",\"unit\":\"bytes\"") },
	{ METRIC("flows", "FLOWS", "counter",
		 ",\"labels\":[{\"name\":\"monitor\",\"value\":\"m\\\"e\\\\\\n\"}]") },
	{ METRIC("n", "NONE", "gauge"), METRIC("one", "ONE", "gauge", ",\"scale\":0.1") },
	{ METRIC("many", "MANY", "counter") },
	/* several metrics in one family; clashes of names and types */
	{ METRIC("a-b", "ONE", "counter"), METRIC("a_b", "ONE", "counter") },
	{ METRIC("x", "ONE", "counter"), METRIC("x_total", "ONE", "gauge"),
	  METRIC("x", "ONE", "counter") },
	{ METRIC("h", "ARRAY", "histogram"), METRIC("h", "ONE", "gauge") },
	/* histograms and summaries */
	{ METRIC("h", "ARRAY", "histogram"), METRIC("h", "BITS", "histogram") },
	{ METRIC("h", "SIZES", "histogram", ",\"histogram\":{\"sum-field\":\"value.sum\"}") },
	{ METRIC("h", "SIZES", "histogram",
		 ",\"histogram\":{\"sum-field\":\"value.sum\"},\"scale\":1e-9,"
		 "\"unit\":\"seconds\"") },
	{ METRIC("s", "SIZES", "summary",
		 ",\"histogram\":{\"sum-field\":\"value.sum\"},\"quantiles\":[0,0.25,0.999,1]") },
	{ METRIC("s", "ARRAY", "summary") },
	{ METRIC("odd", "ONE", "histogram") },
	/* integers in an array in the value */
	{ METRIC("slots", "SIZES", "counter", ",\"value\":\"value.slots\"") },
	{ METRIC("devices", "DEVICES", "counter") },
	/* per-CPU series, and series that are left out */
	{ "{\"name\":\"cpus\",\"map-name\":\"CPUS\",\"per-cpu\":\"list\","
	  "\"open-metrics-metadata\":{\"type\":\"counter\"}}" },
	{ "{\"name\":\"top\",\"map-name\":\"MANY\",\"max-series\":3,"
	  "\"open-metrics-metadata\":{\"type\":\"counter\"}}",
	  "{\"name\":\"size\",\"map-name\":\"SIZES\",\"max-series\":1,"
	  "\"open-metrics-metadata\":{\"type\":\"histogram\","
	  "\"histogram\":{\"sum-field\":\"value.sum\"}}}" },
};

static void test_same_as_text(void **state)
{
	int wrong = 0;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		_cleanup_text_ struct text text = {}, bytes = {}, shown = {};

		expose(same[i], &encoding_prometheus, &text);
		expose(same[i], &encoding_protobuf, &bytes);
		unpack(&bytes, show_as_text, &shown);
		if (strcmp(text_str(&shown), text_str(&text)) != 0) {
			print_error("%s: is\n%s\nas text\n%s\n", same[i][0], text_str(&shown),
				    text_str(&text));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A double has only 53 bits of precision. */
static void show_values(const Prometheus__MetricFamily *family, struct text *out)
{
	for (size_t i = 0; i < family->n_metric; i++)
		text_printf(out, "%s %.17g;", family->name, family->metric[i]->counter->value);
}

static void test_large(void **state)
{
	const char *const most[GIVEN_MAX] = { METRIC("most", "MOST", "counter") };
	_cleanup_text_ struct text bytes = {}, shown = {};

	(void)state;
	if (!object)
		skip();
	expose(most, &encoding_protobuf, &bytes);
	unpack(&bytes, show_values, &shown);
	assert_string_equal(text_str(&shown), "most_total 1.8446744073709552e+19;");
}

/* Parsers reject a unit that is not a suffix of the name. */
static void show_unit(const Prometheus__MetricFamily *family, struct text *out)
{
	text_printf(out, "%s %s;", family->name, family->unit ? family->unit : "-");
}

static const struct {
	const char *metrics[GIVEN_MAX], *shown;
} units[] = {
	{ { METRIC("size", "ONE", "counter", ",\"unit\":\"bytes\"") }, "size_bytes_total bytes;" },
	{ { METRIC("size", "ARRAY", "histogram", ",\"unit\":\"bytes\"") }, "size_bytes bytes;" },
	{ { METRIC("kilobytes", "ONE", "gauge", ",\"unit\":\"bytes\"") },
	  "kilobytes_bytes bytes;" },
	{ { METRIC("size", "ONE", "gauge") }, "size -;" },
	/* not a counter, so there is no _total after the unit */
	{ { METRIC("size", "ONE", "counter", ",\"unit\":\"bytes\""),
	    METRIC("size_bytes", "ONE", "gauge") },
	  "size_bytes -;size_bytes_total -;" },
};

static void test_units(void **state)
{
	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		_cleanup_text_ struct text bytes = {}, shown = {}, text = {};

		expose(units[i].metrics, &encoding_protobuf, &bytes);
		unpack(&bytes, show_unit, &shown);
		assert_string_equal(text_str(&shown), units[i].shown);
		expose(units[i].metrics, &encoding_openmetrics, &text);
		assert_int_equal(!!strstr(text_str(&text), "# UNIT"),
				 !!strstr(units[i].shown, " bytes;"));
	}
}

/* -- native histograms -- */

/* Shows the buckets with their bounds, "(above,up to]:count". */
static void show_native(const Prometheus__MetricFamily *family, struct text *out)
{
	for (size_t i = 0; i < family->n_metric; i++) {
		const Prometheus__Histogram *histogram = family->metric[i]->histogram;
		uint64_t count = 0, all = histogram->zero_count;
		size_t delta = 0;
		int bucket = 0;

		if (!histogram->has_schema) {
			assert_false(histogram->has_zero_threshold || histogram->has_zero_count);
			assert_int_equal(histogram->n_positive_span + histogram->n_positive_delta,
					 0);
			text_adds(out, "classic;");
			continue;
		}
		text_printf(out, "0..%g:%llu", histogram->zero_threshold,
			    (unsigned long long)histogram->zero_count);
		for (size_t s = 0; s < histogram->n_positive_span; s++) {
			const Prometheus__BucketSpan *span = histogram->positive_span[s];

			bucket += span->offset;
			for (uint32_t j = 0; j < span->length; j++, bucket++, delta++) {
				assert_in_range(delta, 0, histogram->n_positive_delta - 1);
				count += (uint64_t)histogram->positive_delta[delta];
				all += count;
				if (count)
					text_printf(out, " (%g,%g]:%llu", exp2((double)bucket - 1),
						    exp2(bucket), (unsigned long long)count);
			}
		}
		assert_int_equal(delta, histogram->n_positive_delta);
		assert_int_equal(histogram->schema, 0);
		/* Otherwise Prometheus rejects the whole exposition. */
		assert_int_equal(all, histogram->sample_count);
		text_addc(out, ';');
	}
}

/* ARRAY and SIZES hold the measurements 0, 1, 2 or 3, three of 4 to 7, one of 64 to 127. */
static const struct {
	const char *metrics[GIVEN_MAX], *shown;
} natives[] = {
	{ { METRIC("h", "ARRAY", "histogram") }, "0..1:2 (2,4]:1 (4,8]:3 (64,128]:1;" },
	{ { METRIC("h", "SIZES", "histogram") },
	  "0..1:0;0..1:2 (2,4]:1 (4,8]:3 (64,128]:1;0..1:5;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"histogram\":{\"buckets\":\"log2-bits\"}") },
	  "0..1:3 (2,4]:3 (32,64]:1;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"histogram\":{\"buckets\":\"exp2\"}") },
	  "0..1:2 (1,2]:1 (2,4]:3 (32,64]:1;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"histogram\":{\"buckets\":\"exp2-zero\"}") },
	  "0..1:3 (1,2]:3 (16,32]:1;" },
	/* all 64-bit numbers; the last two slots */
	{ { METRIC("h", "BITS", "histogram", ",\"histogram\":{\"buckets\":\"log2-bits\"}") },
	  "0..1:3 (4.61169e+18,9.22337e+18]:64 (9.22337e+18,1.84467e+19]:65;" },
	/* the last slot includes larger values */
	{ { METRIC("h", "PAIR", "histogram") }, "0..1:3 (2,4]:4;" },
	{ { METRIC("h", "PAIR", "histogram", ",\"histogram\":{\"buckets\":\"log2-bits\"}") },
	  "classic;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"histogram\":{\"slots\":3}") },
	  "0..1:2 (2,4]:1 (4,8]:4;" },
	/* scales */
	{ { METRIC("h", "ARRAY", "histogram", ",\"scale\":8") },
	  "0..8:2 (16,32]:1 (32,64]:3 (512,1024]:1;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"scale\":0.25") },
	  "0..0.25:2 (0.5,1]:1 (1,2]:3 (16,32]:1;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"scale\":0.001") }, "classic;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"scale\":3") }, "classic;" },
	/* other kinds of slots */
	{ { METRIC("h", "ARRAY", "histogram", ",\"histogram\":{\"buckets\":\"linear\"}") },
	  "classic;" },
	{ { METRIC("h", "ARRAY", "histogram",
		   ",\"histogram\":{\"buckets\":[1,3,7,15,31,63,127]}") },
	  "classic;" },
	/* Prometheus uses the first histogram of a family, so either all are native or none */
	{ { METRIC("h", "ARRAY", "histogram"), METRIC("h", "ARRAY", "histogram", ",\"scale\":2") },
	  "0..1:2 (2,4]:1 (4,8]:3 (64,128]:1;0..2:2 (4,8]:1 (8,16]:3 (128,256]:1;" },
	{ { METRIC("h", "ARRAY", "histogram"),
	    METRIC("h", "ARRAY", "histogram", ",\"scale\":0.1") },
	  "classic;classic;" },
	{ { METRIC("h", "ARRAY", "histogram", ",\"scale\":0.1"),
	    METRIC("i", "ARRAY", "histogram") },
	  "classic;0..1:2 (2,4]:1 (4,8]:3 (64,128]:1;" },
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of a hash's entries is undefined. */
static char *sorted(const char *all)
{
	_cleanup_free_ char *copy = strdup(all);
	struct text out = {};
	char *parts[10], *rest = copy;
	size_t n = 0;

	while ((parts[n] = strsep(&rest, ";")) && *parts[n])
		n++;
	qsort(parts, n, sizeof(*parts), by_text);
	for (size_t i = 0; i < n; i++)
		text_printf(&out, "%s;", parts[i]);
	return text_steal(&out);
}

static void test_native(void **state)
{
	int wrong = 0;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(natives); i++) {
		_cleanup_text_ struct text bytes = {}, shown = {};
		_cleanup_free_ char *is = NULL, *expected = sorted(natives[i].shown);

		expose(natives[i].metrics, &encoding_protobuf, &bytes);
		unpack(&bytes, show_native, &shown);
		is = sorted(text_str(&shown));
		if (strcmp(is, expected) != 0) {
			print_error("%s: is %s\nexpected %s\n", natives[i].metrics[0], is,
				    expected);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/*
 * Records each number as a program would, and compares its bucket with the rule of the schema: the
 * smallest power of two that is not less than the number.
 */
static void test_schema(void **state)
{
	static const char *const kinds[] = { "log2-floor", "log2-bits" };

	(void)state;
	if (!object)
		skip();
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (uint64_t v = 0; v <= 130; v++) {
			_cleanup_text_ struct text bytes = {}, shown = {};
			_cleanup_free_ char *metric = NULL, *expected = NULL;
			bool power = v > 1 && !(v & (v - 1));
			uint64_t up_to = 1;
			uint32_t slot = v ? 63 - (uint32_t)__builtin_clzll(v) + (uint32_t)kind : 0;

			while (up_to < v || (power && up_to == v))
				up_to *= 2;
			assert_true(asprintf(&metric,
					     METRIC("h", "BITS", "histogram",
						    ",\"histogram\":{\"buckets\":\"%s\"}"),
					     kinds[kind]) > 0);
			if (v <= 1)
				expected = strdup("0..1:1;");
			else
				assert_true(asprintf(&expected, "0..1:0 (%llu,%llu]:1;",
						     (unsigned long long)up_to / 2,
						     (unsigned long long)up_to) > 0);
			for (uint32_t i = 0; i < 65; i++)
				object_put(object, "BITS", &i, &(uint64_t){ i == slot });
			expose((const char *const[GIVEN_MAX]){ metric }, &encoding_protobuf,
			       &bytes);
			unpack(&bytes, show_native, &shown);
			assert_string_equal(text_str(&shown), expected);
		}
	fill();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_text), cmocka_unit_test(test_large),
		cmocka_unit_test(test_units),	     cmocka_unit_test(test_native),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
