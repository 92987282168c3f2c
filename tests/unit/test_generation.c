/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reuse of the previous generation's maps and accumulators by a new generation. */
#include "base/file.h"
#include "fixture.h"
#include "metric/reader.h"
#include "program/load.h"

#include <bpf/bpf.h>
#include <errno.h>

/* A program with the maps M and N; %u is the number of 64-bit words in a value. */
static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct v { __u64 n[%u]; };\n"
	"#define MAP(name) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32);\\\n"
	"	__type(value, struct v); __uint(max_entries, 4); } name SEC(\".maps\");\n"
	"MAP(M) MAP(N)\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { __u32 zero = 0;\n"
	"	struct v *m = bpf_map_lookup_elem(&M, &zero), *n = bpf_map_lookup_elem(&N, "
	"&zero);\n"
	"	if (m && n) { m->n[0]++; n->n[0]++; } return -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

/* Base64 of objects whose values have one word and eight words. */
static struct text small, large;

static void compile(unsigned int numbers, struct text *to)
{
	_cleanup_text_ struct text code = {}, elf = {};

	text_printf(&code, source, numbers);
	if (bpf_possible() && object_compile(text_str(&code), &elf))
		base64_encode(elf.data, elf.len, to);
}

static int set_up(void **state)
{
	(void)state;
	compile(1, &small);
	compile(8, &large);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	text_release(&small);
	text_release(&large);
	return 0;
}

#define skip_without_objects()                                                                     \
	do {                                                                                       \
		if (!large.len)                                                                    \
			skip();                                                                    \
	} while (0)

static int find_none(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

/* ingress, egress: metric options as JSON, separated by commas; NULL: no metrics. */
static struct dataplane *build(const char *ingress, const char *egress)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC"), .cancel_fd = -1 };
	const struct compile_target target = { .log_level = "off" };
	_cleanup_text_ struct text json = {};
	_cleanup_error_ struct error err = {};
	struct dataplane *dataplane = NULL;
	struct document *document;

	text_adds(&json, "{\"ingress-path\":{\"object-data\":\"");
	text_add(&json, small.data, small.len);
	text_printf(&json, "\",\"metric-configs\":[%s]},", ingress);
	text_adds(&json, "\"egress-path\":{\"object-data\":\"");
	text_add(&json, large.data, large.len);
	text_printf(&json, "\",\"metric-configs\":[%s]}}", egress);
	if (document_parse(json.data, json.len, NULL, true, &document, &err) < 0 ||
	    dataplane_build(document, NULL, &compiler, &target, &dataplane, &err) < 0)
		fail_msg("%s", error_message(&err));
	return dataplane;
}

/* Loads the dataplane, reusing the maps of the previous generation, which is released. */
static struct generation *load(const char *ingress, const char *egress,
			       const struct generation *previous)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = build(ingress, egress);
	_cleanup_(reusable_maps_release) struct reusable_maps reusable_maps = {};
	const struct load_environment around = { find_none, NULL, false };
	const struct load_options loading = { .environment = &around,
					      .previous = previous,
					      .reusable_maps = &reusable_maps };
	_cleanup_error_ struct error err = {};
	struct generation *generation;

	assert_int_equal(generation_reusable_maps(previous, &reusable_maps), 0);
	if (generation_load(dataplane, &loading, &generation, &err) < 0)
		fail_msg("%s", error_message(&err));
	return generation;
}

#define SWAPPED(name, map)                                                                         \
	"{\"name\":\"" name "\",\"map-name\":\"" map                                               \
	"\",\"extraction-options\":{\"swap-on-read\":true}}"

/* Metrics of the same name on both directions have separate accumulators if their maps differ. */
static void test_accumulator_of_other_direction(void **state)
{
	_cleanup_(generation_unrefp) struct generation *first = NULL, *second = NULL, *third = NULL;
	struct metric *ingress, *egress;

	(void)state;
	skip_without_objects();
	first = load(SWAPPED("n", "M"), "", NULL);
	second = load(SWAPPED("n", "M"), SWAPPED("n", "M"), first);
	ingress = &second->directions[INGRESS].metrics[0];
	egress = &second->directions[EGRESS].metrics[0];
	assert_ptr_equal(ingress->accumulator, first->directions[INGRESS].metrics[0].accumulator);
	assert_ptr_not_equal(egress->accumulator, ingress->accumulator);
	/* takes values of 64 bytes, which must not go into the accumulator for 8 bytes */
	assert_int_equal(metric_take(egress, &egress->map), 0);
	/* afterwards each direction keeps its own accumulator */
	third = load(SWAPPED("n", "M"), SWAPPED("n", "M"), second);
	assert_ptr_equal(third->directions[INGRESS].metrics[0].accumulator, ingress->accumulator);
	assert_ptr_equal(third->directions[EGRESS].metrics[0].accumulator, egress->accumulator);
}

/* A map shared by both copies becomes two maps when it is swapped from now on. */
static void test_swapped_from_now_on(void **state)
{
	_cleanup_(generation_unrefp) struct generation *first = NULL, *second = NULL;

	(void)state;
	skip_without_objects();
	first = load(SWAPPED("m", "M") ",{\"name\":\"n\",\"map-name\":\"N\"}", "", NULL);
	second = load(SWAPPED("m", "M") "," SWAPPED("n", "N"), "", first);
	for (size_t i = 0; i < 2; i++) {
		const struct metric *before = &first->directions[INGRESS].metrics[i];
		const struct metric *now = &second->directions[INGRESS].metrics[i];

		assert_true(now->swapped);
		assert_int_equal(now->map.id, before->map.id);
		assert_int_not_equal(now->second.id, now->map.id);
		assert_int_equal(now->second.id == before->second.id, i == 0);
	}
}

/* Runs a program the given number of times. */
static void run(int prog_fd, int times)
{
	const char frame[64] = {};

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = times);
	assert_int_equal(bpf_prog_test_run_opts(prog_fd, &opts), 0);
}

static uint64_t runs(const struct generation *generation, enum direction direction)
{
	return generation_run_stats(generation, direction).runs;
}

/* Run statistics include both copies and previous generations, separately for each direction. */
static void test_run_stats_go_on(void **state)
{
	_cleanup_(generation_unrefp) struct generation *first = NULL, *second = NULL, *third = NULL;
	_cleanup_error_ struct error err = {};
	uint64_t ns;

	(void)state;
	skip_without_objects();
	if (run_stats_switch(true, &err) < 0)
		fail_msg("%s", error_message(&err));
	assert_true(run_stats_are_on());
	assert_int_equal(run_stats_switch(true, &err), 0);
	first = load(SWAPPED("n", "M"), "", NULL);
	assert_int_equal(runs(first, INGRESS), 0);
	run(first->directions[INGRESS].prog_fd, 3);
	run(first->directions[INGRESS].second_prog_fd, 40);
	run(first->directions[EGRESS].prog_fd, 500);
	assert_int_equal(runs(first, INGRESS), 43);
	assert_int_equal(runs(first, EGRESS), 500);
	ns = generation_run_stats(first, INGRESS).ns;
	assert_true(ns > 0);
	second = load(SWAPPED("n", "M"), "", first);
	generation_follow(second, first);
	assert_int_equal(runs(second, INGRESS), 43);
	assert_true(generation_run_stats(second, INGRESS).ns >= ns);
	run(second->directions[INGRESS].prog_fd, 100);
	assert_int_equal(runs(second, INGRESS), 143);
	third = load("", "", second);
	generation_follow(third, second);
	assert_int_equal(runs(third, INGRESS), 143);
	assert_int_equal(runs(third, EGRESS), 500);
	/* programs that are still the same are not counted twice */
	generation_unref(second);
	second = generation_ref(third);
	generation_follow(second, third);
	assert_int_equal(runs(second, INGRESS), 143);
	generation_follow(NULL, third);
	generation_follow(third, NULL);
	assert_int_equal(runs(third, INGRESS), 143);
	assert_int_equal(run_stats_switch(false, &err), 1);
	assert_int_equal(run_stats_switch(false, &err), 0);
	assert_false(run_stats_are_on());
	run(third->directions[EGRESS].prog_fd, 1);
	assert_int_equal(runs(third, EGRESS), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accumulator_of_other_direction),
		cmocka_unit_test(test_swapped_from_now_on),
		cmocka_unit_test(test_run_stats_go_on),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
