/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/test.h"
#include "ctl/recording.h"
#include "ctl/table.h"
#include "export/json.h"
#include "kernel/hook.h"
#include "monitor/swap_read.h"
#include "program/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#define VERDICTS_MAX 32	  /* distinct verdicts; further verdicts are counted together */
#define FRAME_SURE   2048 /* frame size in bytes that every kernel accepts */
#define ENOTSUPP     524  /* kernel-internal error that user space headers do not define */

DEFINE_CLEANUP(struct json_object *, json_object_put);

struct verdict {
	int32_t value;
	uint64_t count;
};

/* The program of one direction. */
struct trial {
	int prog_fd; /* owned by the generation; -1: gets no packets */
	bool xdp;
	const char *name;
	struct verdict verdicts[VERDICTS_MAX];
	size_t n;
	uint64_t others; /* verdicts beyond the limit */
};

struct counts {
	uint64_t packets; /* packets that the programs processed */
	uint64_t runts;	  /* shorter than an Ethernet header */
	uint64_t giants;  /* too long for a test run */
	uint64_t cut;	  /* incomplete in the capture; included in packets */
};

/* -- running -- */

static int trial_init(struct trial *trial, const struct generation_direction *direction,
		      struct error *err)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int r;

	if (direction->by_section)
		return error_set(err, -EOPNOTSUPP,
				 "its programs are attached by their section: only tc and xdp "
				 "programs can be run over packets");
	r = bpf_obj_get_info_by_fd(direction->prog_fd, &info, &len);
	if (r < 0)
		return error_set(err, r, "a program of the object: %s", strerror(-r));
	trial->name = object_find_program(direction->object, direction->prog_fd)->name;
	trial->prog_fd = direction->prog_fd;
	trial->xdp = info.type == BPF_PROG_TYPE_XDP;
	return 0;
}

static void count_verdict(struct trial *trial, int32_t value)
{
	for (size_t i = 0; i < trial->n; i++)
		if (trial->verdicts[i].value == value) {
			trial->verdicts[i].count++;
			return;
		}
	if (trial->n == VERDICTS_MAX)
		trial->others++;
	else
		trial->verdicts[trial->n++] = (struct verdict){ value, 1 };
}

/* Returns 1; 0 if the kernel does not accept the length of the frame; -errno. */
static int trial_frame(struct trial *trial, const struct frame *frame, struct error *err)
{
	/*
	 * The kernel copies out what fits, because a program may enlarge the frame. The output is
	 * not used.
	 */
	static unsigned char out[RECORDING_BYTES_MAX + 4096];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	int r = bpf_prog_test_run_opts(trial->prog_fd, &opts);

	if (r == -EINVAL && frame->len > FRAME_SURE)
		return 0;
	if (r == -ENOTSUPP || r == -EOPNOTSUPP)
		return error_set(err, -EOPNOTSUPP,
				 "program %s: the kernel cannot run it over packets", trial->name);
	if (r < 0)
		return error_set(err, r, "program %s, a packet of %u bytes: %s", trial->name,
				 frame->len, strerror(-r));
	count_verdict(trial, (int32_t)opts.retval);
	return 1;
}

static int run_packets(const char *file, struct trial trials[N_DIRECTIONS], struct counts *counts,
		       struct error *err)
{
	_cleanup_(recording_close) struct recording recording;
	struct frame frame;
	int r = recording_open(&recording, file, err);

	if (r < 0)
		return r;
	while ((r = recording_next(&recording, &frame, err)) > 0) {
		int done = 1;

		if (frame.len < ETH_HLEN) {
			counts->runts++;
			continue;
		}
		/* Egress first: egress is always tc, whose limit is lower than that of xdp. */
		for (int direction = N_DIRECTIONS - 1; direction >= 0 && done > 0; direction--)
			if (trials[direction].prog_fd >= 0)
				done = trial_frame(&trials[direction], &frame, err);
		if (done < 0)
			return error_prefix(err, done, "packet %llu of %s",
					    (unsigned long long)recording.packets, file);
		counts->packets += (uint64_t)done;
		counts->giants += !done;
		counts->cut += done && frame.cut;
	}
	return r;
}

/* -- output -- */

static const char *verdict_name(const struct trial *trial, int32_t value, char number[16])
{
	static const char *const xdp[] = {
		[XDP_ABORTED] = "XDP_ABORTED",	 [XDP_DROP] = "XDP_DROP",
		[XDP_PASS] = "XDP_PASS",	 [XDP_TX] = "XDP_TX",
		[XDP_REDIRECT] = "XDP_REDIRECT",
	};
	static const char *const tc[] = {
		[TC_ACT_OK] = "TC_ACT_OK",	   [TC_ACT_RECLASSIFY] = "TC_ACT_RECLASSIFY",
		[TC_ACT_SHOT] = "TC_ACT_SHOT",	   [TC_ACT_PIPE] = "TC_ACT_PIPE",
		[TC_ACT_STOLEN] = "TC_ACT_STOLEN", [TC_ACT_QUEUED] = "TC_ACT_QUEUED",
		[TC_ACT_REPEAT] = "TC_ACT_REPEAT", [TC_ACT_REDIRECT] = "TC_ACT_REDIRECT",
		[TC_ACT_TRAP] = "TC_ACT_TRAP",
	};

	if (trial->xdp && value >= 0 && value < (int32_t)ARRAY_SIZE(xdp))
		return xdp[value];
	if (!trial->xdp && value == TC_ACT_UNSPEC)
		return "TC_ACT_UNSPEC";
	if (!trial->xdp && value >= 0 && value < (int32_t)ARRAY_SIZE(tc))
		return tc[value];
	snprintf(number, 16, "%d", value);
	return number;
}

/* Reads the metrics in the format of METRICS. */
static int read_metrics(struct generation *generation, struct text *out, struct error *err)
{
	const struct json_filter filter = { .direction = -1, .one = true };
	_cleanup_(stream_freep) struct stream *stream = NULL;
	struct snapshot snapshot = { calloc(1, sizeof(*snapshot.items)), 1 };
	int r;

	if (!snapshot.items)
		return error_oom(err);
	snapshot.items[0] = (struct snapshot_item){
		.interface = strdup(""),
		.alone = true,
		.generation = generation_ref(generation),
	};
	generation_collect(generation, false);
	r = json_stream_new(&snapshot, &filter, NULL, &stream, err);
	while (r == 0 && (r = stream_next(stream, out, err)) > 0)
		r = 0;
	return r;
}

static void test_print_json(const struct counts *counts, const struct trial trials[N_DIRECTIONS],
			    struct text *metrics)
{
	_cleanup_text_ struct text out = {};
	char number[16];

	text_printf(&out, "{\"packets\":%llu,\"too-short\":%llu,\"too-long\":%llu,\"cut\":%llu,",
		    (unsigned long long)counts->packets, (unsigned long long)counts->runts,
		    (unsigned long long)counts->giants, (unsigned long long)counts->cut);
	text_adds(&out, "\"verdicts\":{");
	for (enum direction direction = 0, first = 1; direction < N_DIRECTIONS; direction++) {
		const struct trial *trial = &trials[direction];

		if (trial->prog_fd < 0)
			continue;
		text_printf(&out, "%s\"%s\":{", first ? "" : ",", direction_name(direction));
		first = 0;
		for (size_t i = 0; i < trial->n; i++)
			text_printf(&out, "%s\"%s\":%llu", i ? "," : "",
				    verdict_name(trial, trial->verdicts[i].value, number),
				    (unsigned long long)trial->verdicts[i].count);
		if (trial->others)
			text_printf(&out, ",\"others\":%llu", (unsigned long long)trial->others);
		text_addc(&out, '}');
	}
	text_adds(&out, "},");
	text_adds(&out, text_str(metrics) + 1); /* without its brace */
	fputs(text_str(&out), stdout);
}

/* Adds a metric with one row per entry. The key of an array or queue entry is its index. */
static void test_add_metric(struct table *table, const char *direction, struct json_object *metric)
{
	const char *name = json_object_get_string(json_object_object_get(metric, "name"));
	struct json_object *list = json_object_object_get(metric, "value");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < (n ? n : 1); i++) {
		struct json_object *entry = n ? json_object_array_get_idx(list, i) : NULL;
		struct json_object *key = NULL, *value = entry;

		if (json_object_is_type(entry, json_type_object) &&
		    json_object_object_get_ex(entry, "key", &key))
			value = json_object_object_get(entry, "value");
		table_add(table, direction);
		table_add(table, name);
		if (key)
			table_add(table,
				  json_object_to_json_string_ext(key, JSON_C_TO_STRING_PLAIN));
		else if (n)
			table_printf(table, "%zu", i);
		else
			table_add(table, "-");
		table_add(table,
			  n ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "-");
	}
}

static int print_metrics(struct text *text, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = json_tokener_parse(text_str(text));
	static const char *const titles[] = { "direction", "metric", "key", "value" };
	_cleanup_(table_release) struct table table = { .columns = ARRAY_SIZE(titles),
							.header = true };

	if (!json)
		return error_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&table, titles[i]);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		char key[32];
		struct json_object *list;

		snprintf(key, sizeof(key), "%s-metrics", direction_name(direction));
		list = json_object_object_get(json, key);
		for (size_t i = 0; list && i < json_object_array_length(list); i++)
			test_add_metric(&table, direction_name(direction),
					json_object_array_get_idx(list, i));
	}
	puts("");
	return table_print(&table, stdout, err);
}

static void print_counts(const struct counts *counts, const struct trial trials[N_DIRECTIONS])
{
	char number[16];

	printf("packets %llu", (unsigned long long)counts->packets);
	if (counts->cut)
		printf(", %llu of them incomplete in the capture", (unsigned long long)counts->cut);
	if (counts->runts)
		printf("; %llu skipped, shorter than %d bytes", (unsigned long long)counts->runts,
		       ETH_HLEN);
	if (counts->giants)
		printf("; %llu skipped, longer than the kernel takes for a test",
		       (unsigned long long)counts->giants);
	puts("");
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct trial *trial = &trials[direction];

		if (trial->prog_fd < 0)
			continue;
		printf("%s: program %s returned\n", direction_name(direction), trial->name);
		for (size_t i = 0; i < trial->n; i++)
			printf("  %-24s %llu\n",
			       verdict_name(trial, trial->verdicts[i].value, number),
			       (unsigned long long)trial->verdicts[i].count);
		if (trial->others)
			printf("  %-24s %llu\n", "others", (unsigned long long)trial->others);
	}
}

/* -- command -- */

static int test_no_public_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

static int load(const struct test *test, struct generation **ret, struct error *err)
{
	const struct load_environment around = { test_no_public_map, NULL, false };
	const struct compile_target target = {
		.xdp = hook_find(test->hook)->xdp,
		.log_level = test->log_level,
	};
	const struct load_options loading = { .around = &around, .xdp = target.xdp };
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_document_ struct document *document = NULL;
	int r = document_load(NULL, test->file, false, &document, err);

	if (r == 0)
		r = dataplane_build(steal_ptr(&document), NULL, &test->compiler, &target,
				    &dataplane, err);
	if (r < 0)
		return r;
	fputs(text_str(&dataplane->warnings), stderr);
	return generation_load(dataplane, &loading, ret, err);
}

int test_run(const struct test *test, struct error *err)
{
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	struct trial trials[N_DIRECTIONS] = {};
	_cleanup_text_ struct text metrics = {};
	struct counts counts = {};
	bool any = false;
	int r = load(test, &generation, err);

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		trials[direction].prog_fd = -1;
		if (r < 0 || test->skip[direction] || !generation->directions[direction].object)
			continue;
		r = trial_init(&trials[direction], &generation->directions[direction], err);
		any = true;
	}
	if (r == 0 && !any)
		r = error_set(err, -EINVAL, "%s: there is no program to run packets through%s",
			      test->file,
			      test->skip[INGRESS]  ? " on the egress direction"
			      : test->skip[EGRESS] ? " on the ingress direction"
						   : "");
	if (r == 0)
		r = run_packets(test->pcap, trials, &counts, err);
	if (r == 0)
		r = read_metrics(generation, &metrics, err);
	if (r < 0)
		return r;
	if (test->json) {
		test_print_json(&counts, trials, &metrics);
		return 0;
	}
	print_counts(&counts, trials);
	return print_metrics(&metrics, err);
}
