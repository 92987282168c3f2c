/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/negotiation.h"
#include "export/openmetrics.h"
#include "export/protobuf.h"
#include "export/text_encoder.h"
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>

static const struct {
	const char *accept;
	const struct encoding *encoding;
} accepts[] = {
#define OM   (&encoding_openmetrics)
#define PROM (&encoding_prometheus)
#define PB   (&encoding_protobuf)
#define PB_TYPE                                                                                    \
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"                 \
	"encoding=delimited"
	{ NULL, PROM },
	{ "", PROM },
	{ "*/*", PROM },
	{ "text/plain", PROM },
	{ "text/html,application/xhtml+xml,*/*;q=0.8", PROM },
	{ "application/json", PROM },
	{ "application/openmetrics-text", OM },
	{ "Application/OpenMetrics-Text; Version=1.0.0", OM },
	{ "application/openmetrics-text;version=1.0.0;q=0.5", OM },
	{ "application/openmetrics-text;q=0", PROM },
	{ "application/openmetrics-text; q=0.0, text/plain", PROM },
	{ "text/plain;q=0.5,application/openmetrics-text;q=0.6", OM },
	{ "text/plain;q=0.7,application/openmetrics-text;q=0.6", PROM },
	{ "text/plain , application/openmetrics-text", OM },
	{ "text/plain;q=0.3, */*;q=0.1, application/openmetrics-text; version=1.0.0 ; Q=0.4", OM },
	/* sent by Prometheus 2 and 3 */
	{ "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	  OM },
	{ "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
	  "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	  OM },
	{ "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", PROM },
	{ ",,;,;q=,;q", PROM },
	/* sent by Prometheus with native histograms: 2.40, 2.50, 3.0 */
	{ PB_TYPE ",application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	  PB },
	{ PB_TYPE ";q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,"
		  "application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,"
		  "*/*;q=0.1",
	  PB },
	{ PB_TYPE ";escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;"
		  "escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;"
		  "q=0.2,*/*;q=0.1",
	  PB },
	/* scrape_protocols in another order */
	{ "application/openmetrics-text;version=1.0.0;q=0.6," PB_TYPE ";q=0.5,*/*;q=0.4", OM },
	{ "text/plain;version=0.0.4;q=0.6," PB_TYPE ";q=0.5,*/*;q=0.4", PROM },
	{ PB_TYPE, PB },
	{ PB_TYPE ";q=0", PROM },
	{ PB_TYPE ";q=0,application/openmetrics-text;q=0.1", OM },
	{ "application/openmetrics-text," PB_TYPE, PB },
	{ "Application/Vnd.Google.Protobuf ; Encoding=Delimited ; "
	  "Proto=io.prometheus.client.MetricFamily ; q=0.9,text/plain;q=0.8",
	  PB },
	{ "application/vnd.google.protobuf", PROM },
	{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily", PROM },
	{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
	  PROM },
	{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
	  "encoding=delimiteds",
	  PROM },
	{ "application/vnd.google.protobuf;proto=io.prometheus.client.Metric;encoding=delimited",
	  PROM },
	/* parameters of one entry do not apply to another one */
	{ "application/vnd.google.protobuf,"
	  "text/plain;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5",
	  PROM },
	{ "application/openmetrics-texture", PROM },
	{ "\tapplication/openmetrics-text;\tq=0.9,\ttext/plain;\tq=0.5", OM },
};

static void test_negotiation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepts); i++)
		if (negotiate_encoding(accepts[i].accept) != accepts[i].encoding)
			fail_msg("Accept: %s", accepts[i].accept);
	assert_true(contains(OM->content_type, "application/openmetrics-text; version=1.0.0"));
	assert_true(contains(PROM->content_type, "text/plain; version=0.0.4"));
	assert_string_equal(PB->content_type,
			    "application/vnd.google.protobuf; "
			    "proto=io.prometheus.client.MetricFamily; encoding=delimited");
}

static const char source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct flow { __u32 monitor; __u16 index; unsigned char name[10]; };\n"
	"struct odd { __u32 __pad; __u32 _x; };\n"
	"MAP(ARRAY, __u32, __u64, 1, ONE);\n"
	"MAP(ARRAY, __u32, __u64, 1, MOST);\n"
	"MAP(ARRAY, __u32, __s64, 1, LEAST);\n"
	"MAP(ARRAY, __u32, __u32, 3, THREE);\n"
	"MAP(ARRAY, __u32, double, 5, DOUBLES);\n"
	"MAP(HASH, struct flow, __u64, 10, FLOWS);\n"
	"MAP(HASH, struct odd, __u64, 10, ODD);\n"
	"MAP(HASH, __u32, __u64, 10, NONE);\n"
	"struct slots { __u32 slots[2]; };\n"
	"struct part { __u64 quantile; };\n"
	"struct below { __u64 slots[3]; __s64 sum; double real; };\n"
	"MAP(ARRAY, __u32, struct below, 1, BELOW);\n"
	"MAP(ARRAY, __u32, struct below, 1, SUMMED);\n"
	"MAP(HASH, struct part, struct slots, 10, SLOTS);\n"
	"struct many { __u64 n; __u32 counts[2]; unsigned char mac[6]; __u16 ports[2]; };\n"
	"MAP(ARRAY, __u32, struct many, 2, MANY);\n"
	"struct queue { __u64 packets; __u16 errors, flag : 1; };\n"
	"struct device { struct queue queues[2]; __u64 drops; };\n"
	"MAP(HASH, __u32, struct device, 2, DEVICES);\n"
	"typedef __u64 pair[2];\n"
	"MAP(HASH, __u32, pair, 2, BARE);\n"
	"MAP(HASH, __u32, __u64, 10, TAKEN);\n"
	"struct named { __u32 metric_name; };\n"
	"struct same { struct { __u64 b_c; } a; struct { __u64 c; } a_b; __u64 a_b_c; };\n"
	"MAP(HASH, struct named, struct same, 2, SAME);\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

static struct object *object;

static void fill(void)
{
	const double doubles[] = { 0.1, -1.5, NAN, INFINITY, -INFINITY };
	const uint64_t one = 1, most = UINT64_MAX;
	const int64_t least = INT64_MIN;
	const struct {
		uint32_t monitor;
		uint16_t index;
		char name[10];
	} flow = { 7, 8, "a\"\\\n\xff\r\xc3\xa4" };
	const struct {
		uint64_t n;
		uint32_t counts[2];
		uint8_t mac[6];
		uint16_t ports[2];
	} many = { 5, { 6, 7 }, {}, {} };
	const struct {
		uint64_t slots[3];
		int64_t sum;
		double real;
	} below = { { 2, 1, 1 }, -3, NAN };
	const uint32_t odd[2] = { 1, 2 }, slots[2] = { 2, 3 };

	for (uint32_t i = 0; i < 5; i++) {
		const uint32_t value = i * 10;

		if (i < 3)
			object_put(object, "THREE", &i, &value);
		object_put(object, "DOUBLES", &i, &doubles[i]);
	}
	object_put(object, "ONE", &(uint32_t){ 0 }, &one);
	object_put(object, "MOST", &(uint32_t){ 0 }, &most);
	object_put(object, "LEAST", &(uint32_t){ 0 }, &least);
	object_put(object, "FLOWS", &flow, &one);
	object_put(object, "ODD", odd, &one);
	object_put(object, "SLOTS", &(uint64_t){ 7 }, slots);
	object_put(object, "BELOW", &(uint32_t){ 0 }, &below);
	object_put(object, "MANY", &(uint32_t){ 1 }, &many);
	object_put(object, "DEVICES", &(uint32_t){ 3 }, (uint64_t[]){ 5, 1, 6, 2, 7 });
	object_put(object, "BARE", &(uint32_t){ 4 }, (uint64_t[]){ 8, 9 });
	object_put(object, "TAKEN", &(uint32_t){ 5 }, &one);
	object_put(object, "SAME", &(uint32_t){ 6 }, (uint64_t[]){ 1, 2, 3 });
}

static const struct {
	double bound;
	const char *text;
} bounds[] = {
	{ 0, "0.0" },
	{ 1, "1.0" },
	{ -1, "-1.0" },
	{ 10, "10.0" },
	{ 255, "255.0" },
	{ 123456, "123456.0" },
	{ 100000, "100000.0" },
	{ 1000000, "1e+06" },
	{ 1048575, "1.048575e+06" },
	{ 1e10, "1e+10" },
	{ 18446744073709551615.0, "1.8446744073709552e+19" },
	{ 0.5, "0.5" },
	{ 0.999, "0.999" },
	{ 0.001, "0.001" },
	{ 0.0001, "0.0001" },
	{ 0.00001, "1e-05" },
	{ 1.023e-06, "1.023e-06" },
	{ 12.25, "12.25" },
	{ 1e100, "1e+100" },
	{ -2.5e-7, "-2.5e-07" },
	{ INFINITY, "+Inf" },
};

static void test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		_cleanup_text_ struct text text = {};

		exposition_bound(&text, bounds[i].bound);
		assert_string_equal(text_str(&text), bounds[i].text);
	}
}

static int load_object(void **state)
{
	(void)state;
	object = object_from_source(source);
	if (object)
		fill();
	return 0;
}

static int drop_object(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

/* One metric of one instance. */
struct given {
	const char *monitor, *interface;
	int path;
	const char *name, *map;
	enum metric_type type;
	const char *help;
	const char *label, *value; /* a configured label */
	bool empty;
	const char *unit;
	const char *sum; /* sum field of a histogram */
	double *bounds;	 /* two bounds of a histogram */
};

static struct metric_config (*configs)[N_DIRECTIONS];

static void config_make(struct metric_config *config, const struct given *given)
{
	*config = (struct metric_config){
		.name = (char *)given->name,
		.map_name = (char *)given->map,
		.exported = true,
		.empty_on_read = given->empty,
		.type = given->type,
		.help = (char *)given->help,
		.unit = (char *)given->unit,
		.has_histogram = given->sum,
		.histogram = {
			.sum_field = (char *)given->sum,
			.buckets = given->bounds ? BUCKETS_BOUNDS : BUCKETS_LOG2,
			.bounds = given->bounds,
			.n_bounds = given->bounds ? 2 : 0,
		},
	};
	if (given->label) {
		config->labels = calloc(1, sizeof(*config->labels));
		config->labels[0] =
			(struct label_config){ (char *)given->label, (char *)given->value };
		config->n_labels = 1;
	}
}

/* Makes one item per metric, as with several interfaces. */
static struct snapshot snapshot_make(const struct given *given, size_t n)
{
	struct snapshot snapshot = { .items = calloc(n + 1, sizeof(*snapshot.items)), .n = n };

	configs = calloc(n + 1, sizeof(*configs));
	for (size_t i = 0; i < n; i++) {
		struct monitor_settings settings;

		config_make(&configs[i][given[i].path], &given[i]);
		assert_int_equal(monitor_settings_init(&settings, given[i].monitor, NULL), 0);
		snapshot.items[i] =
			snapshot_item_make(&settings, given[i].interface, object, configs[i]);
	}
	return snapshot;
}

static void configs_free(size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			free(configs[i][direction].labels);
	free(configs);
}

static char *exposed(const struct given *given, size_t n, const struct encoding *encoding)
{
	struct snapshot snapshot = snapshot_make(given, n);
	_cleanup_text_ struct text out = {};

	snapshot_expose(&snapshot, encoding, &out);
	configs_free(n);
	return text_steal(&out);
}

/*
 * Parses the text with Prometheus' own parser. Returns 0 if the text is valid, -1 if the parser is
 * not installed, and otherwise the exit status of the parser, which prints its complaint to stderr.
 */
static int parser(const char *text, bool openmetrics)
{
	static const char script[] =
		"import sys\n"
		"from prometheus_client.%s import text_string_to_metric_families as parse\n"
		"text = sys.stdin.buffer.read().decode('utf-8')\n"
		"seen = set()\n"
		"for family in parse(text):\n"
		"    for s in family.samples:\n"
		"        key = (s.name, tuple(sorted(s.labels.items())))\n"
		"        assert key not in seen, 'twice: %%s' %% (key,)\n"
		"        seen.add(key)\n";
	_cleanup_free_ char *folder = folder_make(), *code = NULL;
	int r;

	if (shell("/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser'")) {
		folder_remove(folder);
		return -1;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_true(asprintf(&code, script, openmetrics ? "openmetrics.parser" : "parser") > 0);
#pragma GCC diagnostic pop
	file_make(folder, "parse.py", code, strlen(code), 0600);
	file_make(folder, "text", text, strlen(text), 0600);
	r = shell("ASAN_OPTIONS= /usr/bin/python3 %s/parse.py <%s/text 2>&9", folder, folder);
	folder_remove(folder);
	return r;
}

#define LABELS(m, i, p) "{monitor=\"" m "\",interface=\"" i "\",direction=\"" p "\""
#define EDGE		LABELS("edge", "eth0", "ingress")
#define AT_A		LABELS("a", "eth0", "ingress")
#define AT_B		LABELS("b", "eth0", "ingress")
#define AT_C		LABELS("c", "eth0", "ingress")

static const struct {
	const char *name;
	struct given given[3];
	const char *openmetrics, *prometheus; /* NULL: only checked by the parser */
} cases[] = {
	{ "nothing", {}, "# EOF\n", "" },
	{ "a counter",
	  { { "edge", "eth0", 0, "packets", "ONE", METRIC_COUNTER, "Help", 0, 0, 0 } },
	  "# HELP packets Help\n# TYPE packets counter\npackets_total" EDGE "} 1\n# EOF\n",
	  "# HELP packets_total Help\n# TYPE packets_total counter\npackets_total" EDGE "} 1\n" },
	{ "a counter that says so",
	  { { "edge", "eth0", 0, "packets_total", "ONE", METRIC_COUNTER, "Help", 0, 0, 0 } },
	  "# HELP packets Help\n# TYPE packets counter\npackets_total" EDGE "} 1\n# EOF\n",
	  NULL },
	{ "a name like the plugin's own figures",
	  { { "edge", "eth0", 0, "dynmon-reads", "ONE", METRIC_COUNTER, "Help", 0, 0, 0 } },
	  "# HELP exported_dynmon_reads Help\n# TYPE exported_dynmon_reads counter\n"
	  "exported_dynmon_reads_total" EDGE "} 1\n# EOF\n",
	  NULL },
	{ "a unit is a word of its own",
	  { { "edge", "eth0", 0, "kilobytes", "ONE", METRIC_GAUGE, "h", 0, 0, 0, "bytes" },
	    { "edge", "eth0", 0, "x_bytes", "ONE", METRIC_GAUGE, "h", 0, 0, 0, "bytes" } },
	  "# HELP kilobytes_bytes h\n# TYPE kilobytes_bytes gauge\n"
	  "# UNIT kilobytes_bytes bytes\nkilobytes_bytes" EDGE "} 1\n"
	  "# HELP x_bytes h\n# TYPE x_bytes gauge\n# UNIT x_bytes bytes\nx_bytes" EDGE
	  "} 1\n# EOF\n",
	  NULL },
	{ "a counter with a unit that cannot be one",
	  { { "a", "eth0", 0, "x", "ONE", METRIC_COUNTER, "h", 0, 0, 0, "bytes" },
	    { "b", "eth0", 0, "x_bytes", "ONE", METRIC_GAUGE, "h", 0, 0, 0, "bytes" } },
	  "# HELP x_bytes h\n# TYPE x_bytes gauge\n# UNIT x_bytes bytes\nx_bytes" AT_B "} 1\n"
	  "# HELP x_bytes_total h\n# TYPE x_bytes_total unknown\nx_bytes_total" AT_A "} 1\n"
	  "# EOF\n",
	  NULL },
	{ "a histogram with a unit whose name is taken",
	  { { "a", "eth0", 0, "h", "THREE", METRIC_HISTOGRAM, "h", 0, 0, 0, "seconds" },
	    { "b", "eth0", 0, "h_seconds_count", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "no help",
	  { { "edge", "", 1, "g", "ONE", METRIC_GAUGE, NULL, 0, 0, 0 } },
	  "# HELP g Map ONE.\n# TYPE g gauge\ng" LABELS("edge", "", "egress") "} 1\n# EOF\n",
	  NULL },
	{ "untyped",
	  { { "edge", "eth0", 0, "u", "ONE", METRIC_UNTYPED, "", 0, 0, 0 } },
	  "# HELP u Map ONE.\n# TYPE u unknown\nu" EDGE "} 1\n# EOF\n",
	  "# HELP u Map ONE.\n# TYPE u untyped\nu" EDGE "} 1\n" },
	{ "the limits",
	  { { "edge", "eth0", 0, "a", "MOST", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "edge", "eth0", 0, "b", "LEAST", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "edge", "eth0", 0, "c", "MOST", METRIC_COUNTER, "h", 0, 0, 0 } },
	  "# HELP a h\n# TYPE a gauge\na" EDGE "} 18446744073709551615\n"
	  "# HELP b h\n# TYPE b gauge\nb" EDGE "} -9223372036854775808\n"
	  "# HELP c h\n# TYPE c counter\nc_total" EDGE "} 18446744073709551615\n# EOF\n",
	  NULL },
	{ "an array of several",
	  { { "edge", "eth0", 0, "g", "THREE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",index=\"0\"} 0\ng" EDGE ",index=\"1\"} 10\ng" EDGE
	  ",index=\"2\"} 20\n# EOF\n",
	  NULL },
	{ "doubles of all kinds",
	  { { "edge", "eth0", 0, "g", "DOUBLES", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",index=\"0\"} 0.1\ng" EDGE ",index=\"1\"} -1.5\n"
	  "g" EDGE ",index=\"2\"} NaN\ng" EDGE ",index=\"3\"} +Inf\ng" EDGE ",index=\"4\"} -Inf\n"
	  "# EOF\n",
	  NULL },
	{ "a counter is no negative double and no NaN",
	  { { "edge", "eth0", 0, "g", "DOUBLES", METRIC_COUNTER, "h", 0, 0, 0 } },
	  "# HELP g h\n# TYPE g counter\ng_total" EDGE ",index=\"0\"} 0.1\n"
	  "g_total" EDGE ",index=\"3\"} +Inf\n# EOF\n",
	  NULL },
	{ "labels of keys, escaped, and names that are taken",
	  { { "edge", "eth0", 0, "g", "FLOWS", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",exported_monitor=\"7\",index=\"8\","
	  "name=\"61225c0aff0dc3a40000\"} 1\n# EOF\n",
	  NULL },
	{ "a label called monitor",
	  { { "edge", "eth0", 0, "g", "ONE", METRIC_GAUGE, "h", "monitor", "m\"e\\\n", 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",exported_monitor=\"m\\\"e\\\\\\n\"} 1\n# EOF\n",
	  NULL },
	{ "a label called as the key's field, which is taken too",
	  { { "edge", "eth0", 0, "g", "FLOWS", METRIC_GAUGE, "h", "exported_monitor", "x", 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",exported_monitor=\"x\",exported_monitor_1=\"7\","
	  "index=\"8\",name=\"61225c0aff0dc3a40000\"} 1\n# EOF\n",
	  NULL },
	{ "a label called index on an array",
	  { { "edge", "eth0", 0, "g", "THREE", METRIC_GAUGE, "h", "index", "x", 0 } },
	  "# HELP g h\n# TYPE g gauge\ng" EDGE ",index=\"x\",exported_index=\"0\"} 0\ng" EDGE
	  ",index=\"x\",exported_index=\"1\"} 10\ng" EDGE ",index=\"x\",exported_index=\"2\"} 20\n"
	  "# EOF\n",
	  NULL },
	{ "help is escaped",
	  { { "edge", "eth0", 0, "g", "ONE", METRIC_GAUGE, "a\\b\"c\nd\re", 0, 0, 0 } },
	  "# HELP g a\\\\b\\\"c\\nde\n# TYPE g gauge\ng" EDGE "} 1\n# EOF\n",
	  "# HELP g a\\\\b\"c\\nde\n# TYPE g gauge\ng" EDGE "} 1\n" },
	{ "names of metrics",
	  { { "edge", "eth0", 0, "7-b c", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "edge", "eth0", 0, "a:\xc3\xa4", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP _7_b_c h\n# TYPE _7_b_c gauge\n_7_b_c" EDGE "} 1\n"
	  "# HELP a:__ h\n# TYPE a:__ gauge\na:__" EDGE "} 1\n# EOF\n",
	  NULL },
	{ "one family of several monitors",
	  { { "a", "eth0", 0, "x", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "y", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "c", "eth0", 1, "x", "ONE", METRIC_GAUGE, "other", 0, 0, 0 } },
	  "# HELP x h\n# TYPE x gauge\nx" LABELS(
		  "a", "eth0",
		  "ingress") "} 1\n"
			     "x" LABELS("c", "eth0",
					"egress") "} 1\n"
						  "# HELP y h\n# TYPE y gauge\ny" LABELS(
							  "b", "eth0", "ingress") "} 1\n# EOF\n",
	  NULL },
	{ "types that do not agree",
	  { { "a", "eth0", 0, "x", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "x", "ONE", METRIC_UNTYPED, "h", 0, 0, 0 } },
	  "# HELP x h\n# TYPE x unknown\nx" LABELS(
		  "a", "eth0", "ingress") "} 1\n"
					  "x" LABELS("b", "eth0", "ingress") "} 1\n# EOF\n",
	  NULL },
	{ "a counter and a gauge called as its samples",
	  { { "a", "eth0", 0, "x", "ONE", METRIC_COUNTER, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "x_total", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "a counter and a gauge of one name",
	  { { "a", "eth0", 0, "foo", "ONE", METRIC_COUNTER, "h", 0, 0, 0 },
	    { "a", "eth0", 0, "foo", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "a counter and a gauge called as the time of its creation",
	  { { "a", "eth0", 0, "foo", "ONE", METRIC_COUNTER, "h", 0, 0, 0 },
	    { "a", "eth0", 0, "foo_created", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "two names that become one",
	  { { "a", "eth0", 0, "my-metric", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "a", "eth0", 0, "my_metric", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "two names that become one, and a label called as what tells them apart",
	  { { "a", "eth0", 0, "my-metric", "SAME", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "a", "eth0", 0, "my_metric", "SAME", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "a metric and a field that become one",
	  { { "a", "eth0", 0, "m_n", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "a", "eth0", 0, "m", "MANY", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "fields of one name",
	  { { "edge", "eth0", 0, "m", "SAME", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP m_a_b_c h\n# TYPE m_a_b_c gauge\nm_a_b_c" EDGE ",exported_metric_name=\"6\"} 1\n"
	  "# HELP m_a_b_c_2 h\n# TYPE m_a_b_c_2 gauge\n"
	  "m_a_b_c_2" EDGE ",exported_metric_name=\"6\"} 2\n"
	  "# HELP m_a_b_c_3 h\n# TYPE m_a_b_c_3 gauge\n"
	  "m_a_b_c_3" EDGE ",exported_metric_name=\"6\"} 3\n# EOF\n",
	  NULL },
	{ "integers in an array of the value have an index, beside that of the map",
	  { { "edge", "eth0", 0, "m", "MANY", METRIC_COUNTER, "h", 0, 0, 0 } },
	  "# HELP m_counts h\n# TYPE m_counts counter\n"
	  "m_counts_total" EDGE ",index=\"0\",exported_index=\"0\"} 0\n"
	  "m_counts_total" EDGE ",index=\"0\",exported_index=\"1\"} 0\n"
	  "m_counts_total" EDGE ",index=\"1\",exported_index=\"0\"} 6\n"
	  "m_counts_total" EDGE ",index=\"1\",exported_index=\"1\"} 7\n"
	  "# HELP m_n h\n# TYPE m_n counter\n"
	  "m_n_total" EDGE ",index=\"0\"} 0\nm_n_total" EDGE ",index=\"1\"} 5\n# EOF\n",
	  NULL },
	{ "numbers of structs in an array of the value",
	  { { "edge", "eth0", 0, "m", "DEVICES", METRIC_COUNTER, "h", 0, 0, 0 } },
	  "# HELP m_drops h\n# TYPE m_drops counter\nm_drops_total" EDGE ",key=\"3\"} 7\n"
	  "# HELP m_queues_errors h\n# TYPE m_queues_errors counter\n"
	  "m_queues_errors_total" EDGE ",key=\"3\",index=\"0\"} 1\n"
	  "m_queues_errors_total" EDGE ",key=\"3\",index=\"1\"} 2\n"
	  "# HELP m_queues_packets h\n# TYPE m_queues_packets counter\n"
	  "m_queues_packets_total" EDGE ",key=\"3\",index=\"0\"} 5\n"
	  "m_queues_packets_total" EDGE ",key=\"3\",index=\"1\"} 6\n# EOF\n",
	  NULL },
	{ "a value that is an array",
	  { { "edge", "eth0", 0, "m", "BARE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP m h\n# TYPE m gauge\nm" EDGE ",key=\"4\",index=\"0\"} 8\n"
	  "m" EDGE ",key=\"4\",index=\"1\"} 9\n# EOF\n",
	  NULL },
	{ "a histogram without buckets",
	  { { "edge", "eth0", 0, "h", "ONE", METRIC_HISTOGRAM, "h", 0, 0, 0 } },
	  "# HELP h h\n# TYPE h unknown\nh" EDGE "} 1\n# EOF\n",
	  NULL },
	{ "a histogram of an array, without a sum",
	  { { "edge", "eth0", 0, "h", "THREE", METRIC_HISTOGRAM, "h", 0, 0, 0 } },
	  "# HELP h h\n# TYPE h histogram\nh_bucket" EDGE ",le=\"1.0\"} 0\n"
	  "h_bucket" EDGE ",le=\"3.0\"} 10\nh_bucket" EDGE ",le=\"+Inf\"} 30\n# EOF\n",
	  "# HELP h h\n# TYPE h histogram\nh_bucket" EDGE ",le=\"1.0\"} 0\n"
	  "h_bucket" EDGE ",le=\"3.0\"} 10\nh_bucket" EDGE ",le=\"+Inf\"} 30\n" },
	{ "sums that are negative, or no number, and a quantile below zero",
	  { { "a", "eth0", 0, "h", "BELOW", METRIC_HISTOGRAM, "h", 0, 0, 0, 0, "value.sum", 0 },
	    { "b", "eth0", 0, "h", "BELOW", METRIC_HISTOGRAM, "h", 0, 0, 0, 0, "value.real", 0 },
	    { "c", "eth0", 0, "s", "BELOW", METRIC_SUMMARY, "h", 0, 0, 0, 0, "value.sum",
	      (double[]){ -7, 2 } } },
	  "# HELP h h\n# TYPE h histogram\nh_bucket" AT_A ",le=\"1.0\"} 2\n"
	  "h_bucket" AT_A ",le=\"3.0\"} 3\nh_bucket" AT_A ",le=\"+Inf\"} 4\n"
	  "h_bucket" AT_B ",le=\"1.0\"} 2\nh_bucket" AT_B ",le=\"3.0\"} 3\n"
	  "h_bucket" AT_B ",le=\"+Inf\"} 4\n# HELP s h\n# TYPE s summary\n"
	  "s" AT_C ",quantile=\"0.9\"} 2\ns" AT_C ",quantile=\"0.99\"} 2\n"
	  "s_count" AT_C "} 4\n# EOF\n",
	  NULL },
	{ "a sum beside bounds below zero",
	  { { "a", "eth0", 0, "h", "SUMMED", METRIC_HISTOGRAM, "h", 0, 0, 0, 0, "value.sum",
	      (double[]){ -7, 2 } },
	    { "b", "eth0", 0, "h", "SUMMED", METRIC_HISTOGRAM, "h", 0, 0, 0, 0, "value.sum", 0 } },
	  "# HELP h h\n# TYPE h histogram\nh_bucket" AT_A ",le=\"-7.0\"} 0\n"
	  "h_bucket" AT_A ",le=\"2.0\"} 0\nh_bucket" AT_A ",le=\"+Inf\"} 0\n"
	  "h_bucket" AT_B ",le=\"1.0\"} 0\nh_bucket" AT_B ",le=\"3.0\"} 0\n"
	  "h_bucket" AT_B ",le=\"+Inf\"} 0\nh_count" AT_B "} 0\nh_sum" AT_B "} 0\n# EOF\n",
	  NULL },
	{ "a summary",
	  { { "edge", "eth0", 0, "s", "THREE", METRIC_SUMMARY, "h", 0, 0, 0 } },
	  "# HELP s h\n# TYPE s summary\ns" EDGE ",quantile=\"0.5\"} 3\n"
	  "s" EDGE ",quantile=\"0.9\"} 3\ns" EDGE ",quantile=\"0.99\"} 3\n"
	  "s_count" EDGE "} 30\n# EOF\n",
	  NULL },
	{ "labels called as the exposition's own",
	  { { "edge", "eth0", 0, "h", "SLOTS", METRIC_HISTOGRAM, "h", "le", "x", 0 } },
	  "# HELP h h\n# TYPE h histogram\nh_bucket" EDGE
	  ",exported_le=\"x\",quantile=\"7\",le=\"1.0\"} 2\nh_bucket" EDGE
	  ",exported_le=\"x\",quantile=\"7\",le=\"+Inf\"} 5\n# EOF\n",
	  NULL },
	{ "a histogram and a gauge called as its samples",
	  { { "a", "eth0", 0, "h", "THREE", METRIC_HISTOGRAM, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "h_bucket", "ONE", METRIC_GAUGE, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "h_histogram", "ONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "a histogram, a summary and a counter of one name",
	  { { "a", "eth0", 0, "h", "THREE", METRIC_HISTOGRAM, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "h", "THREE", METRIC_SUMMARY, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "h", "ONE", METRIC_COUNTER, "h", 0, 0, 0 } },
	  NULL,
	  NULL },
	{ "one histogram of several monitors",
	  { { "a", "eth0", 0, "h", "SLOTS", METRIC_HISTOGRAM, "h", 0, 0, 0 },
	    { "b", "eth0", 0, "h", "THREE", METRIC_HISTOGRAM, "h", 0, 0, 0 } },
	  "# HELP h h\n# TYPE h histogram\n"
	  "h_bucket" LABELS(
		  "a", "eth0",
		  "ingress") ",quantile=\"7\",le=\"1.0\"} 2\n"
			     "h_bucket" LABELS(
				     "a", "eth0",
				     "ingress") ",quantile=\"7\",le=\"+Inf\"} 5\n"
						"h_bucket" LABELS(
							"b", "eth0",
							"ingress") ",le=\"1.0\"} 0\n"
								   "h_bucket" LABELS(
									   "b", "eth0",
									   "ingress") ",le=\"3.0\"}"
										      " 10\n"
										      "h_"
										      "bucke"
										      "t" LABELS(
											      "b",
											      "eth"
											      "0",
											      "ingr"
											      "ess") ",le=\"+Inf\"} 30\n# EOF\n",
	  NULL },
	{ "fields whose names Prometheus keeps for itself",
	  { { "edge", "eth0", 0, "g", "ODD", METRIC_GAUGE, "h", "x", "y", 0 } },
	  NULL,
	  NULL },
	{ "an empty map has its family",
	  { { "edge", "eth0", 0, "g", "NONE", METRIC_GAUGE, "h", 0, 0, 0 } },
	  "# HELP g h\n# TYPE g gauge\n# EOF\n",
	  NULL },
};

static void test_expositions(void **state)
{
	int wrong = 0, parsed = 0;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int prometheus = 0; prometheus < 2; prometheus++) {
			const char *expected =
				prometheus ? cases[i].prometheus : cases[i].openmetrics;
			_cleanup_free_ char *is = NULL;
			size_t n = 0;
			int r;

			while (n < ARRAY_SIZE(cases[i].given) && cases[i].given[n].monitor)
				n++;
			is = exposed(cases[i].given, n, prometheus ? PROM : OM);
			if (expected && strcmp(is ? is : "", expected) != 0) {
				print_error("%s:\n%s\nexpected:\n%s\n", cases[i].name, is,
					    expected);
				wrong++;
			}
			r = parser(is ? is : "", !prometheus);
			if (r > 0) {
				print_error("%s: the parser refuses:\n%s\n", cases[i].name, is);
				wrong++;
			}
			parsed += r == 0;
		}
	if (!parsed)
		print_error("python3 has no prometheus_client: texts are compared only\n");
	assert_int_equal(wrong, 0);
}

/*
 * All pairs of types, with names that differ by a suffix that a family may reserve. Every page is
 * valid for the strict parser of OpenMetrics and for promtool, and has the samples of both.
 */
static void test_clashes(void **state)
{
	static const char *const suffixes[] = {
		"",	  "_count",  "_sum",	   "_bucket",	   "_created",
		"_total", "_gcount", "_histogram", "_total_total", "_created_total"
	};
	_cleanup_text_ struct text open = {};
	_cleanup_free_ char *folder = NULL;
	char *page;
	int pages = 0, r;

	(void)state;
	if (!object)
		skip();
	folder = folder_make();
	for (size_t i = 0; i < ARRAY_SIZE(suffixes) * 25; i++) {
		char other[32], file[32];
		const struct given given[] = {
			{ "a", "eth0", 0, "h", "THREE", (enum metric_type)(i % 5), "h" },
			{ "b", "eth0", 0, other, "THREE", (enum metric_type)(i / 5 % 5), "h" },
		};

		snprintf(other, sizeof(other), "h%s", suffixes[i / 25]);
		page = exposed(given, 2, OM);
		text_adds(&open, page);
		assert_non_null(strstr(page, "monitor=\"a\""));
		assert_non_null(strstr(page, "monitor=\"b\""));
		free(page);
		page = exposed(given, 2, PROM);
		snprintf(file, sizeof(file), "%d", pages++);
		file_make(folder, file, page, strlen(page), 0600);
		free(page);
	}
	file_make(folder, "open", text_str(&open), open.len, 0600);
	r = shell("/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' && which "
		  "promtool");
	if (r == 0)
		r = shell("ASAN_OPTIONS= /usr/bin/python3 %s/tests/tools/parse-openmetrics.py "
			  "<%s/open >/dev/null 2>&9 || exit 1; cd %s; for i in $(seq 0 %d); do "
			  "promtool check metrics <$i >lint 2>&1 || [ $? -eq 3 ] || "
			  "{ cat lint $i >&9; exit 1; }; done",
			  getenv("top_srcdir"), folder, folder, pages - 1);
	else
		r = 0;
	folder_remove(folder);
	assert_int_equal(r, 0);
}

/* empty-on-read removes what was exported. */
static void test_empty_on_read(void **state)
{
	const struct given given = {
		"edge", "eth0", 0, "g", "TAKEN", METRIC_GAUGE, "h", 0, 0, true
	};
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	if (!object)
		skip();
	first = exposed(&given, 1, OM);
	second = exposed(&given, 1, OM);
	assert_string_equal(first, "# HELP g h\n# TYPE g gauge\ng" EDGE ",key=\"5\"} 1\n# EOF\n");
	assert_string_equal(second, "# HELP g h\n# TYPE g gauge\n# EOF\n");
}

/* A stream may be released at any point, and items may lack a generation. */
static void test_dropped(void **state)
{
	const struct given given[2] = {
		{ "edge", "eth0", 0, "g", "THREE", METRIC_GAUGE, "h", 0, 0, false },
		{ "edge", "eth1", 0, "g", "THREE", METRIC_GAUGE, "h", 0, 0, false },
	};

	(void)state;
	if (!object)
		skip();
	for (int steps = 0; steps < 6; steps++) {
		struct snapshot snapshot = snapshot_make(given, 2);
		_cleanup_text_ struct text out = {};
		struct stream *stream;

		snapshot.items[1].generation = generation_unref(snapshot.items[1].generation);
		assert_int_equal(openmetrics_stream_new(&snapshot, OM, &stream, NULL), 0);
		for (int i = 0; i < steps && stream_next(stream, &out, NULL) > 0; i++)
			;
		stream_free(stream);
		configs_free(2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_expositions), cmocka_unit_test(test_empty_on_read),
		cmocka_unit_test(test_dropped),	    cmocka_unit_test(test_clashes),
	};

	return cmocka_run_group_tests(tests, load_object, drop_object);
}
