/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/self_counter.h"
#include "fixture.h"
#include "metric/sampling.h"
#include "metric/series.h"
#include "metric/setup.h"

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
	"struct row { __u64 n; __u32 cells[3]; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct row); __uint(max_entries, 10); } ROWS SEC(\".maps\");\n"
	"struct words { __u64 bad_proto; __u32 classified, ifi_in; __u16 l4proto; __u64 n; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct words); __uint(max_entries, 10); } WORDS SEC(\".maps\");\n"
	"struct queue { __u64 packets; __s32 level; __s16 least; __u8 tiny, flag : 1; __be16 "
	"port;\n"
	"	unsigned char name[4]; double load; __u32 history[2]; struct { __u64 at; } last; "
	"};\n"
	"struct device { struct queue queues[3]; struct { __u64 n; } one[1]; __u64 drops;\n"
	"	__u32 cells[2][2]; __u16 data[2]; unsigned __int128 wide; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct device); __uint(max_entries, 10); } DEVICES SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __type(key, __u32);\n"
	"	__type(value, struct device); __uint(max_entries, 10); } OWN SEC(\".maps\");\n"
	"struct many { __u64 n; struct { __u32 a; } rows[1025]; struct { __u64 b; } few[1024]; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct many); __uint(max_entries, 1); } LONG SEC(\".maps\");\n"
	"struct full { struct { __u8 a, b, c, d, e; } rows[1024]; struct { __u64 b; } few[2]; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct full); __uint(max_entries, 1); } FULL SEC(\".maps\");\n"
	"#define FIELDS(x) __u64 x##0, x##1, x##2, x##3, x##4, x##5, x##6, x##7\n"
	"struct broad { FIELDS(a); FIELDS(b); FIELDS(c); FIELDS(d); FIELDS(e); FIELDS(f); "
	"FIELDS(g);\n"
	"	struct { FIELDS(h); } rows[2]; struct { __u64 b; } few[2]; };\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, struct broad); __uint(max_entries, 1); } BROAD SEC(\".maps\");\n"
	"typedef struct { __u64 n; } rows[2];\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32);\n"
	"	__type(value, rows); __uint(max_entries, 1); } BARE SEC(\".maps\");\n"
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

/* Entry i has i + 1 packets and 10000 - i bytes. */
static void fill(uint32_t n)
{
	int fd = object_map_fd(object_find_map(object, "FLOWS"));

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

/* Selects the K largest of n entries by either field, and the sums if some are left out. */
static void test_largest(void **state)
{
	static const struct {
		const char *top_by;
		uint32_t limit, given;
		uint64_t least, most; /* packets of the selected entries */
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
		assert_int_equal(sampling.selection->seen, 9000);
		if (sampling_left_out(&sampling)) {
			assert_int_equal(sampling.selection->sums[0].u, 9000ull * 9001 / 2);
			assert_int_equal(sampling.selection->sums[1].u,
					 9000ull * 10000 - 8999ull * 9000 / 2);
		}
		sampling_release(&sampling);
		metric_release(&metric);
	}
}

/* Arrays are ranked by the sum of their numbers. */
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

		object_put(object, "ROWS", &key, &row);
	}
	by_n = series_of(object, &config, 1, false);
	assert_string_equal(by_n, "3 3;of 3");
	config.top_by = (char *)"value.cells";
	by_cells = series_of(object, &config, 1, false);
	assert_string_equal(by_cells, "1 1;of 3");
	config.top_by = NULL;
	config.value = (char *)"value.cells";
	by_array = series_of(object, &config, 1, false);
	assert_string_equal(by_array, "1 1;of 3");
}

struct queue {
	uint64_t packets;
	int32_t level;
	int16_t least;
	uint8_t tiny, flag;
	uint16_t port;
	char name[4];
	double load;
	uint32_t history[2];
	uint64_t last;
};

struct device {
	struct queue queues[3];
	uint64_t one, drops;
	uint32_t cells[4];
	uint16_t data[2];
	unsigned __int128 wide;
};

/* Checks the families, "name:numbers ", and the fields that only JSON shows. */
static void assert_families(const char *map, const char *families, const char *omitted)
{
	struct metric_config config = config_of(map);
	_cleanup_text_ struct text is = {}, left = {};
	struct metric metric;

	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	for (size_t i = 0; i < metric.n_families; i++)
		text_printf(&is, "%s:%u ", metric.families[i].name, metric.families[i].numbers);
	assert_string_equal(text_str(&is), families);
	series_omitted(&metric, &left);
	assert_string_equal(text_str(&left), omitted);
	metric_release(&metric);
}

/* Each field of an array of structs becomes an array, after all other fields, up to the limit. */
static void test_repeated(void **state)
{
	(void)state;
	if (!object)
		skip();
	assert_families("DEVICES",
			"drops:1 queues_packets:3 queues_level:3 queues_least:3 queues_tiny:3 "
			"queues_load:3 queues_last_at:3 one_n:1 ",
			"value.cells, value.wide, value.queues_flag, value.queues_history");
	assert_families("BARE", "n:2 ", "");
	assert_families("LONG", "n:1 few_b:1024 ", "value.rows");
	assert_families("FULL", "few_b:2 ", "value.rows");
	assert_families("BROAD",
			"a0:1 a1:1 a2:1 a3:1 a4:1 a5:1 a6:1 a7:1 b0:1 b1:1 b2:1 b3:1 b4:1 b5:1 "
			"b6:1 b7:1 c0:1 c1:1 c2:1 c3:1 c4:1 c5:1 c6:1 c7:1 d0:1 d1:1 d2:1 d3:1 "
			"d4:1 d5:1 d6:1 d7:1 e0:1 e1:1 e2:1 e3:1 e4:1 e5:1 e6:1 e7:1 f0:1 f1:1 "
			"f2:1 f3:1 f4:1 f5:1 f6:1 f7:1 g0:1 g1:1 g2:1 g3:1 g4:1 g5:1 g6:1 g7:1 "
			"few_b:2 ",
			"value.rows");
}

/* Returns the columns of a metric as numbers. */
static char *columns_of(const struct metric_config *config, const void *value)
{
	_cleanup_text_ struct text out = {};
	struct metric metric;

	assert_int_equal(metric_init(&metric, config, object, NULL), 0);
	for (size_t i = 0; i < metric.n_columns; i++) {
		number_text(metric_sample(&metric, i, value), &out);
		text_addc(&out, ' ');
	}
	metric_release(&metric);
	return text_steal(&out);
}

/* Each number is read at its offset with its width; per-CPU values are combined. */
static void test_repeated_numbers(void **state)
{
	struct device device = { .one = 8, .drops = 9 };
	_cleanup_free_ char *gauge = NULL, *counter = NULL;
	struct metric_config config = config_of("DEVICES");

	(void)state;
	if (!object)
		skip();
	for (uint32_t i = 0; i < 3; i++)
		device.queues[i] = (struct queue){ .packets = 10 + i,
						   .level = -1 - (int32_t)i,
						   .least = (int16_t)(i - 2),
						   .tiny = (uint8_t)(250 + i),
						   .flag = 1,
						   .load = 0.5 + i,
						   .last = 1ull << (40 + i) };
	counter = columns_of(&config, &device);
	assert_string_equal(counter, "9 10 11 12 4294967295 4294967294 4294967293 65534 65535 0 "
				     "250 251 252 0.5 1.5 2.5 1099511627776 2199023255552 "
				     "4398046511104 8 ");
	config.type = METRIC_GAUGE;
	gauge = columns_of(&config, &device);
	assert_string_equal(gauge, "9 10 11 12 -1 -2 -3 -2 -1 0 250 251 252 0.5 1.5 2.5 "
				   "1099511627776 2199023255552 4398046511104 8 ");
}

/* Per-CPU values are added up, or their maximum or minimum is used. */
static void test_repeated_cpus(void **state)
{
	static const enum per_cpu cases[] = { PER_CPU_SUM, PER_CPU_MAX, PER_CPU_MIN };
	unsigned int cpus = map_cpus();
	_cleanup_free_ struct device *own = calloc(cpus, sizeof(*own));
	_cleanup_free_ char *list = NULL;
	struct metric_config config = config_of("OWN");
	_cleanup_text_ struct text last = {};

	(void)state;
	if (!object)
		skip();
	config.type = METRIC_GAUGE;
	config.value = (char *)"value.queues.level";
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		for (int i = 0; i < 3; i++)
			own[cpu].queues[i].level = (int32_t)cpu - 10 * i;
	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		_cleanup_text_ struct text expected = {};
		_cleanup_free_ char *is = NULL;

		config.per_cpu = cases[n];
		for (int i = 0; i < 3; i++) {
			int least = -10 * i, most = least + (int)cpus - 1;

			text_printf(&expected, "%d ",
				    cases[n] == PER_CPU_MAX   ? most
				    : cases[n] == PER_CPU_MIN ? least
							      : (least + most) * (int)cpus / 2);
		}
		is = columns_of(&config, own);
		assert_string_equal(is, text_str(&expected));
	}
	config.per_cpu = PER_CPU_LIST;
	object_put(object, "OWN", &(uint32_t){ 1 }, own);
	list = series_of(object, &config, 0, false);
	text_printf(&last, "1 %u %u;", cpus - 1, cpus - 1);
	assert_string_equal(list, text_str(&last));
}

/* Configured samples, ranking and labels, also with an accumulator. */
static void test_repeated_named(void **state)
{
	static struct label_config label = { .name = (char *)"l",
					     .field = (char *)"value.queues.tiny" };
	static struct label_config hex = { .name = (char *)"l",
					   .field = (char *)"value.queues.tiny",
					   .format = (char *)"hex" };
	static const struct {
		const char *value, *top_by;
		struct label_config *label;
		uint32_t limit;
		bool empty;
		const char *series; /* of the first sample of each series, or the error */
	} cases[] = {
		{ "value.queues.packets", NULL, NULL, 0, false, "1 11;2 12;3 13;" },
		{ "value.queues_packets", NULL, NULL, 1, false, "3 13;of 3" },
		{ NULL, "value.queues.level", NULL, 1, false, "1 0;of 3" },
		{ "value.one.n", NULL, NULL, 0, false, "1 7;2 7;3 7;" },
		{ "value.drops", NULL, &label, 0, false, "1 [1,0,4] 0;2 [2,0,4] 0;3 [3,0,4] 0;" },
		{ "value.drops", NULL, &hex, 0, false,
		  "metric \"m\": label \"l\": format \"hex\" requires a single field, "
		  "but \"value.queues.tiny\" is in an array of structs" },
		{ "value.queues.flag", NULL, NULL, 0, false,
		  "metric \"m\": value: field \"value.queues.flag\" is no number" },
		{ "value.queues", NULL, NULL, 0, false,
		  "metric \"m\": value: field \"value.queues\" is no number" },
		{ "value.queues.octets", NULL, NULL, 0, false,
		  "metric \"m\": value: no field is called \"value.queues.octets\"; there are "
		  "key, value.queues, value.one, value.drops, value.cells, value.data, value.wide, "
		  "value.queues_packets, value.queues_level, value.queues_least, "
		  "value.queues_tiny, value.queues_flag, value.queues_load, "
		  "value.queues_history, value.queues_last_at, value.one_n" },
		{ "value.drops", "value.queues.packets", NULL, 0, false,
		  "metric \"m\": top-by: field \"value.queues.packets\" is not among the samples" },
		/* last, because it empties the map */
		{ "value.queues.packets", NULL, NULL, 0, true, "1 11;2 12;3 13;" },
	};
	struct metric_config config = config_of("DEVICES");
	int wrong = 0;

	(void)state;
	if (!object)
		skip();
	for (uint32_t key = 1; key <= 3; key++) {
		struct device device = { .one = 7 };

		device.queues[0].packets = 10 + key;
		device.queues[0].tiny = (uint8_t)key;
		device.queues[2].level = 10 - (int32_t)key;
		device.queues[2].tiny = 4;
		object_put(object, "DEVICES", &key, &device);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *is = NULL;

		config.value = (char *)cases[i].value;
		config.top_by = (char *)cases[i].top_by;
		config.labels = cases[i].label;
		config.n_labels = cases[i].label != NULL;
		config.empty_on_read = cases[i].empty;
		is = series_of(object, &config, cases[i].limit, cases[i].empty);
		if (strcmp(is, cases[i].series) != 0) {
			print_error("%zu: %s\nand not %s\n", i, is, cases[i].series);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* An array of structs is a histogram only if the document configures it. */
static void test_repeated_slots(void **state)
{
	struct metric_config config = config_of("LONG");
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	config.type = METRIC_HISTOGRAM;
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_true(metric.histogram.in == SLOTS_IN_KEY);
	metric_release(&metric);
	config = config_of("DEVICES");
	config.type = METRIC_HISTOGRAM;
	config.has_histogram = true;
	config.histogram.bucket_field = (char *)"value.queues.packets";
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_true(metric.histogram.in == SLOTS_IN_VALUE);
	assert_int_equal(metric.histogram.n_buckets, 3);
	metric_release(&metric);
}

/* Invalid values of "value" and "top-by". */
static void test_refused(void **state)
{
	static const struct {
		const char *value, *top_by, *message;
	} cases[] = {
		{ "value.name", NULL, "metric \"m\": value: field \"value.name\" is no number" },
		{ "packets", NULL,
		  "metric \"m\": value: no field is called \"packets\"; there are " },
		{ "value.bytes", "value.packets",
		  "metric \"m\": top-by: field \"value.packets\" is not among the samples" },
	};

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metric_config config = config_of("FLOWS");
		_cleanup_free_ char *is = NULL;

		config.value = (char *)cases[i].value;
		config.top_by = (char *)cases[i].top_by;
		is = series_of(object, &config, 0, false);
		assert_true(contains(is, cases[i].message));
	}
}

/* Fields named like a protocol or an interface are not samples; similar names are. */
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

/* An emptied map can deliver more keys than max_entries over time: the limit applies to all keys.
 */
static void test_tallied(void **state)
{
	struct metric_config config = config_of("TWO");
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	config.empty_on_read = true;
	assert_int_equal(metric_init(&metric, &config, object, NULL), 0);
	assert_int_equal(metric_set_accumulator(&metric, NULL, NULL), 0);
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

/* A read of a full map is logged (rate-limited) and counted; METRIC_FOR_LOOKING is not a read. */
static void test_full(void **state)
{
	static const enum metric_use uses[] = { METRIC_FOR_LOOKING, METRIC_FOR_SAMPLES,
						METRIC_FOR_LOOKING, METRIC_FOR_JSON };
	static const unsigned int full[] = { 0, 1, 1, 2 };
	const struct metric_config config = config_of("TWO");
	uint64_t before = self_counter_get(SELF_COUNTER_MAPS_FULL);
	struct metric metric;
	int fd;

	(void)state;
	skip_without_bpf();
	if (!object)
		skip();
	fd = object_map_fd(object_find_map(object, "TWO"));
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
		assert_int_equal(self_counter_get(SELF_COUNTER_MAPS_FULL) - before, full[i]);
		assert_int_equal(lines_logged, full[i] > 0);
	}
	log_set_sink(NULL);
	metric_release(&metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_largest),	       cmocka_unit_test(test_rows),
		cmocka_unit_test(test_repeated),       cmocka_unit_test(test_repeated_numbers),
		cmocka_unit_test(test_repeated_cpus),  cmocka_unit_test(test_repeated_named),
		cmocka_unit_test(test_repeated_slots), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_words),	       cmocka_unit_test(test_tallied),
		cmocka_unit_test(test_cpus),	       cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
