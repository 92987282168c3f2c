/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dynmonctl test: run a dataplane on the packets of a capture, without attaching.
 *
 * BPF_PROG_TEST_RUN runs the programs in the kernel, which requires the capabilities to load them.
 */
#include "base/json_writer.h"
#include "ctl/capture.h"
#include "ctl/offline.h"
#include "ctl/subcommand.h"
#include "ctl/table.h"
#include "export/json.h"
#include "monitor/swap_read.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <string.h>

#define VERDICTS_MAX 32	  /* distinct verdicts; further verdicts are counted together */
#define FRAME_SURE   2048 /* frame size in bytes that every kernel accepts */
#define ENOTSUPP     524  /* kernel-internal error that user space headers do not define */

DEFINE_CLEANUP(struct json_object *, json_object_put);

struct verdict {
	int32_t value;
	unsigned int count;
};

/* The program of one direction. Counts are below CAPTURE_PACKETS_MAX. */
struct test_program {
	int fd; /* owned by the generation; -1: gets no packets */
	bool xdp;
	const char *name;
	struct verdict verdicts[VERDICTS_MAX];
	size_t n;
	unsigned int others; /* verdicts beyond the limit */
};

struct packet_counts {
	unsigned int packets;	/* packets that the programs processed */
	unsigned int too_short; /* shorter than an Ethernet header */
	unsigned int too_long;	/* too long for a test run */
	unsigned int cut;	/* incomplete in the capture; included in packets */
};

static int open_program(struct test_program *program, const struct generation_direction *direction,
			struct error *err)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int r;

	if (direction->by_section)
		return error_set(err, -EOPNOTSUPP,
				 "the programs are attached by their section; only tc and xdp "
				 "programs can run on packets");
	r = bpf_obj_get_info_by_fd(direction->prog_fd, &info, &len);
	if (r < 0)
		return error_set(err, r, "cannot query a program of the object: %s", strerror(-r));
	program->name = object_find_program(direction->object, direction->prog_fd)->name;
	program->fd = direction->prog_fd;
	program->xdp = info.type == BPF_PROG_TYPE_XDP;
	return 0;
}

/* Returns 1; 0 if the kernel does not accept the length of the frame; -errno. */
static int run_program(struct test_program *program, const unsigned char *frame, uint32_t len,
		       struct error *err)
{
	/* A program may enlarge the frame. The kernel copies out what fits; nothing uses it. */
	static unsigned char out[CAPTURE_BYTES_MAX + 4096];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);
	int r = bpf_prog_test_run_opts(program->fd, &opts), value = (int)opts.retval;

	if (r == -EINVAL && len > FRAME_SURE)
		return 0;
	if (r == -ENOTSUPP || r == -EOPNOTSUPP)
		return error_set(err, -EOPNOTSUPP,
				 "program %s: the kernel cannot run this type of program on "
				 "packets",
				 program->name);
	if (r < 0)
		return error_set(err, r, "program %s, a packet of %u bytes: %s", program->name, len,
				 strerror(-r));
	for (size_t i = 0; i < program->n; i++)
		if (program->verdicts[i].value == value) {
			program->verdicts[i].count++;
			return 1;
		}
	if (program->n == VERDICTS_MAX)
		program->others++;
	else
		program->verdicts[program->n++] = (struct verdict){ value, 1 };
	return 1;
}

static int run_packets(const char *file, struct test_program programs[N_DIRECTIONS],
		       struct packet_counts *counts, struct error *err)
{
	_cleanup_(capture_close) struct capture capture;
	int r = capture_open(&capture, file, err);

	if (r < 0)
		return r;
	while ((r = capture_next(&capture, err)) > 0) {
		int done = 1;

		if (capture.len < ETH_HLEN) {
			counts->too_short++;
			continue;
		}
		/* Egress first: egress is always tc, whose limit is lower than that of xdp. */
		for (int direction = N_DIRECTIONS - 1; direction >= 0 && done > 0; direction--)
			if (programs[direction].fd >= 0)
				done = run_program(&programs[direction], capture.frame, capture.len,
						   err);
		if (done < 0)
			return error_prefix(err, done, "packet %u of %s", capture.packets, file);
		counts->packets += (unsigned int)done;
		counts->too_long += !done;
		counts->cut += done && capture.cut;
	}
	return r;
}

static const char *verdict_name(const struct test_program *program, int32_t value, char number[16])
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
	const char *const *names = program->xdp ? xdp : tc;
	size_t n = program->xdp ? ARRAY_SIZE(xdp) : ARRAY_SIZE(tc);

	if (!program->xdp && value == TC_ACT_UNSPEC)
		return "TC_ACT_UNSPEC";
	if (value >= 0 && (size_t)value < n)
		return names[value];
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

/* Writes the report in JSON. metrics: a JSON object, whose members are appended. */
static void write_report(const struct packet_counts *counts,
			 const struct test_program programs[N_DIRECTIONS], struct text *metrics,
			 struct text *out)
{
	struct json_writer json = { .out = out };
	char number[16];

	json_object_begin(&json);
	json_member_u64(&json, "packets", counts->packets);
	json_member_u64(&json, "too-short", counts->too_short);
	json_member_u64(&json, "too-long", counts->too_long);
	json_member_u64(&json, "cut", counts->cut);
	json_key(&json, "verdicts");
	json_object_begin(&json);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct test_program *program = &programs[direction];

		if (program->fd < 0)
			continue;
		json_key(&json, direction_name(direction));
		json_object_begin(&json);
		for (size_t i = 0; i < program->n; i++)
			json_member_u64(&json,
					verdict_name(program, program->verdicts[i].value, number),
					program->verdicts[i].count);
		if (program->others)
			json_member_u64(&json, "others", program->others);
		json_object_end(&json);
	}
	json_object_end(&json);
	text_adds(json_value(&json), text_str(metrics) + 1); /* without the brace */
}

/* Adds a metric with one row per entry. The key of an array or queue entry is its index. */
static void add_metric_rows(struct table *table, const char *direction, struct json_object *metric)
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

/* Prints the report as text and a table. */
static int print_report(struct json_object *report, const struct packet_counts *counts,
			const struct test_program programs[N_DIRECTIONS], struct error *err)
{
	static const char *const titles[] = { "direction", "metric", "key", "value" };
	_cleanup_(table_release) struct table table = { .columns = ARRAY_SIZE(titles),
							.header = true };
	struct json_object *verdicts = json_object_object_get(report, "verdicts");

	printf("packets %u", counts->packets);
	if (counts->cut)
		printf(", %u of them incomplete in the capture", counts->cut);
	if (counts->too_short)
		printf("; %u skipped, shorter than %d bytes", counts->too_short, ETH_HLEN);
	if (counts->too_long)
		printf("; %u skipped, longer than the kernel accepts for a test run",
		       counts->too_long);
	puts("");
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&table, titles[i]);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const char *name = direction_name(direction);
		struct json_object *returned = json_object_object_get(verdicts, name), *list;
		char key[32];

		if (returned) {
			printf("%s: program %s returned\n", name, programs[direction].name);
			json_object_object_foreach(returned, verdict, count) {
				printf("  %-24s %s\n", verdict, json_object_get_string(count));
			}
		}
		snprintf(key, sizeof(key), "%s-metrics", name);
		list = json_object_object_get(report, key);
		for (size_t i = 0; list && i < json_object_array_length(list); i++)
			add_metric_rows(&table, name, json_object_array_get_idx(list, i));
	}
	puts("");
	return table_print(&table, stdout, err);
}

int ctl_test(const struct options *options, char **words, size_t n, struct error *err)
{
	int only = options->direction ? direction_from_name(options->direction) : -1, r;
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	struct test_program programs[N_DIRECTIONS] = {};
	_cleanup_(json_object_putp) struct json_object *report = NULL;
	_cleanup_text_ struct text metrics = {}, out = {}, warnings = {};
	struct packet_counts counts = {};
	struct compile_target target;
	bool any = false;

	(void)n;
	if (!options->pcap)
		return EXIT_USAGE;
	r = offline_compile(options, words[0], &target, &dataplane, err);
	if (r == 0)
		r = offline_load(dataplane, &target, &generation, &warnings, err);
	for (enum direction direction = 0; direction < N_DIRECTIONS && r == 0; direction++) {
		const struct generation_direction *loaded = &generation->directions[direction];

		programs[direction].fd = -1;
		if (!loaded->object || (only >= 0 && only != (int)direction))
			continue;
		r = open_program(&programs[direction], loaded, err);
		any = true;
	}
	if (r == 0 && !any)
		r = error_set(err, -EINVAL, "%s: there is no program to run on packets%s%s",
			      words[0], only < 0 ? "" : " in direction ",
			      only < 0 ? "" : options->direction);
	if (r == 0)
		r = run_packets(options->pcap, programs, &counts, err);
	if (r == 0)
		r = read_metrics(generation, &metrics, err);
	if (r < 0)
		return r;
	write_report(&counts, programs, &metrics, &out);
	if (options->json) {
		fputs(text_str(&out), stdout);
		return 0;
	}
	report = json_tokener_parse(text_str(&out));
	return report ? print_report(report, &counts, programs, err) : error_oom(err);
}
