/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "metric/json.h"
#include "metric/reader.h"
#include "metric/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>

/* One map of every type, as dataplanes have them. */
static const char source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"#define QUEUE(T, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct session { __u32 saddr, daddr; __u16 sport, dport; __u8 proto; }\n"
	"	__attribute__((packed));\n"
	"struct feature { __u64 timestamp; __u16 length; } __attribute__((packed));\n"
	"struct prefix { __u32 len; __u8 address[4]; };\n"
	"struct mixed { unsigned char name[8]; char numbers[3]; _Bool up; enum { DOWN, UP } "
	"state;\n"
	"	union { __u32 word; __u16 half; }; struct { __s8 x; __u8 low : 3, high : 5; } in; "
	"};\n"
	"typedef __u64 count_t;\n"
	"MAP(HASH, struct session, __u64, 100, SESSIONS);\n"
	"MAP(ARRAY, __u32, struct feature, 1, FEATURES);\n"
	"QUEUE(QUEUE, struct feature, 10, FEATURE_QUEUE);\n"
	"QUEUE(STACK, __u16, 10, FEATURE_STACK);\n"
	"MAP(LRU_HASH, __u32, struct mixed, 10, MIXED);\n"
	"MAP(PERCPU_ARRAY, __u32, count_t, 2, PER_CPU);\n"
	"MAP(PERCPU_HASH, __u32, __s32, 10, PER_CPU_SIGNED);\n"
	"MAP(PERCPU_HASH, __u16, __u32, 10, PER_CPU_NARROW);\n"
	"MAP(ARRAY, __u32, __s32, 1, SIGNED);\n"
	"MAP(ARRAY, __u32, __s8, 1, TINY);\n"
	"MAP(ARRAY, __u32, __s64, 1, WIDE);\n"
	"struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __type(key, struct prefix);\n"
	"	__type(value, __u32); __uint(max_entries, 10); __uint(map_flags, 1); }\n"
	"	ROUTES SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 6); __uint(value_size, 8);\n"
	"	__uint(max_entries, 10); } UNTYPED SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); }\n"
	"	EVENTS SEC(\".maps\");\n"
	"MAP(HASH, __u32, __u64, 4000, CROWD);\n"
	"struct huge { char bytes[17000000]; };\n"
	"MAP(ARRAY, __u32, struct huge, 1, HUGE);\n"
	"struct clash { __u32 a_b; struct { __u32 b; } a; };\n"
	"MAP(HASH, struct clash, __u32, 10, CLASH);\n"
	"int global_count = 5;\n"
	"unsigned char global_name[4] = \"ab\";\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb)\n"
	"{ global_count++; return global_name[0]; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

static struct object *object;

static int load_object(void **state)
{
	(void)state;
	object = object_from_source(source);
	return 0;
}

static int drop_object(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

#define skip_without_object()                                                                      \
	do {                                                                                       \
		if (!object)                                                                       \
			skip();                                                                    \
	} while (0)

static struct metric_config config(const char *map)
{
	return (struct metric_config){
		.name = (char *)"m",
		.map_name = (char *)map,
		.exported = true,
		.type = METRIC_GAUGE,
	};
}

/* Writes the values first, first + step ... to the CPUs and appends them as a list. */
static void put_percpu(const char *map, const void *key, size_t size, int64_t first, int64_t step,
		       struct text *list)
{
	_cleanup_free_ char *values = calloc(map_cpus(), 8);

	text_clear(list);
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
		int64_t value = first + step * cpu;

		memcpy(values + 8 * cpu, &value, size);
		text_printf(list, "%s%lld", cpu ? "," : "", (long long)value);
	}
	object_put(object, map, key, values);
}

/* Returns the metric as JSON, which must always be valid. */
static char *json_of(const struct metric *metric)
{
	_cleanup_text_ struct text out = {};
	struct metric_json json;
	struct json_object *parsed;
	int r;

	assert_int_equal(metric_json_init(&json, metric), 0);
	while ((r = metric_json_next(&json, &out)) > 0)
		;
	assert_int_equal(r, 0);
	assert_int_equal(metric_json_next(&json, &out), 0);
	metric_json_release(&json);
	parsed = json_tokener_parse(text_str(&out));
	assert_non_null(parsed);
	assert_true(json_object_is_type(parsed, json_type_array));
	json_object_put(parsed);
	return text_steal(&out);
}

static void check_json(const char *map, bool empty, const char *expected)
{
	struct metric_config c = config(map);
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *json = NULL;
	struct metric metric;

	c.empty_on_read = empty;
	if (metric_init(&metric, &c, object, &err) < 0)
		fail_msg("%s", error_message(&err));
	json = json_of(&metric);
	assert_string_equal(json, expected);
	metric_release(&metric);
}

/* The exact strings that clients of Dynmon compare. */
static void test_contract(void **state)
{
	const struct {
		uint32_t saddr, daddr;
		uint16_t sport, dport;
		uint8_t proto;
	} __attribute__((packed)) key = { 1, 2, 11, 22, 0 };
	const struct {
		uint64_t timestamp;
		uint16_t length;
	} __attribute__((packed)) feature = { 1010, 1010 };
	const uint64_t zero = 0;
	const uint32_t first = 0;

	(void)state;
	skip_without_object();
	object_put(object, "SESSIONS", &key, &zero);
	object_put(object, "FEATURES", &first, &feature);
	object_put(object, "FEATURE_QUEUE", NULL, &feature);
	check_json("SESSIONS", false,
		   "[{\"key\":{\"saddr\":1,\"daddr\":2,\"sport\":11,\"dport\":22,\"proto\":0},"
		   "\"value\":0}]");
	check_json("FEATURES", false, "[{\"timestamp\":1010,\"length\":1010}]");
	check_json("FEATURE_QUEUE", false, "[{\"timestamp\":1010,\"length\":1010}]");
	/* a queue is always emptied */
	check_json("FEATURE_QUEUE", false, "[]");
	/* emptied maps: a hash without entries, an array of zeros */
	check_json("SESSIONS", true,
		   "[{\"key\":{\"saddr\":1,\"daddr\":2,\"sport\":11,\"dport\":22,\"proto\":0},"
		   "\"value\":0}]");
	check_json("SESSIONS", true, "[]");
	check_json("FEATURES", true, "[{\"timestamp\":1010,\"length\":1010}]");
	check_json("FEATURES", false, "[{\"timestamp\":0,\"length\":0}]");
}

static void test_kinds(void **state)
{
	const struct {
		unsigned char name[8];
		char numbers[3];
		bool up;
		uint32_t enumerated;
		uint32_t word;
		int8_t x;
		uint8_t bits;
	} mixed = { "et\xff\"", { 1, -1, 0 }, true, 1, 0x10002, -7, 5 | 17 << 3 };
	_cleanup_text_ struct text list = {}, expected = {};
	const uint8_t route[8] = { 24, 0, 0, 0, 10, 0, 0, 0 }, raw[6] = { 0, 1, 2, 3, 4, 255 };
	const uint64_t wide = UINT64_MAX;
	uint16_t value;
	uint32_t key = 3;

	(void)state;
	skip_without_object();
	for (value = 1; value <= 3; value++)
		object_put(object, "FEATURE_STACK", NULL, &value);
	check_json("FEATURE_STACK", false, "[3,2,1]");
	object_put(object, "MIXED", &key, &mixed);
	check_json("MIXED", false,
		   "[{\"key\":3,\"value\":{\"name\":[101,116,255,34,0,0,0,0],\"numbers\":[1,-1,0],"
		   "\"up\":true,\"state\":1,\"word\":65538,\"half\":2,"
		   "\"in\":{\"x\":-7,\"low\":5,\"high\":17}}}]");
	object_put(object, "ROUTES", route, &key);
	check_json("ROUTES", false, "[{\"key\":{\"len\":24,\"address\":[10,0,0,0]},\"value\":3}]");
	object_put(object, "UNTYPED", raw, &wide);
	check_json("UNTYPED", false, "[{\"key\":\"0001020304ff\",\"value\":18446744073709551615}]");
	check_json("WIDE", false, "[0]");
	/* every index of a per-CPU array with its key */
	for (key = 0; key < 2; key++) {
		put_percpu("PER_CPU", &key, 8, 10 * key, 1, &list);
		text_printf(&expected, "%s{\"key\":%u,\"value\":[%s]}", key ? "," : "[", key,
			    text_str(&list));
	}
	text_addc(&expected, ']');
	check_json("PER_CPU", true, text_str(&expected));
	put_percpu("PER_CPU_NARROW", &value, 4, 7, 3, &list);
	text_clear(&expected);
	text_printf(&expected, "[{\"key\":4,\"value\":[%s]}]", text_str(&list));
	check_json("PER_CPU_NARROW", false, text_str(&expected));
}

/* Global variables are in maps, named by libbpf. */
static void test_globals(void **state)
{
	(void)state;
	skip_without_object();
	check_json("dynmon.data", false, "[{\"global_count\":5,\"global_name\":\"ab\"}]");
}

static void test_samples(void **state)
{
	_cleanup_text_ struct text list = {};
	const int64_t minus = -2;
	const uint32_t zero = 0;
	uint16_t narrow = 9;
	unsigned long long n;
	static const struct {
		const char *map;
		enum metric_type type;
		const char *sample;
	} singles[] = {
		{ "SIGNED", METRIC_GAUGE, "-2" },
		{ "SIGNED", METRIC_UNTYPED, "-2" },
		{ "SIGNED", METRIC_COUNTER, "4294967294" },
		{ "TINY", METRIC_GAUGE, "-2" },
		{ "TINY", METRIC_COUNTER, "254" },
		{ "WIDE", METRIC_GAUGE, "-2" },
		{ "WIDE", METRIC_COUNTER, "18446744073709551614" },
	};

	(void)state;
	skip_without_object();
	n = map_cpus();
	object_put(object, "SIGNED", &zero, &minus);
	object_put(object, "TINY", &zero, &minus);
	object_put(object, "WIDE", &zero, &minus);
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		struct metric_config c = config(singles[i].map);
		_cleanup_text_ struct text out = {};
		struct metric metric;

		c.type = singles[i].type;
		assert_int_equal(metric_init(&metric, &c, object, NULL), 0);
		assert_int_equal(metric.n_families, 1);
		number_text(metric_sample(&metric, 0, (const char *)&minus), &out);
		assert_string_equal(text_str(&out), singles[i].sample);
		metric_release(&metric);
	}
	/* the sum of all CPUs overflows the type of the value */
	put_percpu("PER_CPU", &zero, 8, 1, 1, &list);
	put_percpu("PER_CPU_SIGNED", &zero, 4, -10, 0, &list);
	put_percpu("PER_CPU_NARROW", &narrow, 4, 0xfffffffe, 0, &list);
	for (int i = 0; i < 3; i++) {
		static const char *const maps[] = { "PER_CPU", "PER_CPU_SIGNED", "PER_CPU_NARROW" };
		const long long sums[] = { (long long)(n * (n + 1) / 2), (long long)n * -10,
					   (long long)n * 0xfffffffe };
		struct metric_config c = config(maps[i]);
		_cleanup_text_ struct text out = {};
		_cleanup_free_ char *sum = NULL;
		struct map_reader reader;
		struct map_batch batch;
		struct metric metric;

		assert_int_equal(metric_init(&metric, &c, object, NULL), 0);
		assert_int_equal(map_reader_init(&reader, &metric.map, false), 0);
		assert_int_equal(map_reader_next(&reader, &batch), 1);
		for (uint32_t e = 0; e < batch.count; e++) {
			uint32_t key = 0;

			memcpy(&key, batch.keys + e * batch.key_stride, batch.key_stride);
			if (key != (i == 2 ? narrow : 0))
				continue;
			text_clear(&out);
			number_text(
				metric_sample(&metric, 0, batch.values + e * batch.value_stride),
				&out);
		}
		assert_true(asprintf(&sum, "%lld", sums[i]) > 0);
		assert_string_equal(text_str(&out), sum);
		map_reader_release(&reader);
		metric_release(&metric);
	}
}

static void test_shapes(void **state)
{
	static const struct {
		const char *map;
		bool exported;
		size_t families;
		bool index;
		const char *fields; /* names, separated by blanks */
	} shapes[] = {
		{ "SESSIONS", true, 1, false, "saddr daddr sport dport proto" },
		{ "SESSIONS", false, 0, false, "" },
		{ "FEATURES", true, 2, true, "" },
		{ "FEATURE_QUEUE", true, 0, false, "" },
		{ "FEATURE_STACK", true, 0, false, "" },
		{ "MIXED", true, 6, false, "key" },
		{ "PER_CPU", true, 1, true, "" },
		{ "PER_CPU_SIGNED", true, 1, false, "key" },
		{ "ROUTES", true, 1, false, "len address" },
		{ "UNTYPED", true, 1, false, "key" },
		{ "CLASH", true, 1, false, "a_b a_b_2" },
	};

	(void)state;
	skip_without_object();
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct metric_config c = config(shapes[i].map);
		_cleanup_text_ struct text names = {};
		struct metric metric;

		c.exported = shapes[i].exported;
		assert_int_equal(metric_init(&metric, &c, object, NULL), 0);
		assert_int_equal(metric.n_families, shapes[i].families);
		assert_int_equal(metric_has_index(&metric), shapes[i].index);
		for (size_t f = 0; f < metric.n_labels; f++)
			if (metric.labels[f].field)
				text_printf(&names, "%s%s", names.len ? " " : "",
					    metric.labels[f].name);
		assert_string_equal(text_str(&names), shapes[i].fields);
		metric_release(&metric);
	}
}

static void test_errors(void **state)
{
	struct metric_config none = config("NONE"), events = config("EVENTS"),
			     huge = config("HUGE");
	_cleanup_error_ struct error err = {};
	struct metric metric;

	(void)state;
	skip_without_object();
	assert_int_equal(metric_init(&metric, &none, object, &err), -ENOENT);
	assert_true(contains(error_message(&err), "metric \"m\": map \"NONE\" does not exist; the "
						  "code has: SESSIONS, FEATURES, FEATURE_QUEUE, "));
	metric_release(&metric); /* also after a failed metric_init() */
	assert_int_equal(metric_init(&metric, &events, object, &err), -EOPNOTSUPP);
	assert_string_equal(error_message(&err),
			    "metric \"m\": map EVENTS is a ringbuf and cannot be read as a metric; "
			    "these can: hash, array, percpu_hash, percpu_array, lru_hash, "
			    "lru_percpu_hash, lpm_trie, queue, stack");
	assert_int_equal(metric_init(&metric, &huge, object, &err), -EFBIG);
	assert_string_equal(error_message(&err),
			    "metric \"m\": map HUGE: an entry has 17000004 bytes, expected at "
			    "most 16777216; make the value smaller");
}

/* A metric with a hundred thousand entries is streamed: no piece is larger than a batch. */
static void test_streams(void **state)
{
	static const char large[] = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
				    "struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); "
				    "__type(value, __u64);\n"
				    "	__uint(max_entries, 100000); } LARGE SEC(\".maps\");\n"
				    "SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";
	_cleanup_(object_unrefp) struct object *other = NULL;
	_cleanup_text_ struct text elf = {}, out = {};
	struct metric_config c = config("LARGE");
	struct bpf_program *program;
	struct metric_json json;
	struct metric metric;
	size_t total = 0, pieces = 0, entries = 0;

	(void)state;
	skip_without_object();
	assert_true(object_compile(large, &elf));
	assert_int_equal(object_open(elf.data, elf.len, "test", &other, NULL), 0);
	assert_int_equal(object_select(other, false, false, NULL, &program, NULL), 0);
	assert_int_equal(object_load(other, true, NULL), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t value = i;

		assert_int_equal(bpf_map_update_elem(object_map_fd(&other->maps[0]), &i, &value, 0),
				 0);
	}
	assert_int_equal(metric_init(&metric, &c, other, NULL), 0);
	assert_int_equal(metric_json_init(&json, &metric), 0);
	for (int more = 1; more; pieces++) {
		text_clear(&out);
		more = metric_json_next(&json, &out);
		assert_true(more >= 0);
		assert_true(out.len < 8 * MAP_BATCH_BYTES);
		total += out.len;
		for (size_t i = 0; i < out.len; i++)
			entries += out.data[i] == '{';
	}
	metric_json_release(&json);
	metric_release(&metric);
	assert_int_equal(entries, 100000);
	assert_true(pieces > 3 && total > 2000000);
}

static uint64_t total_of(const struct metric *metric)
{
	struct metric_reader reader;
	struct metric_batch batch;
	uint64_t total = 0;

	assert_int_equal(metric_reader_init(&reader, metric, METRIC_FOR_SAMPLES), 0);
	while (metric_reader_next(&reader, &batch) > 0)
		for (uint32_t i = 0; i < batch.entries.count; i++)
			total += metric_batch_sample(metric, 0, &batch, i).u;
	metric_reader_release(&reader);
	return total;
}

struct another {
	const struct metric *metric;
	bool stop; /* atomic */
};

static void *read_too(void *data)
{
	struct another *another = data;

	while (!__atomic_load_n(&another->stop, __ATOMIC_ACQUIRE))
		total_of(another->metric);
	return NULL;
}

/* A reader sees all earlier counts, including those that a concurrent reader takes. */
static void test_readers_at_once(void **state)
{
	struct metric_config c = config("CROWD");
	const uint64_t one = 1;
	struct another another = {};
	struct metric metric;
	pthread_t thread;

	(void)state;
	skip_without_object();
	c.type = METRIC_COUNTER;
	c.empty_on_read = true;
	assert_int_equal(metric_init(&metric, &c, object, NULL), 0);
	assert_int_equal(metric_set_accumulator(&metric, NULL, NULL), 0);
	assert_non_null(metric.accumulator);
	another.metric = &metric;
	assert_int_equal(pthread_create(&thread, NULL, read_too, &another), 0);
	for (uint64_t round = 1; round <= 50; round++) {
		for (uint32_t key = 0; key < 4000; key++)
			object_put(object, "CROWD", &key, &one);
		assert_int_equal(total_of(&metric), round * 4000);
	}
	__atomic_store_n(&another.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	metric_release(&metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_globals),	 cmocka_unit_test(test_samples),
		cmocka_unit_test(test_shapes),	 cmocka_unit_test(test_errors),
		cmocka_unit_test(test_streams),	 cmocka_unit_test(test_readers_at_once),
	};

	return cmocka_run_group_tests(tests, load_object, drop_object);
}
