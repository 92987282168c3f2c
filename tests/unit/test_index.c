/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/index.h"
#include "base/siphash.h"
#include "fixture.h"

/*
 * Reference vectors of the SipHash authors: key and input are ascending bytes, as in appendix A of
 * the paper and in the reference code.
 */
static void test_vectors(void **state)
{
	const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	const char bytes[15] = "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16";

	(void)state;
	assert_int_equal(siphash(key, bytes, 15), 0xa129ca6149be45e5);
	assert_int_equal(siphash(key, bytes, 0), 0x726fdb47dd0e0e31);
	assert_int_equal(siphash(key, bytes, 8), 0x93f5f5799a932462);
}

struct entry {
	uint64_t before;
	uint32_t key[3];
	uint32_t after;
};

static struct index_keys keys_of(const struct entry *entries)
{
	return (struct index_keys){
		.first = (const char *)entries->key,
		.stride = sizeof(*entries),
		.size = sizeof(entries->key),
	};
}

#define COUNT 5000

static void fill(struct index *index, struct entry *entries)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t *slot;

		entries[i] = (struct entry){ .key = { i % 7, i / 7, 0 }, .after = i };
		assert_int_equal(index_reserve(index, keys_of(entries), i, 1), 0);
		assert_true(index->n_slots >= 2 * ((size_t)i + 1));
		slot = index_slot(index, keys_of(entries), (const char *)entries[i].key);
		assert_int_equal(*slot, 0);
		*slot = i + 1;
	}
}

static void test_find(void **state)
{
	struct entry *entries = calloc(COUNT, sizeof(*entries));
	const uint32_t strange[3] = { 0, 0, 1 };
	struct index index = {};
	struct index_keys keys;

	(void)state;
	assert_non_null(entries);
	keys = keys_of(entries);
	fill(&index, entries);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(*index_slot(&index, keys, (const char *)entries[i].key), i + 1);
	assert_int_equal(*index_slot(&index, keys, (const char *)strange), 0);
	/* Removes half of the keys. */
	index_refill(&index, keys, COUNT / 2);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(*index_slot(&index, keys, (const char *)entries[i].key),
				 i < COUNT / 2 ? i + 1 : 0);
	index_release(&index);
	free(entries);
}

/* The position of a key must be unpredictable. */
static void test_seed(void **state)
{
	struct entry *entries = calloc(COUNT, sizeof(*entries));
	struct index a = {}, b = {};

	(void)state;
	assert_non_null(entries);
	fill(&a, entries);
	fill(&b, entries);
	assert_int_equal(a.n_slots, b.n_slots);
	assert_memory_not_equal(a.slots, b.slots, a.n_slots * sizeof(*a.slots));
	index_release(&a);
	index_release(&b);
	free(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
