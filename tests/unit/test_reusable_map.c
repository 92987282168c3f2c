/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "program/reusable_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"                                   \
	"#define KEYED(T, K, V, N, F, NAME) struct { __uint(type, BPF_MAP_TYPE_##T);\\\n"          \
	"	__type(key, K); __type(value, V); __uint(max_entries, N);\\\n"                           \
	"	__uint(map_flags, F); } NAME SEC(\".maps\")\n"                                           \
	"#define SHARED __attribute__((btf_decl_tag(\"dynmon:shared\")))\n"
#define TAIL                                                                                       \
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { counted++; return start + counted; }\n"   \
	"char _license[] SEC(\"license\") = \"GPL\";\n"

static const char before[] = HEAD
	"struct pair { __u64 packets; __u64 bytes; };\n"
	"struct flags { __u32 low : 4, high : 28; };\n"
	"KEYED(HASH, __u32, __u64, 8, 0, same);\n"
	"KEYED(HASH, __u32, struct pair, 8, 0, same_struct);\n"
	"KEYED(HASH, __u32, struct pair, 8, 0, renamed);\n"
	"KEYED(HASH, __u32, struct pair, 8, 0, retyped);\n"
	"KEYED(HASH, __u32, struct pair, 8, 0, reordered);\n"
	"KEYED(HASH, struct pair, __u64, 8, 0, key_renamed);\n"
	"KEYED(HASH, __u32, struct flags, 8, 0, bits);\n"
	"KEYED(HASH, __u32, __u32, 8, 0, wider);\n"
	"KEYED(HASH, __u16, __u64, 8, 0, wider_key);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, roomier);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, other_type);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, other_flags);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, other_sign);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, other_words);\n"
	"KEYED(ARRAY, __u32, __u64, 8, 0, mappable);\n"
	"KEYED(PERCPU_ARRAY, __u32, __u64, 8, 0, per_cpu);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, swapped);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, not_swapped_now);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, gone);\n"
	"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring "
	"SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u32); __uint(max_entries, 4); "
	"} queue SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 4); __uint(value_size, 8);\n"
	"	__uint(max_entries, 8); } untyped SEC(\".maps\");\n"
	"int counted; int start = 5;\n" TAIL;

static const char after[] = HEAD
	"struct pair { __u64 packets; __u64 bytes; };\n"
	"struct other_pair { __u64 frames; __u64 bytes; };\n"
	"struct signed_pair { __s64 packets; __u64 bytes; };\n"
	"struct turned_pair { __u64 bytes; __u64 packets; };\n"
	"struct flags { __u32 low : 8, high : 24; };\n"
	"typedef unsigned long long count_t;\n"
	"KEYED(HASH, __u32, __u64, 8, 0, same);\n"
	"KEYED(HASH, __u32, struct pair, 8, 0, same_struct);\n"
	"KEYED(HASH, __u32, struct other_pair, 8, 0, renamed);\n"
	"KEYED(HASH, __u32, struct signed_pair, 8, 0, retyped);\n"
	"KEYED(HASH, __u32, struct turned_pair, 8, 0, reordered);\n"
	"KEYED(HASH, struct other_pair, __u64, 8, 0, key_renamed);\n"
	"KEYED(HASH, __u32, struct flags, 8, 0, bits);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, wider);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, wider_key);\n"
	"KEYED(HASH, __u32, __u64, 9, 0, roomier);\n"
	"KEYED(LRU_HASH, __u32, __u64, 8, 0, other_type);\n"
	"KEYED(HASH, __u32, __u64, 8, BPF_F_NO_PREALLOC, other_flags);\n"
	"KEYED(HASH, __u32, __s64, 8, 0, other_sign);\n"
	"KEYED(HASH, unsigned int, count_t, 8, 0, other_words);\n"
	"KEYED(ARRAY, __u32, __u64, 8, BPF_F_MMAPABLE, mappable);\n"
	"KEYED(PERCPU_ARRAY, __u32, __u64, 8, 0, per_cpu);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, swapped);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, not_swapped_now);\n"
	"KEYED(HASH, __u32, __u64, 8, 0, come);\n"
	"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring "
	"SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u32); __uint(max_entries, 4); "
	"} queue SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 4); __uint(value_size, 8);\n"
	"	__uint(max_entries, 8); } untyped SEC(\".maps\");\n"
	"int counted; int start = 6;\n" TAIL;

/* NULL: the map is reused. */
static const struct {
	const char *map, *why;
} cases[] = {
	{ "same", NULL },
	{ "same_struct", NULL },
	{ "other_words", NULL },
	{ "mappable", NULL },
	{ "per_cpu", NULL },
	{ "queue", NULL },
	{ "untyped", NULL },
	{ "swapped", NULL },
	{ "dynmon.bss", NULL },
	{ "renamed", "the type of its value is another one" },
	{ "retyped", "the type of its value is another one" },
	{ "reordered", "the type of its value is another one" },
	{ "key_renamed", "the type of its key is another one" },
	{ "bits", "the type of its value is another one" },
	{ "other_sign", "the type of its value is another one" },
	{ "wider", "key and value have 4 and 8 bytes now, they had 4 and 4" },
	{ "wider_key", "key and value have 4 and 8 bytes now, they had 2 and 8" },
	{ "roomier", "it has room for 9 entries now, it had for 8" },
	{ "other_type", "it is a lru_hash now, it was a hash" },
	{ "other_flags", "its flags are 0x1 now, they were 0" },
	{ "not_swapped_now", "it is not swapped on read any more" },
	{ "ring", "maps of this kind are made for each program" },
	{ "dynmon.data", "maps of this kind are made for each program" },
};

static struct object *open_source(const char *source)
{
	_cleanup_text_ struct text elf = {};
	struct bpf_program *program;
	struct object *object;

	assert_true(object_compile(source, &elf));
	assert_int_equal(object_open(elf.data, elf.len, "test", &object, NULL), 0);
	assert_int_equal(object_select(object, false, false, NULL, &program, NULL), 0);
	return object;
}

/* Checks which maps are reused, and the reason if not. Reused maps keep their entries. */
static void test_cases(void **state)
{
	_cleanup_(object_unrefp) struct object *old = NULL, *new = NULL;
	_cleanup_(reusable_maps_release) struct reusable_maps reusable_maps = {};
	_cleanup_error_ struct error err = {};
	uint32_t key = 3;
	uint64_t value = 77;

	(void)state;
	old = object_from_source(before);
	if (!old)
		skip();
	object_find_map(old, "swapped")->swapped = true;
	object_find_map(old, "not_swapped_now")->swapped = true;
	assert_int_equal(
		bpf_map_update_elem(object_map_fd(object_find_map(old, "same")), &key, &value, 0),
		0);
	assert_int_equal(reusable_maps_add_object(&reusable_maps, old, INGRESS, false), 0);
	assert_int_equal(reusable_maps.n, old->n_maps);
	new = open_source(after);
	object_find_map(new, "swapped")->swapped = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct object_map *map = object_find_map(new, cases[i].map);
		_cleanup_text_ struct text why = {};
		const struct reusable_map *reusable_map;
		int r;

		if (!map)
			fail_msg("there is no map %s", cases[i].map);
		reusable_map = reusable_maps_find(&reusable_maps, INGRESS, false, map);
		assert_non_null(reusable_map);
		r = reusable_map_use(reusable_map, new, map, &why, &err);
		if (r != !cases[i].why || strcmp(text_str(&why), cases[i].why ?: "") != 0)
			fail_msg("map %s: %d, \"%s\", expected \"%s\"", cases[i].map, r,
				 text_str(&why), cases[i].why ?: "");
		assert_int_equal(map->reused, r);
	}
	assert_null(
		reusable_maps_find(&reusable_maps, INGRESS, false, object_find_map(new, "come")));
	assert_int_equal(object_load(new, true, &err), 0);
	value = 0;
	assert_int_equal(
		bpf_map_lookup_elem(object_map_fd(object_find_map(new, "same")), &key, &value), 0);
	assert_int_equal(value, 77);
	assert_int_not_equal(
		bpf_map_lookup_elem(object_map_fd(object_find_map(new, "wider")), &key, &value), 0);
}

/*
 * A map is looked up on its own direction first, and on the other direction only if both share it.
 * A map of the other copy is never found.
 */
static void test_find(void **state)
{
	static const char source[] = HEAD "KEYED(HASH, __u32, __u64, 8, 0, own);\n"
					  "KEYED(HASH, __u32, __u64, 8, 0, common) SHARED;\n"
					  "int counted, start;\n" TAIL;
	_cleanup_(object_unrefp) struct object *in = object_from_source(source),
					       *out = object_from_source(source), *new = NULL;
	_cleanup_(reusable_maps_release) struct reusable_maps both = {}, egress = {}, second = {};
	struct object_map *own, *common;

	(void)state;
	if (!in || !out)
		skip();
	new = open_source(source);
	own = object_find_map(new, "own");
	common = object_find_map(new, "common");
	assert_int_equal(reusable_maps_add_object(&both, out, EGRESS, false), 0);
	assert_int_equal(reusable_maps_add_object(&both, in, INGRESS, false), 0);
	assert_int_equal(reusable_maps_add_object(&egress, out, EGRESS, false), 0);
	/* a second copy owns only the swapped maps */
	assert_int_equal(reusable_maps_add_object(&second, in, INGRESS, true), 0);
	assert_int_equal(second.n, 0);
	object_find_map(in, "own")->swapped = true;
	assert_int_equal(reusable_maps_add_object(&second, in, INGRESS, true), 0);
	assert_int_equal(reusable_maps_find(&both, INGRESS, false, own)->direction, INGRESS);
	assert_int_equal(reusable_maps_find(&both, EGRESS, false, own)->direction, EGRESS);
	assert_int_equal(reusable_maps_find(&both, INGRESS, false, common)->direction, INGRESS);
	assert_int_equal(reusable_maps_find(&egress, INGRESS, false, common)->direction, EGRESS);
	assert_null(reusable_maps_find(&egress, INGRESS, false, own));
	assert_null(reusable_maps_find(&both, INGRESS, true, own));
	assert_null(reusable_maps_find(&second, INGRESS, false, own));
	assert_non_null(reusable_maps_find(&second, INGRESS, true, own));
	reusable_maps_release(&second);
	assert_null(reusable_maps_find(&second, INGRESS, true, own));
}

/* An entry that owns its descriptor closes it in all cases. */
static void test_owned(void **state)
{
	struct reusable_maps reusable_maps = {};
	struct reusable_map reusable_map = { .name = (char *)"m", .owned = true };

	(void)state;
	skip_without_bpf();
	reusable_map.map.fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 4, 1, NULL);
	assert_true(reusable_map.map.fd >= 0);
	assert_int_equal(reusable_maps_add(&reusable_maps, &reusable_map), 0);
	assert_string_equal(reusable_maps.items[0].name, "m");
	reusable_maps_release(&reusable_maps);
	assert_int_equal(reusable_maps.n, 0);
	assert_int_equal(fcntl(reusable_map.map.fd, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_owned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
