/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <time.h>

#define PROGRAM                                                                                    \
	"SEC(\"tc\") int f(void *c) { return (int)(dynmon_epoch_base + other); }\n"                \
	"char l[] SEC(\"license\") = \"GPL\";\n"
#define HEAD "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"

/* Reads the object's constants back from the kernel. */
static void constants(const char *source, uint64_t values[2])
{
	_cleanup_(object_unrefp) struct object *object = object_from_source(source);
	struct object_map *map;
	struct map shape;
	uint32_t zero = 0;
	char bytes[64] = {};

	if (!object)
		skip();
	map = object_find_map(object, "dynmon.rodata");
	assert_non_null(map);
	assert_int_equal(object_map_describe(map, &shape, NULL), 0);
	assert_true(shape.value_size <= sizeof(bytes));
	assert_int_equal(bpf_map_lookup_elem(shape.fd, &zero, bytes), 0);
	memcpy(values, bytes, 2 * sizeof(*values));
}

static uint64_t now(void)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &up);
	return (uint64_t)(wall.tv_sec - up.tv_sec) * 1000000000 +
	       (uint64_t)(wall.tv_nsec - up.tv_nsec);
}

/* Static variables (as in the dialect) and global ones: libbpf locates them differently. */
static void test_set(void **state)
{
	static const char *const sources[] = {
		HEAD "static const volatile __u64 other = 7, dynmon_epoch_base = 5;\n" PROGRAM,
		HEAD "const volatile __u64 other = 7, dynmon_epoch_base = 5;\n" PROGRAM,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		uint64_t values[2];
		bool first;

		constants(sources[i], values);
		first = values[0] != 7;
		assert_int_equal(values[first], 7);
		/* allows for preemption between the two clock readings */
		assert_true(llabs((long long)(values[!first] - now())) < 3600 * 1000000000LL);
	}
}

/* A variable of the same name but another type is not changed. */
static void test_left(void **state)
{
	uint64_t values[2];

	(void)state;
	constants(HEAD "const volatile __u32 dynmon_epoch_base[4] = { 5, 5, 5, 5 };\n"
		       "SEC(\"tc\") int f(void *c) { return dynmon_epoch_base[1]; }\n"
		       "char l[] SEC(\"license\") = \"GPL\";\n",
		  values);
	assert_int_equal(values[0], 5ULL << 32 | 5);
	assert_int_equal(values[1], 5ULL << 32 | 5);
}

/* The second copy of a swapped program has the constants of the first one. */
static void test_reused(void **state)
{
	static const char source[] =
		HEAD "static const volatile __u64 other = 7, dynmon_epoch_base = 5;\n" PROGRAM;
	_cleanup_(object_unrefp) struct object *first = object_from_source(source), *second = NULL;
	_cleanup_text_ struct text elf = {};
	_cleanup_error_ struct error err = {};
	struct bpf_program *program;
	struct object_map *map;
	int fd;

	(void)state;
	if (!first)
		skip();
	assert_true(object_compile(source, &elf));
	assert_int_equal(object_open(elf.data, elf.len, "second", &second, &err), 0);
	assert_int_equal(object_select(second, false, false, NULL, &program, &err), 0);
	map = object_find_map(second, "dynmon.rodata");
	assert_non_null(map);
	fd = object_map_fd(object_find_map(first, "dynmon.rodata"));
	assert_int_equal(object_map_reuse(map, fd, &err), 0);
	if (object_load(second, false, &err) < 0)
		fail_msg("%s", error_message(&err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
