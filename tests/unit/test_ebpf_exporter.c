/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversion of configurations of ebpf_exporter. */
#include "ctl/ebpf_exporter.h"
#include "fixture.h"

#include <errno.h>
#include <json-c/json.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T);\\\n"
	"	__type(key, K); __type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct disk { __u32 dev; __u8 op; __u64 bucket; };\n"
	"struct word { char text[16]; };\n"
	"MAP(HASH, __u64, __u64, 10, functions_total);\n"
	"MAP(HASH, struct disk, __u64, 10, latency_seconds);\n"
	"MAP(HASH, struct word, __u64, 10, words_total);\n"
	"MAP(PERCPU_HASH, __u32, __u64, 10, softirqs_total);\n"
	"MAP(ARRAY, __u32, __u64, 1, clamps_total);\n"
	"MAP(ARRAY, __u32, __u64, 30, sizes);\n"
	"MAP(HASH, __u32, __u32, 10, narrow_total);\n"
	"struct pair { __u32 a, b; };\n"
	"MAP(ARRAY, __u32, struct pair, 1, pairs_total);\n"
	"struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4);\n"
	"	__uint(value_size, 4); __uint(max_entries, 8); } oom_total SEC(\".maps\");\n"
	"SEC(\"tc\") int run(struct __sk_buff *skb) { return 0; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

#define COUNTERS(text)	 "metrics:\n  counters:\n" text
#define HISTOGRAMS(text) "metrics:\n  histograms:\n" text
#define NAME(name)	 "    - name: " name "\n      help: H\n"
#define LABELS		 "      labels:\n"
#define LABEL(name, size)                                                                          \
	"        - name: " name "\n          size: " size "\n          decoders:\n"
#define DECODER(name) "            - name: " name "\n"
#define BUCKETS(type) "      bucket_type: " type "\n      bucket_min: 0\n      bucket_max: 26\n"
#define OPERATION(map)                                                                             \
	LABEL("op", "4") DECODER("uint") DECODER("static_map") "              static_map:\n" map
#define FUNCTIONS NAME("functions_total") LABELS LABEL("f", "8")
#define WORDS	  NAME("words_total") LABELS LABEL("w", "16") DECODER("string")
#define REGEXP(pattern)                                                                            \
	WORDS DECODER("regexp") "              regexps:\n                - " pattern "\n"

/* The elements of metric-configs, in the order and with the keys of the document. */
static const struct {
	const char *yaml, *metrics;
	const char *hints; /* NULL: none */
} converted[] = {
	{ COUNTERS(FUNCTIONS DECODER("ksym")),
	  "[{'name':'ebpf_exporter_functions_total','map-name':'functions_total',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':["
	  "{'name':'f','field':'key','format':'ksym'}]}}]" },
	{ COUNTERS(NAME("clamps_total")),
	  "[{'name':'ebpf_exporter_clamps_total','map-name':'clamps_total',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':[]}}]" },
	{ COUNTERS(NAME("softirqs_total") LABELS LABEL("vec", "4") DECODER("uint") LABEL("cpu", "2")
			   DECODER("uint")),
	  "[{'name':'ebpf_exporter_softirqs_total','map-name':'softirqs_total',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':["
	  "{'name':'vec','field':'key','format':'uint'}]},'per-cpu':'list'}]" },
	{ COUNTERS(NAME("sizes") LABELS LABEL("e", "4") DECODER("uint") DECODER("errno")),
	  "[{'name':'ebpf_exporter_sizes','map-name':'sizes',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':["
	  "{'name':'e','field':'index','format':'errno'}]}}]" },
	{ COUNTERS(REGEXP("^(kswapd).*$")),
	  "[{'name':'ebpf_exporter_words_total','map-name':'words_total',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':["
	  "{'name':'w','field':'key.text','format':'string','regexp':['^(kswapd).*$']}]}}]" },
	{ HISTOGRAMS(NAME("latency_seconds") BUCKETS(
		  "exp2") "      bucket_multiplier: 0.000001\n" LABELS LABEL("device", "4")
			     DECODER("majorminor") OPERATION(
				     "                0: read\n                0x1: write\n")
				     LABEL("bucket", "8") DECODER("uint")),
	  "[{'name':'ebpf_exporter_latency_seconds','map-name':'latency_seconds',"
	  "'open-metrics-metadata':{'type':'histogram','help':'H','labels':["
	  "{'name':'device','field':'key.dev','format':'majorminor'},"
	  "{'name':'op','field':'key.op','format':'uint',"
	  "'values':{'0':'read','0x1':'write','*':'unknown:*'}}],"
	  "'scale':1e-06,'histogram':{'bucket-field':'key.bucket','buckets':'exp2','slots':27,"
	  "'sum-slot':true}}}]" },
	{ HISTOGRAMS(NAME("sizes") BUCKETS("exp2zero") LABELS LABEL("bucket", "4") DECODER("uint")),
	  "[{'name':'ebpf_exporter_sizes','map-name':'sizes',"
	  "'open-metrics-metadata':{'type':'histogram','help':'H','labels':[],"
	  "'histogram':{'bucket-field':'index','buckets':'exp2-zero','slots':27,"
	  "'sum-slot':true}}}]" },
	{ HISTOGRAMS(NAME("sizes") BUCKETS("linear") "      bucket_multiplier: 50\n" LABELS LABEL(
		  "bucket", "4") DECODER("uint")),
	  "[{'name':'ebpf_exporter_sizes','map-name':'sizes',"
	  "'open-metrics-metadata':{'type':'histogram','help':'H','labels':[],'scale':50,"
	  "'histogram':{'bucket-field':'index','buckets':'linear','slots':27,"
	  "'sum-slot':true}}}]",
	  "test.yaml:3: metric sizes: slot 27 is the sum of all measurements, as in ebpf_exporter; "
	  "if the program stores no sum there, remove \"sum-slot\" from the document\n" },
	{ COUNTERS(FUNCTIONS DECODER("uint")
			   DECODER("static_map") "              allow_unknown: true\n              "
						 "static_map: { 1: a }\n"),
	  "[{'name':'ebpf_exporter_functions_total','map-name':'functions_total',"
	  "'open-metrics-metadata':{'type':'counter','help':'H','labels':["
	  "{'name':'f','field':'key','format':'uint','values':{'1':'a'}}]}}]" },
};

/* Refusals, one per line without the name of the file. */
static const struct {
	const char *yaml, *refusals;
} refused[] = {
	{ "tracing:\n  spans: []\n",
	  "2: tracing: spans are not metrics: remove this part, or count the events in a map" },
	{ "metrics: {}\nkaddrs:\n  - jiffies\n",
	  "3: kaddrs: addresses of symbols are not passed to the object: declare the symbol in the "
	  "code as \"extern const int NAME __ksym\"" },
	{ "metrics:\n  gauges: []\n", "2: the key \"gauges\" is unknown: remove it" },
	{ COUNTERS(NAME("none_total")),
	  "3: metric none_total: the object has no map of this name" },
	{ COUNTERS("    - name: clamps_total\n"),
	  "3: metric clamps_total: the key \"help\" is missing or empty" },
	{ COUNTERS(NAME("oom_total") "      perf_event_array: true\n"),
	  "3: metric oom_total: a perf_event_array is not read: count the events in a hash of the "
	  "program" },
	{ COUNTERS(NAME("narrow_total")),
	  "3: metric narrow_total: a value of the map is not a single integer of 8 bytes, as "
	  "ebpf_exporter reads it" },
	{ COUNTERS(NAME("pairs_total")),
	  "3: metric pairs_total: a value of the map is not a single integer of 8 bytes, as "
	  "ebpf_exporter reads it" },
	{ HISTOGRAMS(NAME("sizes") BUCKETS("exp2") LABELS LABEL("bucket", "4") DECODER("hex")),
	  "9: metric sizes: the last label of a histogram is its bucket: expected only the decoder "
	  "\"uint\"" },
	{ COUNTERS(NAME("functions_total")),
	  "3: metric functions_total: the map has more than one entry: add a label for its key" },
	{ COUNTERS(FUNCTIONS DECODER("uint") DECODER("pci_vendor")),
	  "10: metric functions_total: decoder \"pci_vendor\" is not supported: remove it to get "
	  "the number of the vendor" },
	{ COUNTERS(FUNCTIONS DECODER("colour")),
	  "9: metric functions_total: decoder \"colour\" is unknown" },
	{ COUNTERS(FUNCTIONS DECODER("cgroup")),
	  "9: metric functions_total: decoder \"cgroup\" is supported only after uint" },
	{ COUNTERS(FUNCTIONS DECODER("hex") DECODER("ksym")),
	  "10: metric functions_total: decoder \"ksym\" is supported only as the first decoder" },
	{ COUNTERS(FUNCTIONS DECODER("ksym") DECODER("regexp") "              regexps: [ ^a ]\n"),
	  "10: metric functions_total: decoder \"regexp\" after \"ksym\" is not supported, because "
	  "the texts of \"ksym\" differ here: remove it, and add \"regexp\" to the document" },
	{ COUNTERS(FUNCTIONS DECODER("inet_ip")),
	  "6: metric functions_total: decoder \"inet_ip\" is for 4 or 16 bytes, and field \"key\" "
	  "has 8" },
	{ COUNTERS(NAME("functions_total") LABELS LABEL("f", "4") DECODER("uint")),
	  "6: metric functions_total: label \"f\" describes bytes 0 to 3 of the key, and the "
	  "fields "
	  "there are: key; describe each field by one label\n"
	  "6: metric functions_total: the labels describe 4 bytes of the key, which has 8" },
	{ COUNTERS(NAME("functions_total") LABELS "        - name: f\n"),
	  "6: metric functions_total: label \"f\": the size is missing\n"
	  "6: metric functions_total: the labels describe 0 bytes of the key, which has 8" },
	{ HISTOGRAMS(NAME("latency_seconds") BUCKETS("fixed") LABELS LABEL("all", "8")
			     DECODER("uint") LABEL("bucket", "8") DECODER("uint")),
	  "9: metric latency_seconds: label \"all\" describes bytes 0 to 7 of the key, and the "
	  "fields there are: dev, op; describe each field by one label\n"
	  "3: metric latency_seconds: bucket_type \"fixed\" is not supported: count in slots 0, 1, "
	  "2 ... and write a document with a list of bounds" },
	{ COUNTERS(REGEXP("\\d+")),
	  "12: metric words_total: decoder \"regexp\": \"\\d+\" has a backslash that POSIX reads "
	  "otherwise: write it as a POSIX extended regular expression" },
	{ COUNTERS(REGEXP("(?i)a")),
	  "12: metric words_total: decoder \"regexp\": \"(?i)a\" has (?: write it as a POSIX "
	  "extended regular expression" },
	{ COUNTERS(REGEXP("a+?")), "12: metric words_total: decoder \"regexp\": \"a+?\" has a "
				   "repetition that is not greedy: "
				   "write it as a POSIX extended regular expression" },
	{ COUNTERS(REGEXP("'[^\\d]'")), "12: metric words_total: decoder \"regexp\": \"[^\\d]\" "
					"has a backslash or { in brackets: "
					"write it as a POSIX extended regular expression" },
};

static char *folder;
static bool compiled;

static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {};

	(void)state;
	folder = folder_make();
	compiled = object_compile(source, &elf);
	if (compiled)
		file_make(folder, "test.bpf.o", elf.data, elf.len, 0644);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	free(folder);
	return 0;
}

static int convert_yaml(const char *yaml, struct text *out, struct text *hints, struct error *err)
{
	_cleanup_free_ char *file = NULL;

	if (!compiled)
		skip();
	file_make(folder, "test.yaml", yaml, strlen(yaml), 0644);
	assert_true(asprintf(&file, "%s/test.yaml", folder) > 0);
	return ebpf_exporter_convert(file, NULL, out, hints, err);
}

static void test_converted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(converted); i++) {
		_cleanup_text_ struct text out = {}, hints = {}, expected = {};
		_cleanup_error_ struct error err = {};
		struct json_object *document;
		const char *plain;

		if (convert_yaml(converted[i].yaml, &out, &hints, &err) < 0)
			fail_msg("%zu: %s", i, error_message(&err));
		text_printf(&expected,
			    "{'ingress-path':{'object':'test.bpf.o','metric-configs':%s}}",
			    converted[i].metrics);
		for (size_t c = 0; c < expected.len; c++)
			if (expected.data[c] == '\'')
				expected.data[c] = '"';
		if (!strstr(text_str(&hints), converted[i].hints ? converted[i].hints : "") ||
		    !converted[i].hints != !hints.len)
			fail_msg("%zu: %s", i, text_str(&hints));
		document = json_tokener_parse(text_str(&out));
		plain = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
		if (strcmp(plain, text_str(&expected)) != 0)
			fail_msg("%zu: %s\nand not %s", i, plain, text_str(&expected));
		json_object_put(document);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_text_ struct text out = {}, hints = {}, expected = {};
		_cleanup_error_ struct error err = {};
		const char *line = refused[i].refusals;
		size_t n = 0, len;

		for (; *line; line += len + (line[len] == '\n'), n++) {
			len = strcspn(line, "\n");
			text_printf(&expected, "\n%s/test.yaml:%.*s", folder, (int)len, line);
		}
		assert_int_equal(convert_yaml(refused[i].yaml, &out, &hints, &err), -EINVAL);
		assert_int_equal(out.len, 0);
		if (!strstr(error_message(&err), text_str(&expected)) ||
		    strlen(strchr(error_message(&err), '\n')) != expected.len)
			fail_msg("%zu: %s\nand not %s", i, error_message(&err),
				 text_str(&expected));
	}
}

static void test_files(void **state)
{
	_cleanup_text_ struct text out = {}, hints = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	assert_int_equal(convert_yaml("metrics: [", &out, &hints, &err), -EINVAL);
	assert_true(contains(error_message(&err), "test.yaml: YAML syntax: line "));
	error_release(&err);
	assert_int_equal(ebpf_exporter_convert("/nonexistent/a.yaml", NULL, &out, &hints, &err),
			 -ENOENT);
	assert_true(contains(error_message(&err), "/nonexistent/a.yaml: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_converted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
