/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/figure.h"
#include "base/log.h"
#include "fixture.h"
#include "metric/sampling.h"
#include "metric/series.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"enum dir { IN, OUT };\n"
	"struct inner { __be16 port; };\n"
	"struct key { __be32 saddr; struct inner inner; __u8 proto; __u8 pad; };\n"
	"struct value { __u64 packets; __u32 bytes; unsigned char name[4]; enum dir dir; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct key);\n"
	"	__type(value, struct value); __uint(max_entries, 10000); } FLOWS SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32);\n"
	"	__type(value, __u64); __uint(max_entries, 2); } CPUS SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, __u64); __uint(max_entries, 2); } TWO SEC(\".maps\");\n"
	"enum mark { PLAIN, MARKED, HIGH = 0x80000000 };\n"
	"struct merged { __s16 error; char text[4]; __u16 bucket;\n"
	"	struct { unsigned char name[2]; } parts[2]; };\n"
	"struct marks { enum mark high; __u32 side : 3, proto : 8; enum mark mark : 4; };\n"
	"struct row { __u64 n; __u32 cells[3]; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct row); __uint(max_entries, 10); } ROWS SEC(\".maps\");\n"
	"struct words { __u64 bad_proto; __u32 classified, ifi_in; __u16 l4proto; __u64 n; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct words); __uint(max_entries, 10); } WORDS SEC(\".maps\");\n"
	"struct each { __u32 n; __u16 state; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct merged);\n"
	"	__type(value, __u64); __uint(max_entries, 10); } MERGED SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct marks);\n"
	"	__type(value, __u64); __uint(max_entries, 10); } MARKS SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __type(key, __u32);\n"
	"	__type(value, struct each); __uint(max_entries, 10); } EACH SEC(\".maps\");\n"
	"SEC(\"tc\") int run(struct __sk_buff *skb)\n"
	"{ struct key key = {}; __u32 zero = 0; bpf_map_lookup_elem(&FLOWS, &key);\n"
	"  bpf_map_lookup_elem(&CPUS, &zero); bpf_map_lookup_elem(&TWO, &zero); return 0; }\n"
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

static struct metric_config config_of(const char *map)
{
	return (struct metric_config){
		.name = (char *)"m",
		.map_name = (char *)map,
		.type = METRIC_COUNTER,
		.exported = true,
	};
}

/* Entry i has i + 1 packets and 10000 - i bytes. */
static void fill(uint32_t n)
{
	int fd = bpf_map__fd(object_find_map(object, "FLOWS")->bpf);

	for (uint32_t i = 0; i < n; i++) {
		const struct key key = { .saddr = i, .port = 0x5000, .proto = 6 };
		const struct value value = { .packets = i + 1, .bytes = 10000 - i, .dir = 1 };

		assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The largest K of n entries, by one field and by the other, and the sums where some are left out.
 */
static void test_largest(void **state)
{
	static const struct {
		const char *top_by;
		uint32_t limit, given;
		uint64_t least, most; /* packets of those that are given */
	} cases[] = {
		{ NULL, 10, 10, 8991, 9000 },	  { "value.packets", 1, 1, 9000, 9000 },
		{ "value.bytes", 10, 10, 1, 10 }, { "value.bytes", 8999, 8999, 1, 8999 },
		{ NULL, 9000, 9000, 1, 9000 },	  { NULL, 9999, 9000, 1, 9000 },
		{ NULL, 10000, 9000, 1, 9000 },	  { NULL, 0, 9000, 1, 9000 },
	};

	(void)state;
	if (!object)
		skip();
	fill(9000); /* more than a batch */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metric_config config = config_of("FLOWS");
		_cleanup_free_ uint64_t *packets = calloc(9000, sizeof(uint64_t));
		struct sampling sampling;
		struct metric_batch batch;
		struct metric metric;
		_cleanup_error_ struct error err = {};
		int r;

		config.top_by = (char *)cases[i].top_by;
		if (metric_init(&metric, &config, object, &err) < 0)
			fail_msg("%s", error_message(&err));
		assert_int_equal(metric.n_families, 2);
		assert_int_equal(
			sampling_init(&sampling, &metric, METRIC_FOR_SAMPLES, cases[i].limit), 0);
		for (int again = 0; again < 2; again++) {
			uint32_t n = 0;

			while ((r = sampling_next(&sampling, &batch)) > 0)
				for (uint32_t e = 0; e < batch.entries.count; e++, n++) {
					struct key key;

					assert_true(n < cases[i].given);
					memcpy(&key,
					       batch.entries.keys + e * batch.entries.key_stride,
					       sizeof(key));
					packets[n] = metric_batch_sample(&metric, 0, &batch, e).u;
					assert_int_equal(key.saddr, packets[n] - 1);
					assert_int_equal(
						metric_batch_sample(&metric, 1, &batch, e).u,
						10001 - packets[n]);
				}
			assert_int_equal(r, 0);
			assert_int_equal(n, cases[i].given);
			sampling_rewind(&sampling);
		}
		qsort(packets, cases[i].given, sizeof(*packets), by_number);
		assert_int_equal(packets[0], cases[i].least);
		assert_int_equal(packets[cases[i].given - 1], cases[i].most);
		assert_int_equal(sampling_left_out(&sampling), 9000 - cases[i].given);
		assert_int_equal(sampling.seen, 9000);
		if (sampling_left_out(&sampling)) {
			assert_int_equal(sampling.sums[0].u, 9000ull * 9001 / 2);
			assert_int_equal(sampling.sums[1].u, 9000ull * 10000 - 8999ull * 9000 / 2);
		}
		sampling_release(&sampling);
		metric_release(&metric);
	}
}

/* Labels by BTF and as the document has them, and what it may not ask for. */
static void test_series(void **state)
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
	static const char *const wanted[] = { "saddr=1.0.0.0", "service=http", "proto=tcp", "pad=0",
					      "name=ab" };
	static const struct {
		struct label_config label;
		const char *value, *top_by, *message;
	} wrong[] = {
		{ .label = { .field = (char *)"key.daddr" },
		  .message = "metric \"m\": labels: no field is called \"key.daddr\"; there are "
			     "key.saddr, key.inner_port, key.proto, key.pad, value.packets, "
			     "value.bytes, value.name, value.dir" },
		{ .label = { .field = (char *)"index" },
		  .message = "metric \"m\": labels: no field is called \"index\"; there are *" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"mac" },
		  .message = "metric \"m\": label \"l\": format \"mac\" is for 6 bytes, and field "
			     "\"key.saddr\" has 4" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"colour" },
		  .message = "metric \"m\": label \"l\": format: expected one of ipv4, *" },
		{ .label = { .field = (char *)"key.saddr", .format = (char *)"map" },
		  .message = "metric \"m\": label \"l\": format \"map\" takes \"values\", *" },
		{ .value = "value.name",
		  .message = "metric \"m\": value: field \"value.name\" is no number" },
		{ .value = "packets",
		  .message = "metric \"m\": value: no field is called \"packets\"; there are *" },
		{ .value = "value.bytes",
		  .top_by = "value.packets",
		  .message = "metric \"m\": top-by: field \"value.packets\" is not among the "
			     "samples" },
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
	assert_false(metric.merges); /* a text of its own tells what the number did */
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
		config.value = (char *)wrong[i].value;
		config.top_by = (char *)wrong[i].top_by;
		assert_int_equal(metric_init(&metric, &config, object, &err), -EINVAL);
		if (wrong[i].message[len - 1] == '*'
			    ? strncmp(error_message(&err), wrong[i].message, len - 1) != 0
			    : strcmp(error_message(&err), wrong[i].message) != 0)
			fail_msg("%s\nand not %s", error_message(&err), wrong[i].message);
	}
}

/* All series as "label label number;" in the order of their text, or of each CPU. */
static char *series_of(struct metric_config *config, uint32_t limit, bool tally)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text all = {};
	struct text lines[16] = {};
	struct sampling sampling;
	struct metric_batch batch;
	struct metric metric;
	size_t n = 0;

	if (metric_init(&metric, config, object, &err) < 0)
		return strdup(error_message(&err));
	if (tally)
		assert_int_equal(metric_set_tally(&metric, NULL, NULL), 0);
	assert_int_equal(sampling_init(&sampling, &metric, METRIC_FOR_SAMPLES, limit), 0);
	while (sampling_next(&sampling, &batch) > 0)
		for (uint32_t e = 0; e < batch.entries.count; e++) {
			const char *key = batch.entries.keys + e * batch.entries.key_stride;
			const char *value = batch.entries.values + e * batch.entries.value_stride;
			unsigned int cpu = metric_lists_cpus(&metric) ? map_cpus() - 1 : 0;
			struct text *line = &lines[n++];
			struct number number;

			assert_true(n <= ARRAY_SIZE(lines));
			for (size_t i = 0; i < metric.n_labels; i++) {
				label_text(&metric.labels[i], key, value, cpu, line);
				text_addc(line, ' ');
			}
			if (histogram_is_one(&metric.histogram))
				number = histogram_count(&metric.histogram,
							 &batch.numbers[e * metric.n_numbers]);
			else if (metric_lists_cpus(&metric))
				number = metric_sample_cpu(&metric, 0, value, cpu);
			else
				number = metric_batch_sample(&metric, 0, &batch, e);
			text_printf(line, "%llu;", (unsigned long long)number.u);
		}
	for (size_t left = n; left; left--) {
		struct text *least = NULL;

		for (size_t i = 0; i < n; i++)
			if (lines[i].len &&
			    (!least || strcmp(text_str(&lines[i]), text_str(least)) < 0))
				least = &lines[i];
		text_adds(&all, text_str(least));
		text_clear(least);
	}
	if (sampling_left_out(&sampling))
		text_printf(&all, "of %llu", (unsigned long long)sampling.seen);
	for (size_t i = 0; i < n; i++)
		text_release(&lines[i]);
	sampling_release(&sampling);
	metric_release(&metric);
	return text_steal(&all);
}

static void put(const char *map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(object_find_map(object, map)->bpf), key,
					     value, BPF_ANY),
			 0);
}

/* What labels do not tell apart is one series: nobody takes two of the same labels. */
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
		put("MERGED", &entries[i], &entries[i].value);
	config.labels = labels;
	config.n_labels = ARRAY_SIZE(labels);
	all = series_of(&config, 0, false);
	assert_string_equal(all, "ENOENT a 2 or 3 [{\"name\":\"x\"},{\"name\":\"\"}] 24;"
				 "ENOENT a odd [{\"name\":\"x\"},{\"name\":\"y\"}] 7;"
				 "EPERM \\xff 2 or 3 [{\"name\":\"x\"},{\"name\":\"\"}] 96;"
				 "EPERM b 5 [{\"name\":\"x\"},{\"name\":\"y\\u0001\"}] 128;"
				 "EPERM b 5 [{\"name\":\"x\"},{\"name\":\"y\\u0002\"}] 256;");
	largest = series_of(&config, 1, false);
	assert_string_equal(largest,
			    "EPERM b 5 [{\"name\":\"x\"},{\"name\":\"y\\u0002\"}] 256;of 5");
	config.n_labels = 2;
	config.type = METRIC_HISTOGRAM;
	histogram = series_of(&config, 0, false);
	assert_string_equal(histogram, "ENOENT a [{\"name\":\"x\"},{\"name\":\"\"}] 24;"
				       "ENOENT a [{\"name\":\"x\"},{\"name\":\"y\"}] 7;"
				       "EPERM \\xff [{\"name\":\"x\"},{\"name\":\"\"}] 96;"
				       "EPERM b [{\"name\":\"x\"},{\"name\":\"y\\u0001\"}] 128;"
				       "EPERM b [{\"name\":\"x\"},{\"name\":\"y\\u0002\"}] 256;");
	config.type = METRIC_COUNTER;
	config.labels = labels;
	config.n_labels = 0; /* by themselves numbers and text keep them apart */
	bare = series_of(&config, 1, false);
	assert_true(contains(bare, "of 9"));
	config.n_labels = ARRAY_SIZE(labels);
	config.empty_on_read = true;
	first = series_of(&config, 0, true);
	assert_string_equal(first, all);
	second = series_of(&config, 0, true);
	assert_string_equal(second, "");
	config = config_of("TWO");
	config.labels = &number;
	config.n_labels = 1;
	for (uint32_t key = 0; key < 2; key++)
		put("TWO", &key, &(uint64_t){ key + 1 });
	renumbered = series_of(&config, 0, false);
	assert_string_equal(renumbered, "0 3;");
}

/* Bit fields by the names of an enum or protocol, and as what they are beside each other. */
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
	put("MARKS", keys[0], &(uint64_t){ 1 });
	put("MARKS", keys[1], &(uint64_t){ 2 });
	plain = series_of(&config, 0, false);
	assert_string_equal(plain, "HIGH 6 udp MARKED 1;MARKED 2 tcp PLAIN 2;");
	config.n_labels = 1;
	config.labels = &hex;
	wrong = series_of(&config, 0, false);
	assert_string_equal(wrong, "metric \"m\": label \"l\": format \"hex\" is not for bit "
				   "fields, and field \"key.side\" is one");
	config.labels = &proto;
	right = series_of(&config, 0, false);
	assert_string_equal(right, "HIGH tcp udp MARKED 1;MARKED igmp tcp PLAIN 2;");
}

/* How large an array is, is what its numbers are together. */
static void test_rows(void **state)
{
	struct metric_config config = config_of("ROWS");
	_cleanup_free_ char *by_cells = NULL, *by_array = NULL, *by_n = NULL;

	(void)state;
	if (!object)
		skip();
	for (uint32_t key = 1; key <= 3; key++) {
		const struct {
			uint64_t n;
			uint32_t cells[3];
		} row = { key, { key, 10 - 3 * key, 10 - 3 * key } };

		put("ROWS", &key, &row);
	}
	by_n = series_of(&config, 1, false);
	assert_string_equal(by_n, "3 3;of 3");
	config.top_by = (char *)"value.cells";
	by_cells = series_of(&config, 1, false);
	assert_string_equal(by_cells, "1 1;of 3");
	config.top_by = NULL;
	config.value = (char *)"value.cells";
	by_array = series_of(&config, 1, false);
	assert_string_equal(by_array, "1 1;of 3");
}

/* What is named like a protocol or an interface, and what only looks so. */
static void test_words(void **state)
{
	static const char *const wanted[] = { "bad_proto", "classified", "n" };
	struct metric_config config = config_of("WORDS");
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_int_equal(metric.n_families, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(metric.families[i].name, wanted[i]);
	metric_release(&metric);
}

/* A label of a per-CPU value is that of the CPU that wrote it, whichever that is. */
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
		put("EACH", &key, values);
	}
	config.labels = labels;
	config.n_labels = 1;
	sum = series_of(&config, 0, false);
	assert_string_equal(sum, "1 7 10;2 7 20;");
	config.n_labels = 2;
	merged = series_of(&config, 0, false);
	assert_string_equal(merged, "few 7 30;");
	config.per_cpu = PER_CPU_LIST;
	list = series_of(&config, 0, false);
	text_printf(&expected, "few 7 %u 30;", map_cpus() - 1);
	assert_string_equal(list, text_str(&expected));
}

/* A map that is emptied gives more keys than it has room for, in time: the limit is for all. */
static void test_tallied(void **state)
{
	struct metric_config config = config_of("TWO");
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	config.empty_on_read = true;
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_int_equal(metric_set_tally(&metric, NULL, NULL), 0);
	for (uint32_t pass = 0; pass < 3; pass++) {
		struct sampling sampling;
		struct metric_batch batch;

		for (uint32_t i = 0; i < 2; i++) {
			uint32_t key = 2 * pass + i;
			uint64_t value = key + 1;

			assert_int_equal(bpf_map_update_elem(metric.map.fd, &key, &value, BPF_ANY),
					 0);
		}
		assert_int_equal(sampling_init(&sampling, &metric, METRIC_FOR_SAMPLES, 2), 0);
		assert_int_equal(sampling_next(&sampling, &batch), 1);
		assert_int_equal(batch.entries.count, 2);
		assert_int_equal(sampling_left_out(&sampling), 2 * pass);
		sampling_release(&sampling);
	}
	metric_release(&metric);
}

static void test_cpus(void **state)
{
	static const enum per_cpu cases[] = { PER_CPU_SUM, PER_CPU_MAX, PER_CPU_MIN };
	unsigned int cpus = map_cpus();
	_cleanup_free_ uint64_t *values = calloc(cpus, sizeof(uint64_t));
	uint64_t sum = 0;

	(void)state;
	if (!object)
		skip();
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu] = 7 + cpu;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metric_config config = config_of("CPUS");
		uint64_t want = cases[i] == PER_CPU_SUM	  ? sum
				: cases[i] == PER_CPU_MAX ? 7 + cpus - 1
							  : 7;
		struct metric metric;

		config.per_cpu = cases[i];
		assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
		assert_int_equal(metric_sample(&metric, 0, (const char *)values).u, want);
		assert_false(metric_lists_cpus(&metric));
		metric_release(&metric);
	}
}

static unsigned int lines_logged;

static void count_log(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
	lines_logged++;
}

/* A map without room is told, and counted, of reads; not of looks. */
static void test_full(void **state)
{
	static const enum metric_use uses[] = { METRIC_FOR_LOOKING, METRIC_FOR_SAMPLES,
						METRIC_FOR_LOOKING, METRIC_FOR_JSON };
	static const unsigned int full[] = { 0, 1, 1, 2 };
	const struct metric_config config = config_of("TWO");
	uint64_t before = figure_get(FIGURE_MAPS_FULL);
	struct metric metric;
	int fd;

	(void)state;
	skip_without_bpf();
	if (!object)
		skip();
	fd = bpf_map__fd(object_find_map(object, "TWO")->bpf);
	for (uint32_t key = 0; key < 2; key++)
		assert_int_equal(bpf_map_update_elem(fd, &key, &(uint64_t){ 1 }, BPF_ANY), 0);
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	log_set_sink(count_log);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		struct metric_reader reader;
		struct metric_batch batch;

		assert_int_equal(metric_reader_init(&reader, &metric, uses[i]), 0);
		while (metric_reader_next(&reader, &batch) > 0)
			;
		metric_reader_release(&reader);
		assert_int_equal(figure_get(FIGURE_MAPS_FULL) - before, full[i]);
		assert_int_equal(lines_logged, full[i] > 0);
	}
	log_set_sink(NULL);
	metric_release(&metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_largest), cmocka_unit_test(test_series),
		cmocka_unit_test(test_tallied), cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_full),	cmocka_unit_test(test_merged),
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_words),
		cmocka_unit_test(test_bits),	cmocka_unit_test(test_each_cpu),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
