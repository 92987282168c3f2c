/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "metric/label.h"
#include "metric/metric.h"
#include "metric/setup.h"

#include <errno.h>
#include <stdlib.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, 10); } NAME SEC(\".maps\")\n"
	"enum dir { IN, OUT };\n"
	"struct inner { __be16 port; };\n"
	"struct key { __be32 saddr; struct inner inner; __u8 proto; __u8 pad; };\n"
	"struct value { __u64 packets; __u32 bytes; unsigned char name[4]; enum dir dir; };\n"
	"MAP(HASH, struct key, struct value, FLOWS);\n"
	"MAP(HASH, __u32, __u64, NUMBERS);\n"
	"enum mark { PLAIN, MARKED, HIGH = 0x80000000 };\n"
	"struct merged { __s16 error; char text[4]; __u16 bucket;\n"
	"	struct { unsigned char name[2]; } parts[2]; };\n"
	"struct marks { enum mark high; __u32 side : 3, proto : 8; enum mark mark : 4; };\n"
	"struct each { __u32 n; __u16 state; };\n"
	"MAP(HASH, struct merged, __u64, MERGED);\n"
	"MAP(HASH, struct marks, __u64, MARKS);\n"
	"MAP(PERCPU_HASH, __u32, struct each, EACH);\n"
	"struct word { char text[8]; };\n"
	"MAP(HASH, struct word, __u64, WORDS);\n"
	"MAP(ARRAY, __u32, __u64, ARRAY);\n"
	"SEC(\"tc\") int run(struct __sk_buff *skb) { return 0; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

struct key {
	uint32_t saddr;
	uint16_t port;
	uint8_t proto, pad;
};

struct value {
	uint64_t packets;
	uint32_t bytes;
	char name[4];
	uint32_t dir;
	uint32_t unused;
};

static struct object *object;

static int set_up(void **state)
{
	(void)state;
	object = object_from_source(source);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

/* Labels derived from BTF, configured labels, and rejected configurations. */
static void test_labels(void **state)
{
	static struct label_text texts[] = { { (char *)"80", (char *)"http" } };
	static struct label_config labels[] = {
		{ .name = (char *)"where", .value = (char *)"here" },
		{ .name = (char *)"service",
		  .field = (char *)"key.inner.port",
		  .texts = texts,
		  .n_texts = 1 },
		{ .name = (char *)"name", .field = (char *)"value.name" },
	};
	static const char *const wanted[] = { "saddr=1.0.0.0", "service=http", "proto=tcp",
					      "name=ab" };
	static const struct {
		struct label_config label;
		const char *message;
	} wrong[] = {
		{ .label = { .field = (char *)"key.daddr" },
		  .message = "metric \"m\": labels: no field is called \"key.daddr\"; there are "
			     "key.saddr, key.inner_port, key.proto, key.pad, value.packets, "
			     "value.bytes, value.name, value.dir" },
		{ .label = { .field = (char *)"index" },
		  .message = "metric \"m\": labels: no field is called \"index\"; there are *" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"mac" },
		  .message = "metric \"m\": label \"l\": format \"mac\" requires 6 bytes, but "
			     "field \"key.saddr\" has 4" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"colour" },
		  .message = "metric \"m\": label \"l\": format: expected one of ipv4, *" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"map" },
		  .message = "metric \"m\": label \"l\": format \"map\" requires \"values\", *" },
	};
	const struct key key = { .saddr = 1, .port = 0x5000, .proto = 6 };
	const struct value value = { .name = "ab" };
	struct metric_config config = config_of("FLOWS");
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	config.labels = labels;
	config.n_labels = ARRAY_SIZE(labels);
	config.value = (char *)"value.bytes";
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_int_equal(metric.n_families, 1);
	assert_string_equal(metric.families[0].name, "");
	assert_int_equal(metric.n_labels, ARRAY_SIZE(wanted));
	assert_true(metric.merges); /* entries may differ in padding, which is no label */
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		_cleanup_text_ struct text out = {};

		text_printf(&out, "%s=", metric.labels[i].name);
		label_text(&metric.labels[i], (const char *)&key, (const char *)&value, 0, &out);
		assert_string_equal(text_str(&out), wanted[i]);
	}
	metric_release(&metric);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct label_config label = wrong[i].label;
		_cleanup_error_ struct error err = {};
		size_t len = strlen(wrong[i].message);

		config = config_of("FLOWS");
		label.name = (char *)"l";
		config.labels = &label;
		config.n_labels = label.field != NULL;
		assert_int_equal(metric_init(&metric, &config, object, &err), -EINVAL);
		if (wrong[i].message[len - 1] == '*'
			    ? strncmp(error_message(&err), wrong[i].message, len - 1) != 0
			    : strcmp(error_message(&err), wrong[i].message) != 0)
			fail_msg("%s\nand not %s", error_message(&err), wrong[i].message);
	}
}

/* Entries that differ in padding only are one series. */
static void test_padding(void **state)
{
	struct key keys[] = { { .saddr = 1, .port = 0x5000, .proto = 6 },
			      { .saddr = 1, .port = 0x5000, .proto = 6, .pad = 1 } };
	struct metric_config config = config_of("FLOWS");
	_cleanup_free_ char *series = NULL;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		object_put(object, "FLOWS", &keys[i], &(struct value){ .bytes = i + 1 });
	config.value = (char *)"value.bytes";
	series = series_of(object, &config, 0, false);
	assert_string_equal(series, "1.0.0.0 80 tcp 3;");
}

/* Entries with equal labels are merged, so that label sets are unique. */
static void test_merged(void **state)
{
	static struct label_text texts[] = { { (char *)"1", (char *)"odd" },
					     { (char *)"2", (char *)"2 or 3" },
					     { (char *)"3", (char *)"2 or 3" } };
	static struct label_config labels[] = {
		{ .name = (char *)"error",
		  .field = (char *)"key.error",
		  .format = (char *)"errno" },
		{ .name = (char *)"text", .field = (char *)"key.text", .format = (char *)"string" },
		{ .name = (char *)"bucket",
		  .field = (char *)"key.bucket",
		  .texts = texts,
		  .n_texts = ARRAY_SIZE(texts) },
	};
	static const struct {
		int16_t error;
		char text[4];
		uint16_t bucket;
		char parts[4];
		uint16_t : 16;
		uint64_t value;
	} entries[] = {
		{ 2, "a\0b", 1, "x\0y", 1 },   { -2, "a\0b", 1, "x\0y", 2 },
		{ -2, "a\0c", 1, "x\0y", 4 },  { -2, "a", 2, "x", 8 },
		{ -2, "a", 3, "x\0\0z", 16 },  { -1, "\xff", 2, "x", 32 },
		{ -1, "\\xff", 3, "x", 64 },   { -1, "b", 5, "x\0y\1", 128 },
		{ -1, "b", 5, "x\0y\2", 256 },
	};
	static struct label_text one[] = { { (char *)"1", (char *)"0" } };
	static struct label_config number = {
		.name = (char *)"key", .field = (char *)"key", .texts = one, .n_texts = 1
	};
	struct metric_config config = config_of("MERGED");
	_cleanup_free_ char *bare = NULL, *renumbered = NULL, *all = NULL, *largest = NULL,
			    *histogram = NULL, *first = NULL, *second = NULL;

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		object_put(object, "MERGED", &entries[i], &entries[i].value);
	config.labels = labels;
	config.n_labels = ARRAY_SIZE(labels);
	all = series_of(object, &config, 0, false);
	assert_string_equal(all, "ENOENT a 2 or 3 [{\"name\":\"x\"},{\"name\":\"\"}] 8;"
				 "ENOENT a 2 or 3 [{\"name\":\"x\"},{\"name\":[0,122]}] 16;"
				 "ENOENT a odd [{\"name\":\"x\"},{\"name\":\"y\"}] 7;"
				 "EPERM \\x5cxff 2 or 3 [{\"name\":\"x\"},{\"name\":\"\"}] 64;"
				 "EPERM \\xff 2 or 3 [{\"name\":\"x\"},{\"name\":\"\"}] 32;"
				 "EPERM b 5 [{\"name\":\"x\"},{\"name\":[121,1]}] 128;"
				 "EPERM b 5 [{\"name\":\"x\"},{\"name\":[121,2]}] 256;");
	largest = series_of(object, &config, 1, false);
	assert_string_equal(largest, "EPERM b 5 [{\"name\":\"x\"},{\"name\":[121,2]}] 256;of 7");
	config.n_labels = 2;
	config.type = METRIC_HISTOGRAM;
	histogram = series_of(object, &config, 0, false);
	assert_string_equal(histogram, "ENOENT a [{\"name\":\"x\"},{\"name\":\"\"}] 8;"
				       "ENOENT a [{\"name\":\"x\"},{\"name\":\"y\"}] 7;"
				       "ENOENT a [{\"name\":\"x\"},{\"name\":[0,122]}] 16;"
				       "EPERM \\x5cxff [{\"name\":\"x\"},{\"name\":\"\"}] 64;"
				       "EPERM \\xff [{\"name\":\"x\"},{\"name\":\"\"}] 32;"
				       "EPERM b [{\"name\":\"x\"},{\"name\":[121,1]}] 128;"
				       "EPERM b [{\"name\":\"x\"},{\"name\":[121,2]}] 256;");
	config.type = METRIC_COUNTER;
	config.labels = labels;
	config.n_labels = 0; /* without configured labels the keys stay distinct */
	bare = series_of(object, &config, 1, false);
	assert_true(contains(bare, "of 9"));
	config.n_labels = ARRAY_SIZE(labels);
	config.empty_on_read = true;
	first = series_of(object, &config, 0, true);
	assert_string_equal(first, all);
	second = series_of(object, &config, 0, true);
	assert_string_equal(second, "");
	config = config_of("NUMBERS");
	config.labels = &number;
	config.n_labels = 1;
	for (uint32_t key = 0; key < 2; key++)
		object_put(object, "NUMBERS", &key, &(uint64_t){ key + 1 });
	renumbered = series_of(object, &config, 0, false);
	assert_string_equal(renumbered, "0 3;");
}

/* Bit fields named by an enum or a protocol, next to plain bit fields. */
static void test_bits(void **state)
{
	static struct label_config hex = { .name = (char *)"l",
					   .field = (char *)"key.side",
					   .format = (char *)"hex" };
	static struct label_config proto = { .name = (char *)"l",
					     .field = (char *)"key.side",
					     .format = (char *)"proto" };
	const uint32_t keys[2][2] = { { 0x80000000, 6 | 17 << 3 | 1 << 11 }, { 1, 2 | 6 << 3 } };
	struct metric_config config = config_of("MARKS");
	_cleanup_free_ char *plain = NULL, *wrong = NULL, *right = NULL;

	(void)state;
	if (!object)
		skip();
	object_put(object, "MARKS", keys[0], &(uint64_t){ 1 });
	object_put(object, "MARKS", keys[1], &(uint64_t){ 2 });
	plain = series_of(object, &config, 0, false);
	assert_string_equal(plain, "HIGH 6 udp MARKED 1;MARKED 2 tcp PLAIN 2;");
	config.n_labels = 1;
	config.labels = &hex;
	wrong = series_of(object, &config, 0, false);
	assert_string_equal(wrong, "metric \"m\": label \"l\": format \"hex\" does not "
				   "support the bit field \"key.side\"");
	config.labels = &proto;
	right = series_of(object, &config, 0, false);
	assert_string_equal(right, "HIGH tcp udp MARKED 1;MARKED igmp tcp PLAIN 2;");
}

/* A label taken from a per-CPU value uses the value of the CPU that wrote it. */
static void test_each_cpu(void **state)
{
	static struct label_text texts[] = { { (char *)"1", (char *)"few" },
					     { (char *)"2", (char *)"few" } };
	static struct label_config labels[] = {
		{ .name = (char *)"state", .field = (char *)"value.state" },
		{ .name = (char *)"key",
		  .field = (char *)"key",
		  .texts = texts,
		  .n_texts = ARRAY_SIZE(texts) },
	};
	_cleanup_free_ char *values = calloc(map_cpus(), 8), *sum = NULL, *merged = NULL,
			    *list = NULL;
	struct metric_config config = config_of("EACH");
	_cleanup_text_ struct text expected = {};

	(void)state;
	if (!object)
		skip();
	for (uint32_t key = 1; key <= 2; key++) {
		((uint32_t *)values)[2 * (map_cpus() - 1)] = 10 * key;
		((uint32_t *)values)[2 * (map_cpus() - 1) + 1] = 7;
		object_put(object, "EACH", &key, values);
	}
	config.labels = labels;
	config.n_labels = 1;
	sum = series_of(object, &config, 0, false);
	assert_string_equal(sum, "1 7 10;2 7 20;");
	config.n_labels = 2;
	merged = series_of(object, &config, 0, false);
	assert_string_equal(merged, "few 7 30;");
	config.per_cpu = PER_CPU_LIST;
	list = series_of(object, &config, 0, false);
	text_printf(&expected, "few 7 %u 30;", map_cpus() - 1);
	assert_string_equal(list, text_str(&expected));
}

#define TEXTS(...)                                                                                 \
	.texts = (struct label_text[]){ __VA_ARGS__ },                                             \
	.n_texts = ARRAY_SIZE(((struct label_text[]){ __VA_ARGS__ }))
#define PATTERNS(...)                                                                              \
	.patterns = (char *[]){ __VA_ARGS__ }, .n_patterns = ARRAY_SIZE(((char *[]){ __VA_ARGS__ }))

/* Texts for other values, regular expressions, and formats of the index. */
static void test_selected(void **state)
{
	static const char words[][8] = { "kswapd0", "kswapd1", "sshd", "bash", "ssh" };
	struct {
		const char *map;
		uint32_t limit;
		struct label_config label;
		const char *expected;
	} cases[] = {
		{ "WORDS", 0, { PATTERNS("^(kswapd).*$", "^ssh") }, "kswapd 3;ssh 20;" },
		{ "WORDS", 1, { PATTERNS("^(kswapd).*$", "^ssh") }, "ssh 20;of 2" },
		{ "WORDS", 0, { PATTERNS("^(k)?s") }, " 20;k 3;" },
		{ "WORDS", 0, { PATTERNS("^none$") }, "" },
		{ "WORDS", 0, { TEXTS({ "sshd", "ssh" }, { "*", "other" }) }, "other 27;ssh 4;" },
		{ "WORDS", 0, { TEXTS({ "*", "<*|*>" }), PATTERNS("ba[^>]*") }, "bash|bash 8;" },
		{ "WORDS",
		  0,
		  { PATTERNS("(") },
		  "metric \"m\": label \"l\": regexp \"(\": Unmatched ( or \\(" },
		{ "WORDS",
		  0,
		  { .field = "value", PATTERNS(".") },
		  "metric \"m\": label \"l\": \"regexp\" requires a field of the key, but "
		  "\"value\" is "
		  "none" },
		{ "ARRAY",
		  0,
		  { .field = "index", .format = "errno", PATTERNS("^EP.*") },
		  "EPERM 2;" },
		{ "ARRAY",
		  0,
		  { .field = "index",
		    TEXTS({ "1", "one" }, { "*", "n*" }),
		    PATTERNS("one|n[2-3]") },
		  "n2 4;n3 8;one 2;" },
		{ "ARRAY",
		  0,
		  { .field = "index", .format = "mac" },
		  "metric \"m\": label \"l\": format \"mac\" does not support \"index\"" },
		{ "ARRAY",
		  0,
		  { .field = "index", .format = "enum" },
		  "metric \"m\": label \"l\": format \"enum\" does not support \"index\"" },
	};

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		object_put(object, "WORDS", words[i], &(uint64_t){ 1u << i });
	for (uint32_t i = 0; i < 10; i++)
		object_put(object, "ARRAY", &i, &(uint64_t){ 1u << i });
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metric_config config = config_of(cases[i].map);
		_cleanup_free_ char *series = NULL;

		cases[i].label.name = (char *)"l";
		if (!cases[i].label.field)
			cases[i].label.field = (char *)"key.text";
		config.labels = &cases[i].label;
		config.n_labels = 1;
		series = series_of(object, &config, cases[i].limit, false);
		if (strcmp(series, cases[i].expected) != 0)
			fail_msg("%zu: %s\nand not %s", i, series, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),	 cmocka_unit_test(test_padding),
		cmocka_unit_test(test_merged),	 cmocka_unit_test(test_bits),
		cmocka_unit_test(test_each_cpu), cmocka_unit_test(test_selected),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
