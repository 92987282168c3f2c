/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/document.h"
#include "fixture.h"

#include <errno.h>

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"                                   \
	"char l[] SEC(\"license\") = \"GPL\";\n"
#define MAP(name, tags)                                                                            \
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);"     \
	" __uint(max_entries, 1); } " name " SEC(\".maps\") " tags ";\n"
#define PROGRAM(section, name, map)                                                                \
	"SEC(\"" section "\") int " name "(void *c)"                                               \
	"{ __u32 z = 0; __u64 *p = bpf_map_lookup_elem(&" map ", &z); if (p) *p += 1; "            \
	"return 0; }\n"
#define TAG(json) "__attribute__((btf_decl_tag(\"dynmon:metric=" json "\")))"
#define NAMED	  TAG("{\\\"name\\\":\\\"a\\\"}")

/* Compiles the source with our header and parses the object. */
static int describe(const char *source, struct document **document, struct error *err)
{
	_cleanup_text_ struct text all = {}, elf = {};

	text_printf(&all, "#include \"%s/bpf/dynmon.h\"\n%s", source_dir(), source);
	if (!object_compile(text_str(&all), &elf))
		skip();
	return document_parse(elf.data, elf.len, NULL, true, document, err);
}

static void test_macros(void **state)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	const struct direction_config *direction;
	const struct metric_config *metric;

	(void)state;
	if (describe("#include <stdbool.h>\n#define HELP \"Packets, \\\"seen\\\".\"\n" HEAD MAP(
			     "packets",
			     "DYNMON_METRIC(\"packets_total\", \"counter\", HELP)"
			     " DYNMON_METRIC_JSON_ONLY(\"raw\")"
			     " DYNMON_LABEL(\"layer\", \"2\") DYNMON_LABEL(\"side\", \"a b\")"
			     " DYNMON_EMPTY_ON_READ DYNMON_SWAP_ON_READ")
			     MAP("levels", "DYNMON_METRIC_CONFIG({ \"name\": \"level\","
					   " \"extraction-options\": { \"empty-on-read\": true },"
					   " \"open-metrics-metadata\": { \"type\": \"gauge\" }, "
					   "\"more\": 1 })")
				     MAP("out", "DYNMON_METRIC(\"packets_total\", \"counter\", "
						"\"Out.\") DYNMON_DIRECTION(\"egress\")")
					     PROGRAM("tc", "i", "packets")
						     PROGRAM("tcx/egress", "e", "out"),
		     &document, &err) < 0)
		fail_msg("%s", error_message(&err));
	direction = document->directions[INGRESS];
	assert_string_equal(direction->program, "i");
	assert_int_equal(direction->n_metrics, 3);
	for (size_t i = 0; i < 3; i++) {
		metric = &direction->metrics[i];
		if (!strcmp(metric->name, "packets_total")) {
			assert_string_equal(metric->map_name, "packets");
			assert_string_equal(metric->help, "Packets, \"seen\".");
			assert_int_equal(metric->type, METRIC_COUNTER);
			assert_int_equal(metric->n_labels, 2);
			assert_string_equal(metric->labels[1].value, "a b");
			assert_true(metric->empty_on_read && metric->swap_on_read);
		} else if (!strcmp(metric->name, "level")) {
			assert_string_equal(metric->map_name, "levels");
			assert_int_equal(metric->type, METRIC_GAUGE);
			assert_true(metric->empty_on_read && !metric->swap_on_read);
		} else {
			assert_string_equal(metric->name, "raw");
			assert_true(!metric->exported && metric->empty_on_read);
		}
	}
	assert_true(contains(text_str(&document->warnings), "more: unknown key, ignored"));
	direction = document->directions[EGRESS];
	assert_string_equal(direction->program, "e");
	assert_int_equal(direction->n_metrics, 1);
	assert_string_equal(direction->metrics[0].help, "Out.");
}

static const struct {
	const char *source;
	const char *message;			/* NULL: valid */
	const char *ingress, *egress, *warning; /* programs; "": any, NULL: no such path */
} rows[] = {
	/* program selection */
	{ HEAD MAP("m", NAMED) PROGRAM("tc", "a", "m"), NULL, "a", NULL, "" },
	{ HEAD MAP("m", NAMED) PROGRAM("classifier", "a", "m"), NULL, "a", NULL, "" },
	{ HEAD MAP("m", NAMED) PROGRAM("tcx/ingress", "a", "m"), NULL, "a", NULL, "" },
	{ HEAD MAP("m", NAMED) PROGRAM("tc/egress", "a", "m"), NULL, NULL, "a", "" },
	{ HEAD MAP("m", NAMED) PROGRAM("xdp", "a", "m"), NULL, "a", NULL, "" },
	{ HEAD MAP("m", NAMED) PROGRAM("tracepoint/sched/sched_switch", "a", "m"), NULL, "a", NULL,
	  "" },
	{ HEAD MAP("m", NAMED) PROGRAM("xdp", "a", "m") PROGRAM("tc", "b", "m"), NULL, "", NULL,
	  "" },
	{ HEAD MAP("m", "") PROGRAM("tc", "a", "m"), NULL, "a", NULL,
	  "the object runs without metrics" },
	{ HEAD MAP("m", "__attribute__((btf_decl_tag(\"dynmon:shared\")))") PROGRAM("tc", "a", "m"),
	  NULL, "a", NULL, "the object runs without metrics" },
	{ HEAD MAP("m", NAMED) PROGRAM("tc", "a", "m") PROGRAM("tcx", "b", "m"),
	  "several programs fit the ingress direction: a (SEC \"tc\"), b (SEC \"tcx\"): write",
	  NULL, NULL, NULL },
	{ HEAD MAP("m", NAMED) "int f(void) { return 0; }\n", "there is no program in the object",
	  NULL, NULL, NULL },
	/* tags */
	{ HEAD MAP("m", TAG("{")) PROGRAM("tc", "a", "m"),
	  "map m: tag \"dynmon:metric={\": JSON syntax: line 1, column 2", NULL, NULL, NULL },
	{ HEAD MAP("m", TAG("7")) PROGRAM("tc", "a", "m"), "expected a JSON object, found \"7\"",
	  NULL, NULL, NULL },
	{ HEAD MAP("m", TAG("{}")) PROGRAM("tc", "a", "m"),
	  "map m: a tag \"dynmon:metric={ }\" has no \"name\", and no other tag defines a metric",
	  NULL, NULL, NULL },
	{ HEAD MAP("m", NAMED NAMED " " TAG("{\\\"name\\\":\\\"a\\\" }")) PROGRAM("tc", "a", "m"),
	  "\"a\" is already the name of [0]", NULL, NULL, NULL },
	{ HEAD MAP("m", NAMED " DYNMON_DIRECTION(\"egress\")") PROGRAM("tc", "a", "m"),
	  "map m: the metric is for the egress direction, for which the object has no program",
	  NULL, NULL, NULL },
	{ HEAD MAP("m", NAMED " DYNMON_DIRECTION(\"up\")") PROGRAM("tc", "a", "m"),
	  "map m: direction: expected ingress or egress, found \"up\"", NULL, NULL, NULL },
	{ HEAD MAP("m", "DYNMON_METRIC(\"a\", \"rate\", \"x\")") PROGRAM("tc", "a", "m"),
	  "ingress-path.metric-configs[0].open-metrics-metadata.type: expected counter", NULL, NULL,
	  NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const expected[N_DIRECTIONS] = { rows[i].ingress, rows[i].egress };
		_cleanup_document_ struct document *document = NULL;
		_cleanup_error_ struct error err = {};
		int r = describe(rows[i].source, &document, &err);

		if ((r < 0) != !!rows[i].message)
			fail_msg("%zu: %s", i, error_message(&err));
		if (r < 0) {
			assert_true(contains(error_message(&err), rows[i].message));
			continue;
		}
		assert_true(contains(text_str(&document->warnings), rows[i].warning));
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			const struct direction_config *config = document->directions[direction];

			assert_int_equal(!config, !expected[direction]);
			if (config && *expected[direction])
				assert_string_equal(config->program, expected[direction]);
			else if (config)
				assert_null(config->program);
		}
	}
}

/* Too many tags, a tag that is too long, and too much JSON. */
static void test_limits(void **state)
{
	static const struct {
		unsigned int tags, len;
		const char *message;
	} limits[] = {
		{ 1025, 1, "the object has more than 1024 tags" },
		{ 1, 16500, "a tag \"dynmon:metric=...\" of more than 16384 bytes" },
		{ 300, 16000, "more than 4194304 bytes of JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		_cleanup_document_ struct document *document = NULL;
		_cleanup_text_ struct text source = {};
		_cleanup_error_ struct error err = {};

		text_adds(&source, HEAD);
		for (unsigned int n = 0; n < limits[i].tags; n++) {
			_cleanup_text_ struct text tag = {};

			text_printf(&tag, "{\\\"name\\\":\\\"%u", n);
			while (tag.len < limits[i].len)
				text_addc(&tag, 'x');
			text_printf(&source,
				    "extern int v%u __attribute__((btf_decl_tag(\"dynmon:metric=%s"
				    "\\\"}\")));\n",
				    n, text_str(&tag));
			text_printf(&source, "int v%u;\n", n);
		}
		text_adds(&source, MAP("m", "") PROGRAM("tc", "a", "m"));
		assert_true(describe(text_str(&source), &document, &err) < 0);
		assert_true(contains(error_message(&err), limits[i].message));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macros),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
