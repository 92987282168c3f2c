/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads while memory runs out: each allocation fails in turn. A read returns the complete page or
 * an error. Linked with --wrap for the allocation functions.
 */
#include "base/log.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/protobuf.h"
#include "export/text_encoder.h"
#include "export/values.h"
#include "fixture.h"
#include "metric/setup.h"

#include <errno.h>

static const char source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct counts { __u64 packets; __u64 bytes; };\n"
	"struct slot { __u32 host; __u32 slot; };\n"
	"struct named { unsigned char name[300]; __u32 number; };\n"
	"MAP(HASH, __u32, struct counts, 100, FLOWS);\n"
	"MAP(PERCPU_HASH, __u32, struct counts, 100, CPUS);\n"
	"MAP(HASH, struct slot, __u64, 100, SLOTS);\n"
	"MAP(HASH, struct named, __u64, 100, NAMED);\n"
	"MAP(HASH, __u32, struct counts, 100, TAKEN);\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

/* -- the allocation functions -- */

static unsigned int left; /* allocations until one fails; 0: never */
static bool has_failed;

static bool fails(void)
{
	if (!left || --left)
		return false;
	has_failed = true;
	return true;
}

/* The linker's --wrap option defines these names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* -- reads -- */

static struct object *object;

static const struct shape {
	const char *map;
	enum metric_type type;
	uint32_t max_series;
	bool empty;
} shapes[] = {
	{ "FLOWS", METRIC_COUNTER, 0, false },	  { "FLOWS", METRIC_COUNTER, 10, false },
	{ "CPUS", METRIC_COUNTER, 10, false },	  { "CPUS", METRIC_GAUGE, 100, false },
	{ "SLOTS", METRIC_HISTOGRAM, 10, false }, { "NAMED", METRIC_COUNTER, 10, false },
	{ "TAKEN", METRIC_COUNTER, 10, true },
};

static void put(uint32_t i)
{
	_cleanup_free_ char *values = calloc(map_cpus(), 16);
	const uint32_t slot[2] = { i / 5, i % 5 };
	char named[304] = {};
	uint64_t n = i + 1;

	for (unsigned int at = 0; at < 2 * map_cpus(); at++)
		memcpy(values + at * sizeof(n), &n, sizeof(n));
	object_put(object, "FLOWS", &i, values);
	object_put(object, "CPUS", &i, values);
	object_put(object, "TAKEN", &i, values);
	object_put(object, "SLOTS", slot, &n);
	memset(named, 'a', 250);
	memcpy(named + 300, &i, sizeof(i));
	object_put(object, "NAMED", named, &n);
}

static int set_up(void **state)
{
	(void)state;
	object = object_from_source(source);
	for (uint32_t i = 0; object && i < 50; i++)
		put(i);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

static int drain(struct stream *stream, struct text *out)
{
	_cleanup_error_ struct error err = {};
	int r;

	while ((r = stream_next(stream, out, &err)) > 0)
		;
	stream_free(stream);
	return r;
}

static int read_exposition(struct snapshot *snapshot, const struct encoding *encoding,
			   struct text *out)
{
	_cleanup_error_ struct error err = {};
	struct stream *stream;
	int r = openmetrics_stream_new(snapshot, encoding, &stream, &err);

	return r < 0 ? r : drain(stream, out);
}

static int read_openmetrics(struct snapshot *snapshot, struct text *out)
{
	return read_exposition(snapshot, &encoding_openmetrics, out);
}

static int read_protobuf(struct snapshot *snapshot, struct text *out)
{
	return read_exposition(snapshot, &encoding_protobuf, out);
}

static int read_json(struct snapshot *snapshot, struct text *out)
{
	const struct json_filter filter = { .direction = INGRESS, .one = true };
	const struct json_frame frame = { .shape = JSON_VALUE };
	_cleanup_error_ struct error err = {};
	struct stream *stream;
	int r = json_stream_new(snapshot, &filter, &frame, &stream, &err);

	return r < 0 ? r : drain(stream, out);
}

struct values_page {
	struct text *out;
	int error;
};

static void add_value(void *data, const struct value *value)
{
	struct values_page *page = data;

	text_printf(page->out, "%s/%s-%s ", value->plugin_instance, value->type,
		    value->type_instance);
	number_text(value->numbers[0], page->out);
	text_addc(page->out, '\n');
}

static void note_trouble(void *data, const struct error *err)
{
	((struct values_page *)data)->error = err->code;
}

static int read_values(struct snapshot *snapshot, struct text *out)
{
	struct values_page page = { .out = out };

	values_read(&snapshot->items[0], add_value, note_trouble, &page);
	snapshot_release(snapshot);
	return page.error < 0 ? page.error : text_status(out);
}

typedef int read_fn(struct snapshot *snapshot, struct text *out);

static read_fn *const reads[] = { read_openmetrics, read_protobuf, read_json, read_values };

/* Performs a read in which the allocation with the given number fails. */
static int read_once(const struct shape *shape, read_fn *read, unsigned int number,
		     struct text *out)
{
	struct metric_config configs[N_DIRECTIONS] = {
		[INGRESS] = {
			.name = (char *)"m",
			.map_name = (char *)shape->map,
			.exported = true,
			.type = shape->type,
			.max_series = shape->max_series,
			.empty_on_read = shape->empty,
		},
	};
	struct snapshot snapshot = { .items = calloc(1, sizeof(*snapshot.items)), .n = 1 };
	struct monitor_settings settings;
	struct metric *metric;
	int r;

	for (uint32_t key = 0; shape->empty && key < 50; key++)
		put(key);
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	snapshot.items[0] = snapshot_item_make(&settings, "eth0", object, configs);
	metric = snapshot.items[0].generation->directions[INGRESS].metrics;
	if (shape->empty)
		assert_int_equal(metric_set_accumulator(metric, NULL, NULL), 0);
	left = number;
	has_failed = false;
	r = read(&snapshot, out);
	left = 0;
	return r;
}

static void test_reads(void **state)
{
	(void)state;
	skip_without_bpf();
	if (!object)
		skip();
	log_set_sink(ignore_log);
	for (size_t i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(reads); i++) {
		const struct shape *shape = &shapes[i / ARRAY_SIZE(reads)];
		read_fn *read = reads[i % ARRAY_SIZE(reads)];
		_cleanup_text_ struct text whole = {};
		unsigned int failures = 0;

		assert_int_equal(read_once(shape, read, 0, &whole), 0);
		if (!whole.len)
			fail_msg("map %s, read %zu: nothing", shape->map, i % ARRAY_SIZE(reads));
		for (unsigned int number = 1;; number++) {
			_cleanup_text_ struct text out = {};
			int r;

			r = read_once(shape, read, number, &out);
			if (!has_failed)
				break;
			failures++;
			assert_true(number < 100000);
			if (r == 0 && strcmp(text_str(&out), text_str(&whole)) != 0)
				fail_msg(
					"map %s, read %zu, allocation %u: %s\n-- instead of --\n%s",
					shape->map, i % ARRAY_SIZE(reads), number, text_str(&out),
					text_str(&whole));
			if (r != 0)
				assert_int_equal(r, -ENOMEM);
		}
		assert_true(failures > 5);
	}
	log_set_sink(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
