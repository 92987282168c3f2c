/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "kernel/map_reader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>

static struct map map_new(enum bpf_map_type type, uint32_t key_size, uint32_t value_size,
			  uint32_t max_entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	struct map map = {
		.type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.flags = flags,
	};

	map.fd = bpf_map_create(type, "test", key_size, value_size, max_entries, &opts);
	if (map.fd < 0)
		fail_msg("map of type %d: %s", type, strerror(-map.fd));
	return map;
}

/* Returns the first word of entry i's value on a CPU; the other bytes are derived from it. */
static uint32_t value_word(uint32_t i, unsigned int cpu)
{
	return i * 2654435761u + cpu * 40503u + 1;
}

static void value_fill(char *value, uint32_t size, uint32_t i, unsigned int cpu)
{
	uint32_t word = value_word(i, cpu);

	for (uint32_t at = 0; at < size; at++)
		value[at] = (char)(word >> at % 4 * 8 ^ at / 4);
}

static bool value_is(const char *value, uint32_t size, uint32_t i, unsigned int cpu)
{
	_cleanup_free_ char *expected = malloc(size);

	value_fill(expected, size, i, cpu);
	return !memcmp(value, expected, size);
}

static size_t cpu_stride(const struct map *map)
{
	return (map->value_size + 7u) & ~7u;
}

static void key_make(const struct map *map, uint32_t i, char *key)
{
	memset(key, 0, map->key_size);
	if (map->type == BPF_MAP_TYPE_LPM_TRIE) {
		key[0] = 32; /* prefix length in bits */
		memcpy(key + 4, &i, 4);
	} else {
		memcpy(key, &i, 4);
	}
}

static uint32_t key_index(const struct map *map, const char *key)
{
	uint32_t i;

	memcpy(&i, key + (map->type == BPF_MAP_TYPE_LPM_TRIE ? 4 : 0), 4);
	return i;
}

static void map_put(const struct map *map, uint32_t i)
{
	_cleanup_free_ char *value = calloc(1, map_value_stride(map));
	char key[64];

	if (map_is_percpu(map->type))
		for (unsigned int cpu = 0; cpu < map_cpus(); cpu++)
			value_fill(value + cpu * cpu_stride(map), map->value_size, i, cpu);
	else
		value_fill(value, map->value_size, i, 0);
	key_make(map, i, key);
	assert_int_equal(bpf_map_update_elem(map->fd, map->key_size ? key : NULL, value, BPF_ANY),
			 0);
}

/* Uses batches: a hundred thousand calls are slow under a sanitizer. */
static void map_fill(const struct map *map, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		map_put(map, i);
}

static bool entry_is_right(const struct map *map, uint32_t i, const char *value)
{
	unsigned int cpus = map_is_percpu(map->type) ? map_cpus() : 1;

	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		if (!value_is(value + cpu * cpu_stride(map), map->value_size, i, cpu))
			return false;
	return true;
}

struct pass {
	uint32_t entries, batches, wrong, twice;
	unsigned char *seen; /* indexed by entry */
	uint32_t room;
	int result;
};

static void pass_take(struct pass *pass, const struct map *map, const struct map_batch *batch)
{
	pass->batches++;
	for (uint32_t i = 0; i < batch->count; i++) {
		uint32_t at = batch->keys ? key_index(map, batch->keys + i * batch->key_stride)
					  : pass->entries;

		pass->entries++;
		if (at >= pass->room ||
		    (batch->keys &&
		     !entry_is_right(map, at, batch->values + i * batch->value_stride)))
			pass->wrong++;
		else if (pass->seen[at]++)
			pass->twice++;
	}
}

/* Reads a map of at most room entries; calls between() after the first batch. */
static struct pass read_map(const struct map *map, bool empty, bool by_key, uint32_t room,
			    void (*between)(const struct map *map, const struct map_reader *reader))
{
	struct pass pass = { .seen = calloc(room + 1, 1), .room = room };
	struct map_reader reader;
	struct map_batch batch;

	assert_int_equal(map_reader_init(&reader, map, empty), 0);
	reader.by_key = by_key;
	while ((pass.result = map_reader_next(&reader, &batch)) > 0) {
		assert_true(batch.count > 0);
		assert_int_equal(batch.value_stride, map_value_stride(map));
		pass_take(&pass, map, &batch);
		if (between && pass.batches == 1)
			between(map, &reader);
		assert_true(pass.batches < 1000000);
	}
	/* the end of the map is permanent */
	if (pass.result == 0)
		assert_int_equal(map_reader_next(&reader, &batch), 0);
	map_reader_release(&reader);
	return pass;
}

static const struct {
	enum bpf_map_type type;
	uint32_t key_size, value_size, max_entries, fill;
	bool stays; /* an emptied map keeps its entries, as zeros */
} maps[] = {
	{ BPF_MAP_TYPE_HASH, 4, 8, 1000, 0, false },
	{ BPF_MAP_TYPE_HASH, 4, 8, 1, 1, false },
	{ BPF_MAP_TYPE_HASH, 4, 8, 100000, 100000, false },
	{ BPF_MAP_TYPE_HASH, 7, 3, 1000, 1000, false },
	{ BPF_MAP_TYPE_HASH, 60, 1, 5000, 4000, false },
	{ BPF_MAP_TYPE_HASH, 4, 20000, 100, 100, false },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 10000, 100, false },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 20000, 20000, false },
	{ BPF_MAP_TYPE_PERCPU_HASH, 5, 1, 100, 100, false },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 13, 3000, 3000, false },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 9, 10000, 100, false },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 1, 1, true },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 100000, 100000, true },
	{ BPF_MAP_TYPE_ARRAY, 4, 5, 1000, 1000, true },
	{ BPF_MAP_TYPE_ARRAY, 4, 300000, 3, 3, true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 20000, 20000, true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 11, 7, 7, true },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1000, 0, false },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 50000, 40000, false },
	{ BPF_MAP_TYPE_LPM_TRIE, 12, 3, 10, 10, false },
	{ BPF_MAP_TYPE_QUEUE, 0, 8, 50000, 50000, false },
	{ BPF_MAP_TYPE_QUEUE, 0, 3, 10, 0, false },
	{ BPF_MAP_TYPE_STACK, 0, 5, 1000, 1000, false },
};

/* Every map type, by batch and by key, with and without emptying. */
static void test_kinds(void **state)
{
	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		for (int by_key = 0; by_key < 2; by_key++) {
			uint32_t fill = maps[i].fill;
			struct map map = map_new(
				maps[i].type, maps[i].key_size, maps[i].value_size,
				maps[i].max_entries,
				maps[i].type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0);
			bool queue = map_kind(map.type) == MAP_QUEUE;

			map_fill(&map, fill);
			for (int empty = 0; empty < 2; empty++) {
				struct pass pass = read_map(&map, empty, by_key, fill, NULL);

				if (pass.result || pass.entries != (queue && empty ? 0 : fill) ||
				    pass.wrong || pass.twice)
					fail_msg("map %zu (%s), by key %d, empty %d: result %d, %u "
						 "entries, %u wrong, %u twice",
						 i, map_type_name(map.type), by_key, empty,
						 pass.result, pass.entries, pass.wrong, pass.twice);
				if (fill * map_value_stride(&map) > 4 * MAP_BATCH_BYTES)
					assert_true(queue || pass.batches > 1);
				free(pass.seen);
			}
			if (maps[i].stays) {
				_cleanup_free_ char *value = malloc(map_value_stride(&map));
				_cleanup_free_ char *zero = calloc(1, map_value_stride(&map));

				for (uint32_t k = 0; k < fill; k += 1 + fill / 7) {
					assert_int_equal(bpf_map_lookup_elem(map.fd, &k, value), 0);
					assert_memory_equal(value, zero, map_value_stride(&map));
				}
			} else if (!queue) {
				char next[64];

				assert_int_equal(bpf_map_get_next_key(map.fd, NULL, next), -ENOENT);
			}
			close(map.fd);
		}
}

/* Queues and stacks are read in their order. */
static void test_order(void **state)
{
	static const struct {
		enum bpf_map_type type;
		uint16_t first, last;
	} kinds[] = {
		{ BPF_MAP_TYPE_QUEUE, 1, 300 },
		{ BPF_MAP_TYPE_STACK, 300, 1 },
	};

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct map map = map_new(kinds[i].type, 0, 2, 300, 0);
		struct map_reader reader;
		struct map_batch batch;
		uint16_t value;

		for (value = 1; value <= 300; value++)
			assert_int_equal(bpf_map_update_elem(map.fd, NULL, &value, 0), 0);
		assert_int_equal(map_reader_init(&reader, &map, false), 0);
		assert_int_equal(map_reader_next(&reader, &batch), 1);
		assert_int_equal(batch.count, 300);
		assert_null(batch.keys);
		memcpy(&value, batch.values, 2);
		assert_int_equal(value, kinds[i].first);
		memcpy(&value, batch.values + 299 * batch.value_stride, 2);
		assert_int_equal(value, kinds[i].last);
		map_reader_release(&reader);
		close(map.fd);
	}
}

/*
 * Returns the bucket of a key, for hash buckets with more entries than the buffers hold. The seed
 * is known, and a batch read from bucket b contains the key or not, so a binary search finds the
 * bucket.
 */
static uint32_t bucket_of(const struct map *map, uint32_t key, uint32_t buckets)
{
	uint32_t low = 0, high = buckets - 1;
	_cleanup_free_ char *value = calloc(1, map->value_size);

	assert_int_equal(bpf_map_update_elem(map->fd, &key, value, BPF_ANY), 0);
	while (low < high) {
		uint32_t middle = (low + high + 1) / 2, next, count = 1, found;
		int r = bpf_map_lookup_batch(map->fd, &middle, &next, &found, value, &count, NULL);

		assert_true(r == 0 || r == -ENOENT);
		if (count)
			low = middle;
		else
			high = middle - 1;
	}
	assert_int_equal(bpf_map_delete_elem(map->fd, &key), 0);
	return low;
}

static void test_large_bucket(void **state)
{
	enum { BUCKETS = 64, WANTED = 50 };
	/* The second bucket is larger than any buffer. */
	static const uint32_t sizes[] = { 20000, 400000 };

	(void)state;
	skip_without_bpf();
	for (int i = 0; i < 2 * (int)ARRAY_SIZE(sizes); i++) {
		bool empty = i & 1;
		struct map probe = map_new(BPF_MAP_TYPE_HASH, 4, 8, BUCKETS, BPF_F_ZERO_SEED);
		struct map map =
			map_new(BPF_MAP_TYPE_HASH, 4, sizes[i / 2], BUCKETS, BPF_F_ZERO_SEED);
		struct map_reader reader;
		struct map_batch batch;
		struct pass pass = {};
		uint32_t key = 0, put = 0;

		/* some entries in other buckets first, so that the large bucket is in the middle */
		for (; put < WANTED; key++)
			if (bucket_of(&probe, key, BUCKETS) == 20) {
				map_put(&map, key);
				put++;
			}
		for (uint32_t other = key; put < BUCKETS; other++, key++)
			if (bucket_of(&probe, other, BUCKETS) != 20) {
				map_put(&map, other);
				put++;
			}
		pass.seen = calloc(key + 1, 1);
		pass.room = key;
		assert_int_equal(map_reader_init(&reader, &map, empty), 0);
		assert_true(reader.capacity < WANTED); /* otherwise this test proves nothing */
		while ((pass.result = map_reader_next(&reader, &batch)) > 0) {
			pass_take(&pass, &map, &batch);
			assert_true(reader.capacity * (4 + map_value_stride(&map)) <=
				    MAP_BATCH_BYTES_MAX);
		}
		assert_int_equal(reader.by_key, i / 2);
		map_reader_release(&reader);
		assert_int_equal(pass.result, 0);
		assert_int_equal(pass.entries, put);
		assert_int_equal(pass.wrong, 0);
		assert_int_equal(pass.twice, 0);
		free(pass.seen);
		close(map.fd);
		close(probe.fd);
	}
}

/* Deletes the entry returned last: in a trie the kernel continues from that entry. */
static void delete_last(const struct map *map, const struct map_reader *reader)
{
	char key[64];

	memcpy(key, reader->cursor, map->key_size);
	if (map_kind(map->type) != MAP_HASH)
		bpf_map_delete_elem(map->fd, key);
}

/* Deletes every third entry, independent of the reader's position. */
static void delete_third(const struct map *map, const struct map_reader *reader)
{
	(void)reader;
	for (uint32_t i = 0; i < 40000; i += 3) {
		char key[64];

		key_make(map, i, key);
		bpf_map_delete_elem(map->fd, key);
	}
}

/* Concurrent deletions during a pass: each remaining entry is returned exactly once. */
static void test_deleted_meanwhile(void **state)
{
	static const struct {
		enum bpf_map_type type;
		void (*between)(const struct map *map, const struct map_reader *reader);
	} cases[] = {
		{ BPF_MAP_TYPE_HASH, delete_third },	    { BPF_MAP_TYPE_LRU_HASH, delete_third },
		{ BPF_MAP_TYPE_PERCPU_HASH, delete_third }, { BPF_MAP_TYPE_LPM_TRIE, delete_third },
		{ BPF_MAP_TYPE_LPM_TRIE, delete_last },
	};

	(void)state;
	skip_without_bpf();
	for (size_t n = 0; n < 2 * ARRAY_SIZE(cases); n++) {
		size_t i = n / 2;
		bool trie = cases[i].type == BPF_MAP_TYPE_LPM_TRIE;
		struct map map = map_new(cases[i].type, trie ? 8 : 4, 8, trie ? 50000 : 80000,
					 trie ? BPF_F_NO_PREALLOC : 0);
		struct pass pass;
		uint32_t lost = 0;

		map_fill(&map, 40000);
		pass = read_map(&map, false, n & 1, 40000, cases[i].between);
		for (uint32_t k = 0; k < 40000; k++)
			lost += !pass.seen[k] && (cases[i].between != delete_third || k % 3);
		if (pass.result || pass.wrong || lost || pass.twice)
			fail_msg("case %zu (%s), by key %d: result %d, %u wrong, %u lost, %u twice",
				 i, map_type_name(map.type), (int)(n & 1), pass.result, pass.wrong,
				 lost, pass.twice);
		assert_true(pass.batches > 1);
		free(pass.seen);
		close(map.fd);
	}
}

/* Deletes the last n keys that a walk returned and the one that it returns next. */
static uint32_t delete_at_hand(const struct map *map, const struct key_walk *walk, uint32_t n)
{
	uint32_t deleted = 0;

	for (uint32_t record = walk->top; record && n--; record--)
		if (bpf_map_delete_elem(map->fd,
					walk->records + (record - 1) * walk->record_size) == 0)
			deleted++;
	return deleted;
}

/*
 * The key from which the walk continues is deleted repeatedly, together with preceding keys: every
 * other key is returned exactly once.
 */
static void test_key_at_hand_deleted(void **state)
{
	static const enum bpf_map_type types[] = {
		BPF_MAP_TYPE_HASH,
		BPF_MAP_TYPE_LRU_HASH,
		BPF_MAP_TYPE_PERCPU_HASH,
		BPF_MAP_TYPE_LPM_TRIE,
	};
	static const uint32_t keys[] = { 1, 2, 50, 3000 };
	enum { ENTRIES = 3000 };

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(keys); i++) {
		bool trie = types[i / ARRAY_SIZE(keys)] == BPF_MAP_TYPE_LPM_TRIE;
		struct map map = map_new(types[i / ARRAY_SIZE(keys)], trie ? 8 : 4, 8, ENTRIES * 2,
					 trie ? BPF_F_NO_PREALLOC : 0);
		struct pass pass = { .seen = calloc(ENTRIES, 1), .room = ENTRIES };
		uint32_t unseen = 0, lost = 0, deleted = 0;
		struct map_reader reader;
		struct map_batch batch;

		map_fill(&map, ENTRIES);
		assert_int_equal(map_reader_init(&reader, &map, false), 0);
		reader.by_key = true;
		reader.capacity = 1;
		while ((pass.result = map_reader_next(&reader, &batch)) > 0) {
			pass_take(&pass, &map, &batch);
			if (pass.batches % 3 == 0)
				deleted += delete_at_hand(&map, &reader.walk,
							  keys[i % ARRAY_SIZE(keys)]);
		}
		map_reader_release(&reader);
		for (uint32_t k = 0; k < ENTRIES; k++) {
			_cleanup_free_ char *value = calloc(1, map_value_stride(&map));
			char key[64];

			key_make(&map, k, key);
			unseen += !pass.seen[k];
			lost += !pass.seen[k] && bpf_map_lookup_elem(map.fd, key, value) == 0;
		}
		if (pass.result || pass.wrong || lost || pass.twice || unseen > deleted)
			fail_msg("%s, %u keys: result %d, %u wrong, %u lost, %u twice",
				 map_type_name(map.type), keys[i % ARRAY_SIZE(keys)], pass.result,
				 pass.wrong, lost, pass.twice);
		assert_true(deleted > 500);
		free(pass.seen);
		close(map.fd);
	}
}

/* Inserts a key that the walk has not returned, and deletes the key from which it continues. */
static void keep_busy(const struct map *map, const struct key_walk *walk, uint32_t n)
{
	map_put(map, 1000 + n);
	delete_at_hand(map, walk, walk->n);
}

/* A pass terminates even if keys are inserted continuously. */
static void test_pass_ends(void **state)
{
	static const enum bpf_map_type types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LPM_TRIE };

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		bool trie = types[i / 2] == BPF_MAP_TYPE_LPM_TRIE, empty = i & 1;
		struct map map =
			map_new(types[i / 2], trie ? 8 : 4, 8, 50, trie ? BPF_F_NO_PREALLOC : 0);
		struct map_reader reader;
		struct map_batch batch;
		uint32_t entries = 0;
		int r;

		map_fill(&map, 10);
		assert_int_equal(map_reader_init(&reader, &map, empty), 0);
		reader.by_key = true;
		reader.capacity = 1;
		while ((r = map_reader_next(&reader, &batch)) > 0) {
			assert_true(++entries < 100000);
			keep_busy(&map, &reader.walk, entries);
		}
		assert_true(r == 0 || r == -EBUSY);
		/* an error is permanent and has its own text */
		assert_int_equal(map_reader_next(&reader, &batch), r);
		map_reader_release(&reader);
		close(map.fd);
	}
	assert_string_not_equal(map_reader_strerror(-EBUSY), strerror(EBUSY));
	assert_string_equal(map_reader_strerror(-ENOMEM), strerror(ENOMEM));
}

struct churn {
	const struct map *map;
	bool stop; /* atomic */
	bool ran;
};

/* Inserts and deletes keys above those of the test. */
static void *churn_thread(void *data)
{
	struct churn *churn = data;
	uint32_t i = 0;

	while (!__atomic_load_n(&churn->stop, __ATOMIC_ACQUIRE)) {
		char key[64];

		key_make(churn->map, 20000 + i % 20000, key);
		map_put(churn->map, 20000 + i % 20000);
		if (i % 3)
			bpf_map_delete_elem(churn->map->fd, key);
		i++;
		__atomic_store_n(&churn->ran, true, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void test_churn(void **state)
{
	static const enum bpf_map_type types[] = {
		BPF_MAP_TYPE_HASH,	  BPF_MAP_TYPE_LRU_HASH,
		BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
		BPF_MAP_TYPE_LPM_TRIE,
	};

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < 4 * ARRAY_SIZE(types); i++) {
		enum bpf_map_type type = types[i / 4];
		bool trie = type == BPF_MAP_TYPE_LPM_TRIE, empty = i & 1, by_key = i & 2;
		struct map map =
			map_new(type, trie ? 8 : 4, 8, 65536, trie ? BPF_F_NO_PREALLOC : 0);
		struct churn churn = { .map = &map };
		pthread_t thread;
		uint32_t lost = 0, twice = 0;

		map_fill(&map, 20000);
		assert_int_equal(pthread_create(&thread, NULL, churn_thread, &churn), 0);
		while (!__atomic_load_n(&churn.ran, __ATOMIC_ACQUIRE))
			;
		for (int pass = 0; pass < (empty ? 1 : 5); pass++) {
			struct pass p = read_map(&map, empty, by_key, 40000, NULL);

			assert_int_equal(p.result, 0);
			assert_int_equal(p.wrong, 0);
			for (uint32_t k = 0; k < 20000; k++) {
				lost += !p.seen[k];
				twice += p.seen[k] > 1;
			}
			if (!empty || by_key)
				twice += p.twice;
			free(p.seen);
		}
		__atomic_store_n(&churn.stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
		if (lost || twice)
			fail_msg("%s, empty %d, by key %d: %u lost, %u twice", map_type_name(type),
				 empty, by_key, lost, twice);
		close(map.fd);
	}
}

static void *count_thread(void *data)
{
	struct churn *churn = data;
	uint64_t done = 0;

	while (!__atomic_load_n(&churn->stop, __ATOMIC_ACQUIRE)) {
		uint64_t value = 1;
		uint32_t key = (uint32_t)(done % 64);

		/* only insertions count: a taken entry is counted once */
		if (bpf_map_update_elem(churn->map->fd, &key, &value, BPF_NOEXIST) == 0)
			done++;
		__atomic_store_n(&churn->ran, true, __ATOMIC_RELEASE);
	}
	return (void *)(uintptr_t)done;
}

/* Emptying a hash neither loses nor duplicates entries, even with concurrent writers. */
static void test_taken_once(void **state)
{
	struct map map;
	struct churn churn = { .map = &map };
	pthread_t thread;
	uint64_t sum = 0;
	void *done;

	(void)state;
	skip_without_bpf();
	map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 1024, 0);
	assert_int_equal(pthread_create(&thread, NULL, count_thread, &churn), 0);
	while (!__atomic_load_n(&churn.ran, __ATOMIC_ACQUIRE))
		;
	for (int pass = 0; pass < 2001; pass++) {
		struct map_reader reader;
		struct map_batch batch;

		if (pass == 2000) {
			__atomic_store_n(&churn.stop, true, __ATOMIC_RELEASE);
			pthread_join(thread, &done);
		}
		assert_int_equal(map_reader_init(&reader, &map, true), 0);
		while (map_reader_next(&reader, &batch) > 0)
			sum += batch.count;
		map_reader_release(&reader);
	}
	assert_true(sum > 0);
	assert_int_equal(sum, (uint64_t)(uintptr_t)done);
	close(map.fd);
}

/* Readers that empty the same map concurrently. */
struct takers {
	struct map map;
	pthread_barrier_t start;
	uint64_t sum; /* atomic */
};

#define TAKE_ROUNDS 300

static void *take_all(void *data)
{
	struct takers *takers = data;

	for (int round = 0; round < TAKE_ROUNDS; round++) {
		struct map_reader reader;
		struct map_batch batch;

		pthread_barrier_wait(&takers->start);
		assert_int_equal(map_reader_init(&reader, &takers->map, true), 0);
		while (map_reader_next(&reader, &batch) > 0)
			for (uint32_t i = 0; i < batch.count; i++) {
				const char *value = batch.values + i * batch.value_stride;
				unsigned int cpus =
					map_is_percpu(takers->map.type) ? map_cpus() : 1;

				for (unsigned int cpu = 0; cpu < cpus; cpu++) {
					uint64_t n;

					memcpy(&n, value + cpu * cpu_stride(&takers->map),
					       sizeof(n));
					__atomic_add_fetch(&takers->sum, n, __ATOMIC_RELAXED);
				}
			}
		map_reader_release(&reader);
		pthread_barrier_wait(&takers->start);
	}
	return NULL;
}

/*
 * If the kernel reads and empties in two calls, no entry is returned twice, even with many readers.
 */
static void test_taken_by_many(void **state)
{
	static const enum bpf_map_type types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY,
						   BPF_MAP_TYPE_LPM_TRIE, BPF_MAP_TYPE_HASH };
	const uint32_t n = 64;

	(void)state;
	if (!bpf_possible())
		skip();
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		bool trie = types[t] == BPF_MAP_TYPE_LPM_TRIE;
		bool dynamic = trie || types[t] == BPF_MAP_TYPE_HASH;
		struct takers takers = { .map = map_new(types[t], trie ? 8 : 4, 16, n,
							dynamic ? BPF_F_NO_PREALLOC : 0) };
		_cleanup_free_ char *value = calloc(1, map_value_stride(&takers.map));
		uint64_t one = 1, each = map_is_percpu(types[t]) ? map_cpus() : 1;
		pthread_t threads[3];
		char key[8];

		for (uint64_t cpu = 0; cpu < each; cpu++)
			memcpy(value + cpu * cpu_stride(&takers.map), &one, sizeof(one));
		pthread_barrier_init(&takers.start, NULL, ARRAY_SIZE(threads) + 1);
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers), 0);
		for (int round = 0; round < TAKE_ROUNDS; round++) {
			for (uint32_t i = 0; i < n; i++) {
				key_make(&takers.map, i, key);
				assert_int_equal(
					bpf_map_update_elem(takers.map.fd, key, value, BPF_ANY), 0);
			}
			pthread_barrier_wait(&takers.start);
			pthread_barrier_wait(&takers.start);
		}
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&takers.start);
		if (takers.sum != TAKE_ROUNDS * n * each)
			fail_msg("%s: %llu of %llu", map_type_name(types[t]),
				 (unsigned long long)takers.sum,
				 (unsigned long long)(TAKE_ROUNDS * n * each));
		close(takers.map.fd);
	}
}

/* A map with a million entries must not be copied to memory as a whole. */
static void test_memory(void **state)
{
	static const struct {
		enum bpf_map_type type;
		uint32_t value_size;
	} shapes[] = {
		{ BPF_MAP_TYPE_HASH, 8 },	{ BPF_MAP_TYPE_HASH, 100000 },
		{ BPF_MAP_TYPE_HASH, 4000000 }, { BPF_MAP_TYPE_PERCPU_HASH, 32768 },
		{ BPF_MAP_TYPE_ARRAY, 1000 },	{ BPF_MAP_TYPE_PERCPU_ARRAY, 64 },
		{ BPF_MAP_TYPE_ARRAY, 100000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct map map = { -1, shapes[i].type, 4, shapes[i].value_size, 1000000, 0 };
		struct map_reader reader;

		assert_int_equal(map_reader_init(&reader, &map, false), 0);
		/* the limit is one entry or the bytes of a batch */
		assert_true(reader.capacity == 1 ||
			    reader.capacity * (4 + map_value_stride(&map)) <= MAP_BATCH_BYTES);
		map_reader_release(&reader);
	}
}

static void test_errors(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_PROG_ARRAY, 9999, 0 };
	struct map map = { -1, BPF_MAP_TYPE_HASH, 4, 4, 10, 0 };
	struct map_reader reader;
	struct map_batch batch;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		map.type = types[i];
		assert_int_equal(map_reader_init(&reader, &map, false), -EOPNOTSUPP);
		map_reader_release(&reader);
		assert_int_equal(map_kind(types[i]), MAP_UNREADABLE);
		assert_false(map_is_percpu(types[i]));
	}
	assert_string_equal(map_type_name(9999), "unknown");
	assert_string_equal(map_type_name(BPF_MAP_TYPE_LRU_PERCPU_HASH), "lru_percpu_hash");
	assert_string_equal(map_type_name(BPF_MAP_TYPE_RINGBUF), "ringbuf");
	/* not a map */
	map.type = BPF_MAP_TYPE_HASH;
	assert_int_equal(map_reader_init(&reader, &map, false), 0);
	assert_true(map_reader_next(&reader, &batch) < 0);
	map_reader_release(&reader);
	/* a second release, and a release of a zeroed reader */
	map_reader_release(&reader);
	assert_true(map_cpus() >= 1);
}

/* An entry that the kernel refuses to remove is not returned. */
static void test_not_taken(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY,
					  BPF_MAP_TYPE_LPM_TRIE };

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		bool trie = types[i] == BPF_MAP_TYPE_LPM_TRIE;
		struct map map =
			map_new(types[i], trie ? 8 : 4, 8, 10, trie ? BPF_F_NO_PREALLOC : 0);
		struct map_reader reader;
		struct map_batch batch;

		map_fill(&map, 10);
		assert_int_equal(bpf_map_freeze(map.fd), 0);
		assert_int_equal(map_reader_init(&reader, &map, true), 0);
		assert_int_equal(map_reader_next(&reader, &batch), -EPERM);
		map_reader_release(&reader);
		close(map.fd);
	}
}

/* Every type name used in messages belongs to a readable type. */
static void test_names(void **state)
{
	_cleanup_text_ struct text names = {};
	unsigned int n = 0, readable = 0;
	char *rest, *name;

	(void)state;
	map_type_list_readable(&names);
	rest = names.data;
	while ((name = strsep(&rest, ", ")))
		for (uint32_t type = 0; *name && type < 64; type++)
			if (!strcmp(map_type_name(type), name)) {
				assert_int_not_equal(map_kind(type), MAP_UNREADABLE);
				n++;
			}
	for (uint32_t type = 0; type < 64; type++)
		readable += map_kind(type) != MAP_UNREADABLE;
	assert_int_equal(n, readable);
}

struct additions {
	char *memory;
	uint32_t size, entries;
	bool *stop; /* atomic */
	uint64_t sum;
};

/* Adds as programs do: one atomic instruction per word, in memory that others map as well. */
static void *add_thread(void *data)
{
	struct additions *additions = data;

	for (uint32_t i = 0; !__atomic_load_n(additions->stop, __ATOMIC_ACQUIRE); i++) {
		void *word = additions->memory + i % additions->entries * 8;

		if (additions->size == sizeof(uint64_t))
			__atomic_fetch_add((uint64_t *)word, i % 5, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add((uint32_t *)word, i % 5, __ATOMIC_RELAXED);
		additions->sum += i % 5;
	}
	return NULL;
}

static uint64_t take_rest(const struct map *map)
{
	struct map_reader reader;
	struct map_batch batch;
	uint64_t sum = 0;
	uint32_t seen = 0;
	int r;

	assert_int_equal(map_reader_init(&reader, map, true), 0);
	while ((r = map_reader_next(&reader, &batch)) > 0)
		for (uint32_t i = 0; i < batch.count; i++) {
			uint64_t word = 0;
			uint32_t key;

			memcpy(&key, batch.keys + i * batch.key_stride, sizeof(key));
			assert_int_equal(key, seen++);
			memcpy(&word, batch.values + i * batch.value_stride, map->value_size);
			sum += word;
		}
	assert_int_equal(r, 0);
	assert_int_equal(seen, map->max_entries);
	map_reader_release(&reader);
	return sum;
}

/* Mapped words lose no update with concurrent writers and readers. */
static void test_exchange(void **state)
{
	static const struct {
		uint32_t size, entries;
	} cases[] = { { 8, 1 }, { 4, 1 }, { 8, 1000 }, { 4, 70000 } };

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct map map = map_new(BPF_MAP_TYPE_ARRAY, 4, cases[i].size, cases[i].entries,
					 BPF_F_MMAPABLE);
		struct additions additions[2];
		uint64_t added = 0, taken = 0;
		pthread_t threads[2];
		bool stop = false;

		map.memory = map_memory_map(&map);
		assert_non_null(map.memory);
		for (int t = 0; t < 2; t++) {
			additions[t] = (struct additions){ map.memory, cases[i].size,
							   cases[i].entries, &stop, 0 };
			assert_int_equal(
				pthread_create(&threads[t], NULL, add_thread, &additions[t]), 0);
		}
		for (int pass = 0; pass < 20 || !taken; pass++)
			taken += take_rest(&map);
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		for (int t = 0; t < 2; t++) {
			pthread_join(threads[t], NULL);
			added += additions[t].sum;
		}
		assert_int_equal(taken + take_rest(&map), added);
		assert_int_equal(take_rest(&map), 0);
		/* a plain read leaves the values */
		map_put(&map, 0);
		free(read_map(&map, false, false, cases[i].entries, NULL).seen);
		assert_true(take_rest(&map) > 0);
		map_memory_unmap(&map, map.memory);
		close(map.fd);
	}
}

/* Only arrays of whole words are mapped, and only on request. */
static void test_not_mappable(void **state)
{
	static const struct {
		enum bpf_map_type type;
		uint32_t size, flags;
		bool possible;
	} cases[] = {
		{ BPF_MAP_TYPE_ARRAY, 8, BPF_F_MMAPABLE, true },
		{ BPF_MAP_TYPE_ARRAY, 4, BPF_F_MMAPABLE, true },
		{ BPF_MAP_TYPE_ARRAY, 8, 0, false },
		{ BPF_MAP_TYPE_ARRAY, 2, BPF_F_MMAPABLE, false },
		{ BPF_MAP_TYPE_ARRAY, 16, BPF_F_MMAPABLE, false },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0, false },
		{ BPF_MAP_TYPE_HASH, 8, 0, false },
	};

	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct map map = map_new(cases[i].type, 4, cases[i].size, 4, cases[i].flags);
		char *memory = map_memory_map(&map);

		assert_int_equal(memory != NULL, cases[i].possible);
		map_memory_unmap(&map, memory);
		close(map.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_large_bucket),
		cmocka_unit_test(test_taken_once),
		cmocka_unit_test(test_taken_by_many),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_not_taken),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_deleted_meanwhile),
		cmocka_unit_test(test_key_at_hand_deleted),
		cmocka_unit_test(test_pass_ends),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_not_mappable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
