/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects with the declarations of common programs: loaded with a remark, or rejected with a
 * reason. */
#include "base/file.h"
#include "fixture.h"
#include "program/load.h"

#include <errno.h>

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"                                   \
	"#define ARRAY(NAME, ...) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32);"  \
	"	__type(value, __u64); __uint(max_entries, 4); __VA_ARGS__ } NAME "                       \
	"SEC(\".maps\");\n"                                                                        \
	"static __u64 *at(void *map) { __u32 key = 0; return bpf_map_lookup_elem(map, &key); }\n"
#define TAIL "char _license[] SEC(\"license\") = \"GPL\";\n"

/* The keys of the direction besides the code, and the expected part of the report or of the error.
 */
static const struct {
	const char *source, *keys, *report, *error;
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
};

static int find_none(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
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
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
