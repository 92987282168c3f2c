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
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
