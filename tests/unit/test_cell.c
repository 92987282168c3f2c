/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/cell.h"
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <linux/types.h>\n#include <bpf/bpf_helpers.h>\n"
	"#include <stdbool.h>\n"
	"struct inner { __u16 low; __s32 high; };\n"
	"struct all { __u8 u8; __s8 s8; __u16 u16; __s16 s16; __u32 u32; __s32 s32; __u64 u64;\n"
	"	__s64 s64; bool on; float f; double d; struct inner in; __u8 bytes[3];\n"
	"	__u32 few : 3; };\n"
	"struct __attribute__((packed)) odd { __u8 before; __u32 number; __u8 after; };\n"
	"struct key { __u32 addr; __u16 port; __s8 sign; __u8 pad; };\n"
	"struct prefix { __u32 bits; __u32 addr; };\n"
	"enum kind { NONE, SOME };\n"
	"#define MAP(map, kind, k, v, n, flags) struct { __uint(type, BPF_MAP_TYPE_##kind);\\\n"
	"	__type(key, k); __type(value, v); __uint(max_entries, n);\\\n"
	"	__uint(map_flags, flags); } map SEC(\".maps\");\n"
	"MAP(plain, ARRAY, __u32, __u32, 4, 0)\n"
	"MAP(mapped, ARRAY, __u32, struct all, 300, BPF_F_MMAPABLE)\n"
	"MAP(packed, ARRAY, __u32, struct odd, 3, BPF_F_MMAPABLE)\n"
	"MAP(structs, ARRAY, __u32, struct all, 2, 0)\n"
	"MAP(cpus, PERCPU_ARRAY, __u32, struct all, 2, 0)\n"
	"MAP(hash, HASH, struct key, struct all, 2, 0)\n"
	"MAP(small, HASH, __s8, __u64, 4, 0)\n"
	"MAP(wide, HASH, __u64, __u64, 4, 0)\n"
	"MAP(kinds, HASH, enum kind, __u64, 4, 0)\n"
	"MAP(lru, LRU_HASH, __u32, __u16, 4, 0)\n"
	"MAP(trie, LPM_TRIE, struct prefix, __u64, 4, BPF_F_NO_PREALLOC)\n"
	"MAP(text, HASH, __u32, char[8], 4, 0)\n"
	"MAP(readonly, ARRAY, __u32, __u64, 1, BPF_F_RDONLY)\n"
	"struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u32);\n"
	"	__uint(max_entries, 4); } queue SEC(\".maps\");\n"
	"SEC(\"tc\") int nothing(struct __sk_buff *skb) { return -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

struct inner {
	uint16_t low;
	int32_t high;
};

struct all {
	uint8_t u8;
	int8_t s8;
	uint16_t u16;
	int16_t s16;
	uint32_t u32;
	int32_t s32;
	uint64_t u64;
	int64_t s64;
	bool on;
	float f;
	double d;
	struct inner in;
	uint8_t bytes[3];
	uint32_t few : 3;
};

struct key {
	uint32_t addr;
	uint16_t port;
	int8_t sign;
	uint8_t pad;
};

static struct object *object;

#define skip_without_object()                                                                      \
	do {                                                                                       \
		if (!object)                                                                       \
			skip();                                                                    \
	} while (0)

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

static int map_fd(const char *name)
{
	return object_map_fd(object_find_map(object, name));
}

/* Opens the cell named by the words and sets it; the test fails if it does not exist. */
static void set(const char *map, const char *key, const char *field, double value)
{
	const struct cell_place place = { map, key, field };
	_cleanup_error_ struct error err = {};
	struct cell cell;

	if (cell_init(&cell, object, &place, &err) < 0)
		fail_msg("%s", error_message(&err));
	assert_int_equal(cell_set(&cell, value), 0);
	cell_release(&cell);
}

static void refuses(const char *map, const char *key, const char *field, int code,
		    const char *words)
{
	const struct cell_place place = { map, key, field };
	_cleanup_error_ struct error err = {};
	struct cell cell;

	assert_int_equal(cell_init(&cell, object, &place, &err), code);
	assert_true(contains(error_message(&err), words));
}

/* -- numbers -- */

static const struct {
	enum plan_kind kind;
	uint32_t size;
	double value;
	uint64_t bits; /* the bytes as a number */
} encodings[] = {
	{ PLAN_UNSIGNED, 1, 0.49, 0 },
	{ PLAN_UNSIGNED, 1, 0.5, 1 },
	{ PLAN_UNSIGNED, 1, 254.6, 255 },
	{ PLAN_UNSIGNED, 1, 256, 255 },
	{ PLAN_UNSIGNED, 1, -3, 0 },
	{ PLAN_UNSIGNED, 2, 65535.4, 65535 },
	{ PLAN_UNSIGNED, 2, 1e9, 65535 },
	{ PLAN_UNSIGNED, 4, 4294967295.0, UINT32_MAX },
	{ PLAN_UNSIGNED, 4, 4294967296.0, UINT32_MAX },
	{ PLAN_UNSIGNED, 8, 9007199254740992.0, 9007199254740992u },
	{ PLAN_UNSIGNED, 8, 0x1p63, 0x8000000000000000u },
	{ PLAN_UNSIGNED, 8, 0x1p64, UINT64_MAX },
	{ PLAN_UNSIGNED, 8, INFINITY, UINT64_MAX },
	{ PLAN_UNSIGNED, 8, -INFINITY, 0 },
	{ PLAN_SIGNED, 1, 127.4, 127 },
	{ PLAN_SIGNED, 1, 128, 127 },
	{ PLAN_SIGNED, 1, -128, 0x80 },
	{ PLAN_SIGNED, 1, -129, 0x80 },
	{ PLAN_SIGNED, 1, -0.5, 0xff },
	{ PLAN_SIGNED, 2, -40000, 0x8000 },
	{ PLAN_SIGNED, 4, -1, UINT32_MAX },
	{ PLAN_SIGNED, 4, 0x1p31, INT32_MAX },
	{ PLAN_SIGNED, 8, -0x1p63, 0x8000000000000000u },
	{ PLAN_SIGNED, 8, -0x1p64, 0x8000000000000000u },
	{ PLAN_SIGNED, 8, 0x1p63, INT64_MAX },
	{ PLAN_SIGNED, 8, INFINITY, INT64_MAX },
	{ PLAN_BOOL, 1, 0.4, 0 },
	{ PLAN_BOOL, 1, -2, 1 },
	{ PLAN_FLOAT, 4, 0.5, 0x3f000000 },
	{ PLAN_FLOAT, 8, 0.5, 0x3fe0000000000000u },
};

static void test_numbers_are_rounded_and_clamped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
		unsigned char bytes[9] = { 0 };
		uint64_t bits = 0;

		bytes[encodings[i].size] = 0xa5;
		cell_encode(encodings[i].kind, encodings[i].size, encodings[i].value, bytes);
		memcpy(&bits, bytes, encodings[i].size);
		if (encodings[i].size == 1)
			bits = bytes[0];
		if (bits != encodings[i].bits)
			print_error("row %zu\n", i);
		assert_int_equal(bits, encodings[i].bits);
		assert_int_equal(bytes[encodings[i].size], 0xa5);
	}
}

/* -- values -- */

static struct all get(const char *map, uint32_t index)
{
	struct all all;

	assert_int_equal(bpf_map_lookup_elem(map_fd(map), &index, &all), 0);
	return all;
}

static void set_fields(const char *map, const char *key)
{
	set(map, key, "u8", 300);
	set(map, key, "s8", -7);
	set(map, key, "u16", 40000);
	set(map, key, "s16", -40000);
	set(map, key, "u32", 5e9);
	set(map, key, "s32", -2.5);
	set(map, key, "u64", 1e12);
	set(map, key, "s64", -1e12);
	set(map, key, "on", 1);
	set(map, key, "f", 0.25);
	set(map, key, "d", 0.1);
	set(map, key, "in.low", 9);
	set(map, key, "in_high", -9);
}

static void check_fields(const struct all *all)
{
	assert_int_equal(all->u8, 255);
	assert_int_equal(all->s8, -7);
	assert_int_equal(all->u16, 40000);
	assert_int_equal(all->s16, -32768);
	assert_int_equal(all->u32, UINT32_MAX);
	assert_int_equal(all->s32, -3);
	assert_int_equal(all->u64, 1000000000000);
	assert_int_equal(all->s64, -1000000000000);
	assert_true(all->on);
	assert_true(all->f == 0.25f);
	assert_true(all->d == 0.1);
	assert_int_equal(all->in.low, 9);
	assert_int_equal(all->in.high, -9);
	assert_int_equal(all->bytes[0] + all->few, 0);
}

static void test_fields_of_a_struct(void **state)
{
	struct all all;

	(void)state;
	skip_without_object();
	set_fields("structs", "1");
	all = get("structs", 1);
	check_fields(&all);
	assert_int_equal(get("structs", 0).u8, 0);
}

/* The entry is not on the first page of the mapping. */
static void test_fields_in_mapped_memory(void **state)
{
	const struct cell_place place = { "mapped", "299", "u32" };
	struct cell cell;
	struct all all;

	(void)state;
	skip_without_object();
	set_fields("mapped", "299");
	all = get("mapped", 299);
	check_fields(&all);
	assert_int_equal(get("mapped", 298).u8, 0);
	assert_int_equal(cell_init(&cell, object, &place, NULL), 0);
	assert_non_null(cell.at); /* otherwise the following checks prove nothing */
	all.u64 = 77;
	assert_int_equal(bpf_map_update_elem(map_fd("mapped"), &(uint32_t){ 299 }, &all, 0), 0);
	assert_int_equal(cell_set(&cell, 8), 0);
	assert_int_equal(get("mapped", 299).u64, 77);
	assert_int_equal(get("mapped", 299).u32, 8);
	cell_release(&cell);
}

static void test_a_field_that_is_not_aligned(void **state)
{
	unsigned char bytes[6];

	(void)state;
	skip_without_object();
	set("packed", "2", "number", 0x04030201);
	assert_int_equal(bpf_map_lookup_elem(map_fd("packed"), &(uint32_t){ 2 }, bytes), 0);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[5], 0);
	assert_int_equal(bytes[1] + bytes[2] + bytes[3] + bytes[4], 10);
}

static void test_every_cpu_gets_it(void **state)
{
	const uint32_t one = 1;
	struct all *all;

	(void)state;
	skip_without_object();
	all = calloc(map_cpus(), (sizeof(*all) + 7) & ~7ul);
	set("cpus", "1", "u16", 12);
	assert_int_equal(bpf_map_lookup_elem(map_fd("cpus"), &one, all), 0);
	for (unsigned int i = 0; i < map_cpus(); i++)
		assert_int_equal(
			((struct all *)((char *)all + i * ((sizeof(*all) + 7) & ~7ul)))->u16, 12);
	free(all);
}

/* -- keys -- */

static void test_struct_keys_make_entries(void **state)
{
	const struct key key = { .addr = 4000000000, .port = 53, .sign = -128 };
	const struct cell_place third = { "hash", "{\"port\": 3}", "u8" };
	struct all all;
	struct cell cell;

	(void)state;
	skip_without_object();
	set("hash", "{\"addr\": 4000000000, \"port\": 53, \"sign\": -128}", "u16", 7);
	set("hash", "{\"addr\": 4000000000, \"port\": 53, \"sign\": -128}", "u32", 8);
	assert_int_equal(bpf_map_lookup_elem(map_fd("hash"), &key, &all), 0);
	assert_int_equal(all.u16, 7);
	assert_int_equal(all.u32, 8);
	assert_int_equal(all.u64, 0);
	set("hash", "{}", "u8", 1);
	assert_int_equal(cell_init(&cell, object, &third, NULL), 0);
	assert_int_equal(cell_set(&cell, 1), -E2BIG);
	cell_release(&cell);
}

static uint64_t lookup(const char *map, const void *key)
{
	uint64_t value = 0;

	assert_int_equal(bpf_map_lookup_elem(map_fd(map), key, &value), 0);
	return value;
}

static void test_keys_of_one_number(void **state)
{
	(void)state;
	skip_without_object();
	set("small", "-128", NULL, 1);
	assert_int_equal(lookup("small", &(int8_t){ -128 }), 1);
	set("wide", "18446744073709551615", NULL, 2);
	assert_int_equal(lookup("wide", &(uint64_t){ UINT64_MAX }), 2);
	set("kinds", "1", NULL, 3);
	assert_int_equal(lookup("kinds", &(uint32_t){ 1 }), 3);
	set("lru", "7", NULL, 70000);
	assert_int_equal(lookup("lru", &(uint32_t){ 7 }), 65535);
	set("trie", "{\"bits\": 8, \"addr\": 10}", NULL, 4);
	assert_int_equal(lookup("trie", ((uint32_t[]){ 8, 10 })), 4);
	set("plain", "3", NULL, 5);
	set("plain", " 2 ", "value", 6);
	assert_int_equal(lookup("plain", &(uint32_t){ 3 }), 5);
	assert_int_equal(lookup("plain", &(uint32_t){ 2 }), 6);
}

static void test_what_is_not_there(void **state)
{
	(void)state;
	skip_without_object();
	refuses("nosuch", "0", NULL, -ENOENT,
		"there is no map \"nosuch\"; there are plain, mapped");
	refuses("plain", "4", NULL, -EINVAL,
		"map plain: key: expected an index from 0 to 3, found 4");
	refuses("plain", "-1", NULL, -EINVAL, "key: -1 does not fit into a number of 4 bytes");
	refuses("plain", "0", "rate", -EINVAL, "the value is a number without fields");
	refuses("plain", "{\"rate\": 1}", NULL, -ENOENT, "there is no field \"rate\"");
	refuses("structs", "0", NULL, -EINVAL,
		"the value is a struct: expected one of its fields, u8");
	refuses("structs", "0", "rate", -ENOENT,
		"the value has no field \"rate\"; there are u8, s8");
	refuses("structs", "0", "bytes", -ENOENT, "no number can be set in field \"bytes\"");
	refuses("structs", "0", "few", -ENOENT, "no number can be set in field \"few\"");
	refuses("text", "0", NULL, -EINVAL, "the value is not a number");
	refuses("hash", "0", "u8", -EINVAL, "with fields of addr, port, sign, pad, found 0");
	refuses("hash", "{\"adr\": 1}", "u8", -ENOENT,
		"key: there is no field \"adr\"; there are addr, port, sign, pad");
	refuses("hash", "{\"port\": 65536}", "u8", -EINVAL,
		"key: port: 65536 does not fit into a number of 2 bytes");
	refuses("hash", "{\"sign\": -129}", "u8", -EINVAL,
		"key: sign: -129 does not fit into a signed number of 1 bytes");
	refuses("hash", "{\"sign\": 128}", "u8", -EINVAL, "does not fit");
	refuses("hash", "{\"port\": \"http\"}", "u8", -EINVAL,
		"expected an integer, found \"http\"");
	refuses("queue", "0", NULL, -EOPNOTSUPP,
		"a map of type queue has no entries that can be set");
	refuses("readonly", "0", NULL, -EPERM, "the map is read-only");
}

static const struct {
	const char *text;
	bool good;
} keys[] = {
	{ "0", true },
	{ "-5", true },
	{ " 12 ", true },
	{ "18446744073709551615", true },
	{ "{}", true },
	{ "{\"a\": 1, \"b\": -2}", true },
	{ "", false },
	{ "x", false },
	{ "1 2", false },
	{ "1.5", false },
	{ "\"1\"", false },
	{ "[1]", false },
	{ "null", false },
	{ "{\"a\": 1.5}", false },
	{ "{\"a\": {}}", false },
	{ "{\"a\": 1} x", false },
	{ "{", false },
};

static void test_texts_of_keys(void **state)
{
	char *far = calloc(1, CELL_KEY_MAX + 2);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_error_ struct error err = {};

		if ((cell_check_key(keys[i].text, &err) == 0) != keys[i].good)
			fail_msg("%s", keys[i].text);
		assert_true(keys[i].good || contains(error_message(&err), "expected an integer"));
	}
	memset(far, ' ', CELL_KEY_MAX);
	far[CELL_KEY_MAX - 1] = '1';
	assert_int_equal(cell_check_key(far, NULL), 0);
	far[CELL_KEY_MAX] = '1';
	assert_int_equal(cell_check_key(far, NULL), -EINVAL);
	free(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_rounded_and_clamped),
		cmocka_unit_test(test_fields_of_a_struct),
		cmocka_unit_test(test_fields_in_mapped_memory),
		cmocka_unit_test(test_a_field_that_is_not_aligned),
		cmocka_unit_test(test_every_cpu_gets_it),
		cmocka_unit_test(test_struct_keys_make_entries),
		cmocka_unit_test(test_keys_of_one_number),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_texts_of_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
