/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "base/self_counter.h"
#include "dataplane/cache.h"
#include "fixture.h"

static const struct compile_target target = { INGRESS, false, "off", 1 };

static void store(struct cache *cache, uint64_t began, const char *source, const char *object)
{
	_cleanup_text_ struct text code = {}, elf = {}, said = {};

	text_adds(&code, source);
	text_adds(&elf, object);
	text_adds(&said, "careful\n");
	cache_store(cache, began, &target, "x.c", &code, &elf, &said);
}

/* object: NULL if no hit is expected. */
static void expect(struct cache *cache, uint64_t since, const char *source, const char *object)
{
	_cleanup_text_ struct text code = {}, elf = {}, said = {};
	bool found;

	text_adds(&code, source);
	found = cache_find(cache, since, &target, "x.c", &code, &elf, &said);
	assert_int_equal(found, object != NULL);
	assert_string_equal(text_str(&elf), object ? object : "");
	assert_string_equal(text_str(&said), object ? "careful\n" : "");
}

/* A result is shared only with earlier requests, since headers may change. */
static void test_since(void **state)
{
	struct cache *cache = cache_new();
	uint64_t before = clock_now_ns(), began, after;

	(void)state;
	cache_begin(cache);
	began = clock_now_ns() + 1;
	store(cache, began, "a", "old");
	after = began + 1;
	expect(cache, before, "a", "old");
	expect(cache, began, "a", "old");
	expect(cache, after, "a", NULL);
	expect(cache, before, "b", NULL);
	/* a newer result replaces it */
	store(cache, after, "a", "new");
	expect(cache, before, "a", "new");
	expect(cache, after, "a", "new");
	cache_end(cache);
	cache_free(cache);
}

/* The cache is emptied with the last request; compilations begun before are not stored. */
static void test_forget(void **state)
{
	struct cache *cache = cache_new();
	uint64_t began = clock_now_ns();

	(void)state;
	store(cache, began, "a", "nobody asks");
	cache_begin(cache);
	expect(cache, 0, "a", NULL);
	cache_begin(cache);
	store(cache, clock_now_ns() + 1, "a", "object");
	cache_end(cache);
	expect(cache, 0, "a", "object");
	cache_forget(cache);
	expect(cache, 0, "a", NULL);
	store(cache, began, "a", "too old");
	expect(cache, 0, "a", NULL);
	store(cache, clock_now_ns() + 1, "a", "object");
	cache_end(cache);
	cache_begin(cache);
	expect(cache, 0, "a", NULL);
	cache_end(cache);
	cache_free(cache);
}

/* A result that exceeds the limit is not stored. */
static void test_full(void **state)
{
	struct cache *cache = cache_new();
	char source[16];

	(void)state;
	cache_begin(cache);
	for (int i = 0; i <= CACHE_OBJECTS_MAX; i++) {
		snprintf(source, sizeof(source), "%d", i);
		store(cache, clock_now_ns() + 1, source, "object");
	}
	expect(cache, 0, "0", "object");
	snprintf(source, sizeof(source), "%d", CACHE_OBJECTS_MAX);
	expect(cache, 0, source, NULL);
	store(cache, clock_now_ns() + 2, "0", "newer");
	expect(cache, 0, "0", "newer");
	cache_end(cache);
	cache_free(cache);
	/* without a cache */
	cache_begin(NULL);
	store(NULL, 0, "a", "object");
	expect(NULL, 0, "a", NULL);
	cache_forget(NULL);
	cache_end(NULL);
	assert_null(cache_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
