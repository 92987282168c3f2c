/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/log.h"
#include "fixture.h"
#include "monitor/collect.h"
#include "monitor/registry.h"

#include <bpf/bpf.h>
#include <net/if.h>

#define TCX_INGRESS ((enum bpf_attach_type)46)

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);\n"
	"	__uint(max_entries, 1); } COUNT SEC(\".maps\");\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { __u32 zero = 0;\n"
	"	__u64 *n = bpf_map_lookup_elem(&COUNT, &zero);\n"
	"	if (n) __sync_fetch_and_add(n, 1); return -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

static char *folder;
static bool possible;

static void no_log(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* The document swap.json in the folder, and the interface v0. */
static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {}, json = {};

	(void)state;
	folder = folder_make();
	log_set_sink(no_log);
	if (!bpf_possible() || !netns_private() || !object_compile(source, &elf))
		return 0;
	text_adds(&json, "{\"ingress-path\":{\"object-data\":\"");
	base64_encode(elf.data, elf.len, &json);
	text_adds(&json, "\",\"metric-configs\":[{\"name\":\"n\",\"map-name\":\"COUNT\","
			 "\"extraction-options\":{\"swap-on-read\":true}}]}}");
	file_make(folder, "swap.json", json.data, json.len, 0600);
	possible = !shell("ip link add v0 type veth peer name v1 && ip link set v0 up");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	free(folder);
	return 0;
}

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", error_message(err));
}

/* Brings the registry in line with one monitor that is read so often. */
static void apply(struct registry *registry, const char *interval)
{
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct settings_node node;

	must(settings_init(&settings, &err), &err);
	must(settings_open(settings_root(&settings), "Monitor", "edge", &node, &err), &err);
	must(settings_set(node, "Interface", "v0", &err), &err);
	must(settings_set(node, "Hook", "tcx", &err), &err);
	must(settings_set(node, "Dataplane", "swap.json", &err), &err);
	must(settings_set(node, "Interval", interval, &err), &err);
	must(registry_apply(registry, &settings, NULL, false, &report, &err), &err);
}

static uint32_t program_on_v0(void)
{
	uint32_t ids[8] = {}, count = ARRAY_SIZE(ids);

	assert_int_equal(
		bpf_prog_query((int)if_nametoindex("v0"), TCX_INGRESS, 0, NULL, ids, &count), 0);
	assert_int_equal(count, 1);
	return ids[0];
}

static uint32_t program_said_to_run(const struct view *view)
{
	return object_program_id(generation_prog_fd(view->items[0].generation, PATH_INGRESS));
}

/* A reader that has looked before another monitor took over: the links are not its any more. */
static void test_taken_over_meanwhile(void **state)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(view_release) struct view early = {}, late = {};
	uint32_t first;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(registry_new(&compiler, folder, NULL, &registry, NULL), 0);
	apply(registry, "10");
	first = program_on_v0();
	assert_int_equal(registry_view(registry, NULL, &early, NULL), 0);
	view_collect(&early);
	assert_int_not_equal(program_on_v0(), first);
	view_collect(&early);
	assert_int_equal(program_on_v0(), first);
	/* the settings are others, the programs the same */
	apply(registry, "20");
	assert_int_equal(program_on_v0(), first);
	view_collect(&early);
	assert_int_equal(registry_view(registry, NULL, &late, NULL), 0);
	assert_ptr_equal(late.items[0].generation, early.items[0].generation);
	assert_int_equal(program_said_to_run(&late), program_on_v0());
	view_collect(&late);
	assert_int_not_equal(program_on_v0(), first);
	assert_int_equal(program_said_to_run(&late), program_on_v0());
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken_over_meanwhile) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
