/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "metric/accumulator.h"
#include "metric/metric.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>

struct counted {
	uint64_t packets;
	uint16_t bytes;
	char name[6];
};

/* BTF IDs of number types and of a struct of numbers. */
static struct btf *btf;
static int type_u8, type_s8, type_u16, type_u32, type_s32, type_u64, type_float, type_struct;

static int set_up(void **state)
{
	int type_char, type_name;

	(void)state;
	btf = btf__new_empty();
	assert_non_null(btf);
	type_u8 = btf__add_int(btf, "u8", 1, 0);
	type_s8 = btf__add_int(btf, "s8", 1, BTF_INT_SIGNED);
	type_u16 = btf__add_int(btf, "u16", 2, 0);
	type_u32 = btf__add_int(btf, "u32", 4, 0);
	type_s32 = btf__add_int(btf, "s32", 4, BTF_INT_SIGNED);
	type_u64 = btf__add_int(btf, "u64", 8, 0);
	type_float = btf__add_float(btf, "double", 8);
	type_char = btf__add_int(btf, "unsigned char", 1, BTF_INT_CHAR);
	type_name = btf__add_array(btf, type_u32, type_char, 6);
	type_struct = btf__add_struct(btf, "counted", sizeof(struct counted));
	assert_int_equal(btf__add_field(btf, "packets", type_u64, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "bytes", type_u16, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "name", type_name, 80, 0), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	btf__free(btf);
	return 0;
}

/* A metric without a kernel map, with the members that an accumulator uses. */
struct fake {
	struct metric_config config;
	struct metric metric;
	struct field field;
	struct column column;
};

static void fake_init(struct fake *fake, enum metric_type kind, uint32_t map_type, int value_type,
		      uint32_t value_size, uint32_t max_entries)
{
	*fake = (struct fake){
		.config = { .name = (char *)"n", .type = kind, .exported = true },
		.metric = { .config = &fake->config,
			    .map = { .fd = -1,
				     .type = map_type,
				     .key_size = 4,
				     .value_size = value_size,
				     .max_entries = max_entries } },
	};
	assert_int_equal(
		plan_init(&fake->metric.value, btf, (uint32_t)value_type, value_size, NULL), 0);
	/* A value that is a number is the only column. */
	fake->field = (struct field){ .plan = fake->metric.value };
	fake->field.name = (char *)"value";
	fake->column = (struct column){ &fake->field, .counts = kind == METRIC_COUNTER };
	fake->metric.columns = &fake->column;
	fake->metric.n_columns = plan_is_number(&fake->metric.value);
	fake->metric.accumulator = accumulator_new(&fake->metric);
	assert_non_null(fake->metric.accumulator);
}

static void fake_release(struct fake *fake)
{
	plan_release(&fake->metric.value);
	assert_null(accumulator_unref(fake->metric.accumulator));
}

static void add(struct fake *fake, uint32_t key, const void *value)
{
	const struct map_batch batch = {
		.keys = (const char *)&key,
		.values = value,
		.key_stride = sizeof(key),
		.value_stride = map_value_stride(&fake->metric.map),
		.count = 1,
	};

	assert_int_equal(accumulator_add(fake->metric.accumulator, &fake->metric, &batch), 0);
}

static void add_number(struct fake *fake, uint32_t key, uint64_t value)
{
	add(fake, key, &value);
}

/* All entries of a read. Free them with accumulator_entries_release(). */
struct accumulator_entries {
	char *keys, *values;
	struct number *numbers;
	uint32_t count;
};

static void accumulator_entries_release(struct accumulator_entries *entries)
{
	free(entries->keys);
	free(entries->values);
	free(entries->numbers);
	*entries = (struct accumulator_entries){};
}

/* batch: maximum number of entries in a batch; 0: chosen by the reader. */
static void read_batches(const struct metric *metric, bool recent, uint32_t batch,
			 struct accumulator_entries *ret)
{
	struct text keys = {}, values = {}, numbers = {};
	struct accumulator_reader reader;
	uint32_t n;

	*ret = (struct accumulator_entries){};
	assert_int_equal(accumulator_reader_init(&reader, metric->accumulator, recent), 0);
	assert_true(reader.capacity * map_value_stride(&metric->map) <= MAP_BATCH_BYTES);
	if (batch && batch < reader.capacity)
		reader.capacity = batch;
	while ((n = accumulator_reader_next(&reader))) {
		text_add(&keys, reader.keys, n * metric->map.key_size);
		text_add(&values, reader.values, n * map_value_stride(&metric->map));
		text_add(&numbers, reader.numbers, n * metric->n_columns * sizeof(*reader.numbers));
		ret->count += n;
	}
	assert_int_equal(accumulator_reader_next(&reader), 0);
	accumulator_reader_release(&reader);
	ret->keys = text_steal(&keys);
	ret->values = text_steal(&values);
	ret->numbers = (struct number *)text_steal(&numbers);
}

static void read_all(const struct metric *metric, bool recent, struct accumulator_entries *ret)
{
	read_batches(metric, recent, 0, ret);
}

/* Returns "key=bytes/number" of each entry in read order, with the bytes as an unsigned number. */
static char *entries(struct fake *fake, bool recent)
{
	_cleanup_text_ struct text text = {};
	struct accumulator_entries taken;
	size_t size = map_value_stride(&fake->metric.map);

	read_all(&fake->metric, recent, &taken);
	for (uint32_t i = 0; i < taken.count; i++) {
		uint64_t value = 0;
		uint32_t key;

		memcpy(&key, taken.keys + i * sizeof(key), sizeof(key));
		memcpy(&value, taken.values + i * size, size < 8 ? size : 8);
		text_printf(&text, "%s%u=%llu/", i ? " " : "", key, (unsigned long long)value);
		number_text(taken.numbers[i], &text);
	}
	accumulator_entries_release(&taken);
	accumulator_entries_release(&taken);
	return text.len ? text_steal(&text) : strdup("");
}

static void check(struct fake *fake, bool recent, const char *expected)
{
	_cleanup_free_ char *found = entries(fake, recent);

	assert_string_equal(found, expected);
}

/* The recent values and the totals are independent: a read of one does not change the other. */
static void test_recent_and_all(void **state)
{
	struct fake fake;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, 16);
	check(&fake, true, "");
	check(&fake, false, "");
	accumulator_begin(fake.metric.accumulator);
	add_number(&fake, 7, 100);
	add_number(&fake, 3, 5);
	add_number(&fake, 7, 1);
	check(&fake, false, "7=101/101 3=5/5");
	check(&fake, false, "7=101/101 3=5/5");
	check(&fake, true, "7=101/101 3=5/5");
	check(&fake, true, "");
	accumulator_begin(fake.metric.accumulator);
	add_number(&fake, 3, 2);
	/* taking resets the bytes but not the number */
	check(&fake, true, "3=2/7");
	check(&fake, false, "7=0/101 3=0/7");
	add_number(&fake, 9, 0); /* a zero creates an entry, too */
	check(&fake, true, "9=0/0");
	fake_release(&fake);
	assert_null(accumulator_unref(NULL));
	assert_null(accumulator_ref(NULL));
}

/* Values of every width overflow their type; the number has 64 bits. */
static void test_widths(void **state)
{
	const struct {
		int type;
		uint32_t size;
		enum metric_type kind;
		uint64_t values[3];
		const char *expected;
	} cases[] = {
		{ type_u8, 1, METRIC_COUNTER, { 200, 100, 3 }, "1=47/303" },
		{ type_s8, 1, METRIC_COUNTER, { 127, 127, (uint8_t)-1 }, "1=253/509" },
		{ type_u16, 2, METRIC_COUNTER, { 65535, 65535, 1 }, "1=65535/131071" },
		{ type_u32, 4, METRIC_COUNTER, { UINT32_MAX, 1, 1 }, "1=1/4294967297" },
		{ type_s32, 4, METRIC_COUNTER, { INT32_MAX, 1, 1 }, "1=2147483649/2147483649" },
		{ type_u64, 8, METRIC_COUNTER, { UINT64_MAX, 2, 3 }, "1=4/4" },
		{ type_u64,
		  8,
		  METRIC_COUNTER,
		  { 1ULL << 62, 1ULL << 62, 1 },
		  "1=9223372036854775809/9223372036854775809" },
		{ 0, 2, METRIC_COUNTER, { 65535, 1, 1 }, "1=1/65537" },
		{ type_u8, 1, METRIC_GAUGE, { 200, 100, 3 }, "1=3/3" },
		{ type_s8, 1, METRIC_GAUGE, { 1, 2, (uint8_t)-1 }, "1=255/-1" },
		{ type_s32, 4, METRIC_UNTYPED, { (uint32_t)-5, 3, 1 }, "1=4294967295/-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake fake;

		fake_init(&fake, cases[i].kind, BPF_MAP_TYPE_ARRAY, cases[i].type, cases[i].size,
			  1);
		for (size_t v = 0; v < ARRAY_SIZE(cases[i].values); v++) {
			accumulator_begin(fake.metric.accumulator);
			add_number(&fake, 1, cases[i].values[v]);
		}
		check(&fake, false, cases[i].expected);
		fake_release(&fake);
	}
}

static void test_floats(void **state)
{
	const double values[] = { 0.5, 1.25 };
	struct accumulator_entries taken;
	struct fake fake;
	double sum;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_float, 8, 1);
	add(&fake, 1, &values[0]);
	add(&fake, 1, &values[1]);
	read_all(&fake.metric, false, &taken);
	memcpy(&sum, taken.values, sizeof(sum));
	assert_true(sum == 1.75);
	assert_int_equal(taken.numbers[0].kind, NUMBER_FLOAT);
	assert_true(taken.numbers[0].f == 1.75);
	accumulator_entries_release(&taken);
	fake_release(&fake);
}

/*
 * Structs are added field by field. For fields that are not numbers, and for gauges as a whole, the
 * newer value is kept.
 */
static void test_structs(void **state)
{
	static const struct counted one = { 1, 65535, "first" }, two = { 2, 3, "new" };
	static const struct {
		enum metric_type kind;
		struct counted sum;
	} cases[] = {
		{ METRIC_COUNTER, { 3, 2, "new" } },
		{ METRIC_GAUGE, { 2, 3, "new" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct accumulator_entries taken;
		struct fake fake;

		fake_init(&fake, cases[i].kind, BPF_MAP_TYPE_HASH, type_struct,
			  sizeof(struct counted), 4);
		assert_int_equal(fake.metric.n_families, 0);
		add(&fake, 1, &one);
		add(&fake, 1, &two);
		for (int look = 0; look < 2; look++) {
			read_all(&fake.metric, look, &taken);
			assert_int_equal(taken.count, 1);
			assert_memory_equal(taken.values, &cases[i].sum, sizeof(struct counted));
			accumulator_entries_release(&taken);
		}
		/* taking restarts the sum */
		add(&fake, 1, &one);
		read_all(&fake.metric, true, &taken);
		assert_memory_equal(taken.values, &one, sizeof(one));
		accumulator_entries_release(&taken);
		fake_release(&fake);
	}
}

/* Bytes are kept per CPU; the number is the sum of all CPUs. */
static void test_per_cpu(void **state)
{
	_cleanup_free_ uint64_t *values = calloc(map_cpus(), sizeof(*values));
	struct accumulator_entries taken;
	uint64_t sum = 0;
	struct fake fake;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_PERCPU_ARRAY, type_u32, 4, 1);
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
		values[cpu] = UINT32_MAX - cpu;
		sum += 2 * values[cpu];
	}
	add(&fake, 0, values);
	add(&fake, 0, values);
	read_all(&fake.metric, false, &taken);
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
		uint32_t value;

		memcpy(&value, taken.values + 8 * (size_t)cpu, sizeof(value));
		assert_int_equal(value, (uint32_t)(2 * values[cpu]));
	}
	assert_true(taken.numbers[0].u == sum);
	accumulator_entries_release(&taken);
	fake_release(&fake);
}

static uint32_t count(struct fake *fake)
{
	struct accumulator_entries taken;
	uint32_t n;

	read_all(&fake->metric, false, &taken);
	n = taken.count;
	accumulator_entries_release(&taken);
	return n;
}

static uint64_t number_of(struct fake *fake, uint32_t wanted)
{
	struct accumulator_entries taken;
	uint64_t number = 0;

	read_all(&fake->metric, false, &taken);
	for (uint32_t i = 0; i < taken.count; i++) {
		uint32_t key;

		memcpy(&key, taken.keys + i * sizeof(key), sizeof(key));
		if (key == wanted)
			number += taken.numbers[i].u;
	}
	accumulator_entries_release(&taken);
	return number;
}

/* The number of inactive keys is limited; keys that are still counted never restart. */
static void test_forgetting(void **state)
{
	static const uint32_t sizes[] = { 10, 600, 5000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t max = 2 * sizes[i] < ACCUMULATOR_ENTRIES_MIN ? ACCUMULATOR_ENTRIES_MIN
								    : 2 * sizes[i];
		uint32_t key = 1000000;
		struct fake fake;

		fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, sizes[i]);
		for (uint64_t pass = 1; pass <= 100 + 20 * max / sizes[i]; pass++) {
			accumulator_begin(fake.metric.accumulator);
			add_number(&fake, 1, 1);
			for (uint32_t n = 2; n < sizes[i]; n++)
				add_number(&fake, key++, 1);
			/* key 2 is last in its pass, after many evictions */
			add_number(&fake, 2, 10);
			assert_int_equal(number_of(&fake, 1), pass);
			assert_int_equal(number_of(&fake, 2), 10 * pass);
			assert_int_equal(number_of(&fake, key - 1), 1);
			assert_true(count(&fake) <= 2 * max);
		}
		assert_true(count(&fake) >= max / 2);
		fake_release(&fake);
	}
}

/* The least recently used entries are evicted first. */
static void test_oldest_first(void **state)
{
	uint32_t key = 1000000;
	struct fake fake;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, 10);
	accumulator_begin(fake.metric.accumulator);
	for (uint32_t i = 0; i < 600; i++)
		add_number(&fake, i, 5);
	for (int i = 0; i < 40; i++)
		accumulator_begin(fake.metric.accumulator);
	for (uint32_t i = 600; i < 900; i++)
		add_number(&fake, i, 6);
	for (int i = 0; i < 4; i++)
		accumulator_begin(fake.metric.accumulator);
	while (number_of(&fake, 1)) {
		assert_true(key < 1000000 + ACCUMULATOR_ENTRIES_MIN);
		add_number(&fake, key++, 1);
	}
	for (uint32_t i = 0; i < 900; i++)
		assert_int_equal(number_of(&fake, i), i < 600 ? 0 : 6);
	assert_int_equal(count(&fake), 300 + key - 1000000);
	fake_release(&fake);
}

/* A batched read returns each entry once, and no entry that was added after it began. */
static void test_batches(void **state)
{
	struct accumulator_entries all;
	struct accumulator_reader reader;
	uint32_t seen = 0, key = 0;
	struct fake fake;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, 10);
	accumulator_begin(fake.metric.accumulator);
	for (uint32_t i = 0; i < 1000; i++)
		add_number(&fake, i, i);
	for (int recent = 0; recent < 2; recent++) {
		read_batches(&fake.metric, recent, 7, &all);
		assert_int_equal(all.count, 1000);
		for (uint32_t i = 0; i < 1000; i++) {
			memcpy(&key, all.keys + i * sizeof(key), sizeof(key));
			assert_int_equal(key, i);
			assert_int_equal(all.numbers[i].u, i);
		}
		accumulator_entries_release(&all);
	}
	/* Old entries are evicted and added again during the read. */
	for (int i = 0; i < 40; i++)
		accumulator_begin(fake.metric.accumulator);
	for (uint32_t i = 500; i < 1000; i++)
		add_number(&fake, i, 1);
	assert_int_equal(accumulator_reader_init(&reader, fake.metric.accumulator, false), 0);
	reader.capacity = 100;
	for (uint32_t n; (n = accumulator_reader_next(&reader)) > 0; seen += n) {
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&key, reader.keys + i * sizeof(key), sizeof(key));
			assert_true(key < 100 || key >= 500);
			assert_true(key < 1000);
		}
		for (uint32_t i = 0; seen == 0 && i < 500; i++)
			add_number(&fake, 100000 + i, 1);
		for (uint32_t i = 0; seen == 0 && i < 500; i++)
			add_number(&fake, i, 1);
	}
	assert_int_equal(seen, 600);
	accumulator_reader_release(&reader);
	fake_release(&fake);
}

/* Per-CPU samples continue regardless of readers that take the recent values. */
static void test_lists_cpus(void **state)
{
	_cleanup_free_ uint64_t *value = calloc(map_cpus(), sizeof(*value));
	struct accumulator_entries entries;
	struct fake fake;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_PERCPU_HASH, type_u64, 8, 10);
	assert_null(accumulator_unref(fake.metric.accumulator));
	fake.config.per_cpu = PER_CPU_LIST;
	fake.metric.accumulator = accumulator_new(&fake.metric);
	assert_non_null(fake.metric.accumulator);
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++)
		value[cpu] = cpu + 1;
	for (uint64_t turn = 1; turn <= 3; turn++) {
		add(&fake, 7, value);
		for (int recent = 0; recent < 2; recent++) {
			read_batches(&fake.metric, recent, 0, &entries);
			assert_int_equal(entries.count, 1);
			for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
				uint64_t got;

				memcpy(&got, entries.values + cpu * sizeof(got), sizeof(got));
				assert_int_equal(got, value[cpu] * (recent ? 1 : turn));
			}
			accumulator_entries_release(&entries);
		}
	}
	fake_release(&fake);
}

/* The memory that an accumulator may need is checked before entries are taken. */
static void test_limits(void **state)
{
	static const struct {
		uint32_t max_entries, value_size;
		bool fits;
	} cases[] = {
		{ 1, 8, true },
		{ 10000000, 16, true },
		{ 100000000, 8, false },
		{ 1000000, 2000, false },
		{ 1, 16 * 1024 * 1024 - 4, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {};
		struct metric_config config = { .name = (char *)"m", .map_name = (char *)"MAP" };
		const struct metric metric = { .config = &config,
					       .map = { .type = BPF_MAP_TYPE_HASH,
							.key_size = 4,
							.value_size = cases[i].value_size,
							.max_entries = cases[i].max_entries } };
		struct accumulator *accumulator;

		assert_int_equal(accumulator_check(&metric, &err), cases[i].fits ? 0 : -EFBIG);
		if (!cases[i].fits) {
			assert_true(
				contains(error_message(&err), "map MAP: the accumulator may need"));
			assert_true(contains(error_message(&err), "the limit is 4294967296"));
			continue;
		}
		accumulator = accumulator_new(&metric);
		assert_non_null(accumulator);
		/* the size of one pass is allowed, but nothing above the limit */
		if (cases[i].value_size < 100)
			assert_int_equal(accumulator_reserve(accumulator, 1), 0);
		assert_int_equal(accumulator_reserve(accumulator, UINT32_MAX), -EFBIG);
		assert_null(accumulator_unref(accumulator));
	}
}

/* A reload keeps the accumulator, which is freed with its last reference. */
static void test_references(void **state)
{
	struct fake fake;
	struct accumulator *accumulator;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, 10);
	accumulator = accumulator_ref(fake.metric.accumulator);
	assert_ptr_equal(accumulator, fake.metric.accumulator);
	add_number(&fake, 1, 5);
	assert_null(accumulator_unref(accumulator));
	check(&fake, false, "1=5/5");
	fake_release(&fake);
}

struct work {
	struct fake *fake;
	bool *stop; /* atomic */
	uint64_t sum;
};

#define ROUNDS 20000
#define KEYS   50

static void *adder(void *data)
{
	struct work *work = data;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (i % KEYS == 0)
			accumulator_begin(work->fake->metric.accumulator);
		add_number(work->fake, i % KEYS, i % 7);
		work->sum += i % 7;
	}
	return NULL;
}

static uint64_t sum_up(struct fake *fake, bool recent)
{
	struct accumulator_entries taken;
	uint64_t sum = 0;

	read_all(&fake->metric, recent, &taken);
	for (uint32_t i = 0; i < taken.count; i++) {
		uint64_t value;

		memcpy(&value, taken.values + i * sizeof(value), sizeof(value));
		sum += recent ? value : taken.numbers[i].u;
	}
	accumulator_entries_release(&taken);
	return sum;
}

/* Takes the recent values and asserts that the totals never decrease. */
static void *taker(void *data)
{
	struct work *work = data;
	uint64_t before = 0;

	while (!__atomic_load_n(work->stop, __ATOMIC_ACQUIRE)) {
		uint64_t now = sum_up(work->fake, false);

		if (now < before)
			return work;
		before = now;
		work->sum += sum_up(work->fake, true);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct work adders[2] = {}, takers[2] = {};
	pthread_t threads[4];
	uint64_t sum;
	struct fake fake;
	bool stop = false;

	(void)state;
	fake_init(&fake, METRIC_COUNTER, BPF_MAP_TYPE_HASH, type_u64, 8, KEYS);
	for (int i = 0; i < 2; i++) {
		adders[i] = takers[i] = (struct work){ .fake = &fake, .stop = &stop };
		assert_int_equal(pthread_create(&threads[i], NULL, adder, &adders[i]), 0);
		assert_int_equal(pthread_create(&threads[2 + i], NULL, taker, &takers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *fell;

		if (i == 2)
			__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		pthread_join(threads[i], &fell);
		assert_null(fell);
	}
	sum = adders[0].sum + adders[1].sum;
	assert_int_equal(sum_up(&fake, false), sum);
	assert_int_equal(takers[0].sum + takers[1].sum + sum_up(&fake, true), sum);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recent_and_all), cmocka_unit_test(test_widths),
		cmocka_unit_test(test_floats),	       cmocka_unit_test(test_structs),
		cmocka_unit_test(test_per_cpu),	       cmocka_unit_test(test_forgetting),
		cmocka_unit_test(test_oldest_first),   cmocka_unit_test(test_references),
		cmocka_unit_test(test_threads),	       cmocka_unit_test(test_batches),
		cmocka_unit_test(test_lists_cpus),     cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
