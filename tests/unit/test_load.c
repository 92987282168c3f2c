/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects with the declarations of common programs: loaded with a remark, or rejected with a
 * reason. */
#include "base/file.h"
#include "decode/cell.h"
#include "fixture.h"
#include "program/load.h"

#include <bpf/bpf.h>
#include <errno.h>

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"                                   \
	"#define ARRAY(NAME, ...) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32);"  \
	"	__type(value, __u64); __uint(max_entries, 4); __VA_ARGS__ } NAME "                       \
	"SEC(\".maps\");\n"                                                                        \
	"static __u64 *at(void *map) { __u64 key = 0; return bpf_map_lookup_elem(map, &key); }\n"
#define TAIL "char _license[] SEC(\"license\") = \"GPL\";\n"

#define VARIABLES                                                                                  \
	HEAD "#include <stdbool.h>\n#include <linux/types.h>\n"                                    \
	     "enum mode { OFF, ALL = 7 };\n"                                                       \
	     "struct filter { __u32 ifindex; struct { __be16 port; } l4; };\n"                     \
	     "const volatile bool on;\nconst volatile __s8 delta = 1;\n"                           \
	     "const volatile __u16 port;\nconst volatile enum mode mode;\n"                        \
	     "const volatile char name[8] = \"before\";\nconst volatile struct filter filter;\n"   \
	     "const volatile __u64 list[2];\nstatic const volatile int own = 1;\n"                 \
	     "ARRAY(a)\n"                                                                          \
	     "SEC(\"tc\") int f(void *ctx) { return !at(&a) + on + delta + port + mode + "         \
	     "name[0]\n"                                                                           \
	     "	+ filter.ifindex + filter.l4.port + list[1] + own; }\n" TAIL
/* The values of these variables in the kernel. */
#define VALUES(delta, name, on, port, mode, ifindex, l4)                                           \
	"{\"delta\":" delta ",\"name\":[" name "],\"on\":" on ",\"port\":" port ",\"mode\":" mode  \
	",\"filter\":{\"ifindex\":" ifindex ",\"l4\":{\"port\":" l4 "}},"

#define CALLS                                                                                      \
	HEAD "SEC(\"tc\") int called(struct __sk_buff *skb) { return -1; }\n"                      \
	     "SEC(\"classifier/tail\") int tail(struct __sk_buff *skb) { return -1; }\n"           \
	     "struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2);\n"           \
	     "	__type(key, __u32); __array(values, int(void *)); } calls SEC(\".maps\") = {\n"     \
	     "	.values = { (void *)&called, (void *)&tail } };\n"                                  \
	     "SEC(\"tc\") int entry(struct __sk_buff *skb) {\n"                                    \
	     "	bpf_tail_call(skb, &calls, 0); return -1; }\n" TAIL
#define TWO(one, two)                                                                              \
	HEAD "SEC(\"" one "\") int f(void *ctx) { return 0; }\n"                                   \
	     "SEC(\"" two "\") int g(void *ctx) { return 1; }\n" TAIL

#define BIG(kind, entries, flags)                                                                  \
	HEAD "struct { __uint(type, BPF_MAP_TYPE_" kind "); __type(key, __u64);\n"                 \
	     "	__type(value, char[16384]); __uint(max_entries, " entries ");\n"                   \
	     "	__uint(map_flags, " flags "); } big SEC(\".maps\");\n"                             \
	     "SEC(\"tc\") int f(void *ctx) { return !at(&big); }\n" TAIL

/* The keys of the direction besides the code, and the expected part of the report or of the error.
 */
static const struct {
	const char *source, *keys, *report, *error, *variables, *program;
} cases[] = {
	{ HEAD "ARRAY(a, __uint(pinning, LIBBPF_PIN_BY_NAME);)\n"
	       "ARRAY(b, __uint(pinning, LIBBPF_PIN_BY_NAME);) ARRAY(c)\n"
	       "SEC(\"tc\") int f(void *ctx) { return !at(&a) + !at(&b) + !at(&c); }\n" TAIL,
	  "", "ingress: LIBBPF_PIN_BY_NAME is ignored, the monitor has its own maps: a, b\n",
	  NULL },
	{ HEAD "ARRAY(a)\nSEC(\"tc\") int f(void *ctx) { return !at(&a); }\n" TAIL, "", "", NULL },
	{ HEAD
	  "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);\n"
	  "__uint(max_entries, 4); } a SEC(\".maps\")\n"
	  "	__attribute__((btf_decl_tag(\"dynmon:pin=/tmp/a\")));\n"
	  "SEC(\"tc\") int f(void *ctx) { return !at(&a); }\n" TAIL,
	  "", "", "map a: invalid pin path \"/tmp/a\": expected a path below /sys/fs/bpf/" },
	{ VARIABLES, "", "", NULL,
	  VALUES("1", "98,101,102,111,114,101,0,0", "false", "0", "0", "0", "0") },
	{ VARIABLES,
	  ",\"variables\":{\"on\":true,\"delta\":-128,\"port\":\"0xffff\",\"mode\":\"ALL\","
	  "\"name\":\"eth0\",\"filter.ifindex\":4294967295,\"filter.l4.port\":53}",
	  "", NULL,
	  VALUES("-128", "101,116,104,48,0,0,0,0", "true", "65535", "7", "4294967295", "13568") },
	{ VARIABLES, ",\"variables\":{\"mode\":3}", "", NULL,
	  VALUES("1", "98,101,102,111,114,101,0,0", "false", "0", "3", "0", "0") },
	{ VARIABLES, ",\"variables\":{\"nosuch\":1}", "",
	  "ingress-path: variable \"nosuch\" does not exist; the code has the variables: " },
	{ VARIABLES, ",\"variables\":{\"own\":5}", "", NULL, "\"own\":5}" },
	{ VARIABLES, ",\"variables\":{\"on\":1}", "",
	  "variable \"on\": expected true or false, found \"1\"" },
	{ VARIABLES, ",\"variables\":{\"port\":65536}", "",
	  "variable \"port\": expected an integer from 0 to 65535, found \"65536\"" },
	{ VARIABLES, ",\"variables\":{\"port\":true}", "",
	  "variable \"port\": expected an integer from 0 to 65535, found \"true\"" },
	{ VARIABLES, ",\"variables\":{\"delta\":-129}", "",
	  "variable \"delta\": expected an integer from -128 to 127, found \"-129\"" },
	{ VARIABLES, ",\"variables\":{\"mode\":\"SOME\"}", "",
	  "variable \"mode\": expected one of OFF, ALL, found \"SOME\"" },
	{ VARIABLES, ",\"variables\":{\"name\":\"12345678\"}", "",
	  "variable \"name\": expected at most 7 bytes of text, found \"12345678\"" },
	{ VARIABLES, ",\"variables\":{\"filter\":1}", "",
	  "variable \"filter\" is a struct, set its members; there are filter.ifindex, "
	  "filter.l4_port" },
	{ VARIABLES, ",\"variables\":{\"filter.nosuch\":1}", "",
	  "variable \"filter.nosuch\" has no such member; there are filter.ifindex" },
	{ VARIABLES, ",\"variables\":{\"list\":1}", "",
	  "variable \"list\": its type cannot be set; these can: integers, bool, enums and arrays "
	  "of char" },
	{ VARIABLES, ",\"variables\":{\"on\":1.5}", "",
	  "ingress-path.variables.on: expected true, false, an integer or a string, found 1.5" },
	{ VARIABLES, ",\"maps\":{\"nosuch\":{}}", "",
	  "ingress-path: maps: map \"nosuch\" does not exist; the code has: a" },
	{ VARIABLES, ",\"maps\":{\"dynmon.rodata\":{\"max-entries\":2}}", "",
	  "maps: map dynmon.rodata holds variables, set these with \"variables\"" },
	{ VARIABLES, ",\"maps\":{\"a\":{\"max-entries\":0}}", "",
	  "ingress-path.maps.a.max-entries: expected a number of entries from 1 to 4294967295" },
	{ VARIABLES, ",\"maps\":{\"a\":{\"pin\":\"/tmp/a\"}}", "",
	  "map a: invalid pin path \"/tmp/a\": expected a path below /sys/fs/bpf/" },
	{ CALLS, "", "", NULL, .program = "entry" },
	{ CALLS, ",\"program\":\"called\"", "", NULL, .program = "called" },
	{ TWO("?tc", "tc"), "", "", NULL, .program = "g" },
	{ TWO("?tc", "tc"), ",\"program\":\"f\"", "", NULL, .program = "f" },
	{ TWO("?tc", "?tc"), "", "",
	  "no tc program for ingress; the object has: f (SEC \"tc\", only if named), g" },
	{ TWO("tc-ingress", "xdp"), "", "", NULL, .program = "f" },
	{ TWO("tc-ingress", "tc-egress"), "", "",
	  "several programs fit the ingress direction, \"program\" must name one of: "
	  "f (SEC \"tc-ingress\"), g (SEC \"tc-egress\")" },
	{ TWO("tc-ingress", "tc-egress"), ",\"program\":\"g\"", "", NULL, .program = "g" },
	{ TWO("tc-ingress", "tc"), "", "", NULL, .program = "g" },
	{ BIG("HASH", "0", "0"), "", "", "map big has room for no entries; set \"max-entries\"" },
	{ BIG("HASH", "0", "0"), ",\"maps\":{\"big\":{\"max-entries\":8}}", "", NULL },
	{ BIG("HASH", "200000", "BPF_F_NO_PREALLOC"), "", "", NULL },
	{ BIG("LPM_TRIE", "200000", "BPF_F_NO_PREALLOC"), "", "", NULL },
	{ BIG("HASH", "400000000", "BPF_F_NO_PREALLOC"), "", "",
	  "map big: its entries need 6400000000 bytes, the limit is 2147483648" },
	{ BIG("HASH", "200000", "0"), "", "",
	  "map big: its entries need 3278400000 bytes, the limit is 2147483648" },
};

static int find_none(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

/* Checks the JSON of the read-only variables. */
static void check_variables(const struct generation *generation, const char *part)
{
	const struct object *object = generation->directions[INGRESS].object;
	const struct object_map *map = object_find_map(object, "dynmon.rodata");
	_cleanup_text_ struct text json = {};
	struct map shape = object_map_shape(map);
	char *value = calloc(1, shape.value_size);
	struct plan plan;
	uint32_t key = 0;

	assert_int_equal(bpf_map_lookup_elem(shape.fd, &key, value), 0);
	must(plan_init(&plan, object_btf(object), map->value_type, shape.value_size, NULL), NULL);
	plan_json(&plan, value, &json);
	assert_true(contains(text_str(&json), part));
	plan_release(&plan);
	free(value);
}

/* Loads the source, and the direction's further keys. Returns as generation_load(). */
static int load(const char *source, const char *keys, struct generation **ret, struct text *report,
		struct error *err)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC"), .cancel_fd = -1 };
	const struct compile_target target = { .log_level = "off" };
	const struct load_environment around = { find_none, NULL, false };
	const struct load_options options = { .environment = &around, .report = report };
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_text_ struct text json = {}, elf = {};
	struct document *document;
	int r;

	if (!object_compile(source, &elf))
		skip();
	text_adds(&json, "{\"ingress-path\":{\"object-data\":\"");
	base64_encode(elf.data, elf.len, &json);
	text_printf(&json, "\"%s}}", keys);
	r = document_parse(json.data, json.len, NULL, true, &document, err);
	if (r == 0)
		r = dataplane_build(document, NULL, &compiler, &target, &dataplane, err);
	return r == 0 ? generation_load(dataplane, &options, ret, err) : r;
}

static void test_cases(void **state)
{
	(void)state;
	skip_without_bpf();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(generation_unrefp) struct generation *generation = NULL;
		_cleanup_text_ struct text report = {};
		_cleanup_error_ struct error err = {};
		int r = load(cases[i].source, cases[i].keys, &generation, &report, &err);

		print_message("case %zu\n", i);
		if (cases[i].error) {
			assert_true(r < 0);
			assert_true(contains(error_message(&err), cases[i].error));
			continue;
		}
		must(r, &err);
		assert_true(contains(text_str(&report), cases[i].report));
		assert_int_equal(!report.len, !*cases[i].report);
		if (cases[i].program)
			assert_string_equal(
				object_find_program(generation->directions[INGRESS].object,
						    generation->directions[INGRESS].prog_fd)
					->name,
				cases[i].program);
		if (cases[i].variables)
			check_variables(generation, cases[i].variables);
	}
}

/* Global variables are families like the members of a struct, and feeds can set them. */
static void test_global_variables(void **state)
{
	static const char source[] =
		HEAD "__u64 packets, limit;\nstruct { __u32 low, high; } range;\n"
		     "__u64 slots[2];\nconst volatile __u32 rate = 7;\n"
		     "SEC(\"tc\") int f(void *ctx) {\n"
		     "	static __u64 calls; calls++; packets++;\n"
		     "	return limit + range.high + slots[1] + rate; }\n" TAIL;
	static const char keys[] =
		",\"metric-configs\":[{\"name\":\"m\",\"map-name\":\"dynmon.bss\","
		"\"open-metrics-metadata\":{\"type\":\"gauge\"}},"
		"{\"name\":\"c\",\"map-name\":\"dynmon.rodata\","
		"\"open-metrics-metadata\":{\"type\":\"gauge\"}}]";
	const struct cell_place place = { "dynmon.bss", "0", "range.high" },
				constant = { "dynmon.rodata", "0", "rate" };
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	_cleanup_text_ struct text report = {}, names = {};
	_cleanup_error_ struct error err = {};
	const struct generation_direction *ingress;
	struct cell cell;

	(void)state;
	skip_without_bpf();
	must(load(source, keys, &generation, &report, &err), &err);
	assert_int_equal(report.len, 0);
	ingress = &generation->directions[INGRESS];
	for (size_t i = 0; i < ingress->n_metrics; i++)
		for (size_t j = 0; j < ingress->metrics[i].n_families; j++)
			text_printf(&names, "%s ", ingress->metrics[i].families[j].name);
	for (const char *const *name =
		     (const char *const[]){ "packets ", "limit ", "range_low ", "range_high ",
					    "slots ", "rate ", NULL };
	     *name; name++)
		assert_true(contains(text_str(&names), *name));
	assert_null(strstr(text_str(&names), "calls"));
	must(cell_init(&cell, ingress->object, &place, &err), &err);
	assert_int_equal(cell_set(&cell, 5), 0);
	assert_int_equal(*(uint32_t *)cell.at, 5);
	cell_release(&cell);
	assert_int_equal(cell_init(&cell, ingress->object, &constant, &err), -EPERM);
	assert_true(
		contains(error_message(&err), "map dynmon.rodata: its variables are constants"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_global_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
