/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet SOURCE-DIR [REPEAT]: what a packet costs, by BPF_PROG_TEST_RUN: the dialect's programs
 * beside the same written for libbpf by hand, and one whose map is swapped beside the same with a
 * map that is not. The two of a pair run in turns; of each the fastest run counts, which nothing
 * disturbed.
 */
#include "bench.h"
#include "dataplane/dataplane.h"
#include "monitor/loading.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define ROUNDS 25

static const char *top;
static unsigned int repeat = 1000000;

static int find_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

static struct generation *load(struct document *document, bool xdp)
{
	static const struct surroundings around = { .find_map = find_map };
	const struct compiler compiler = { .program = getenv("DYNMON_CC"),
					   .include_dir = getenv("DYNMON_BPFDIR") };
	const struct compile_target target = { .xdp = xdp };
	const struct loading loading = { .around = &around, .xdp = xdp };
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_error_ struct error err = {};
	struct generation *generation;

	must(dataplane_build(document, NULL, &compiler, &target, &dataplane, &err), &err, "build");
	must(generation_load(dataplane, &loading, &generation, &err), &err, "load");
	return generation;
}

/* Code of an example's ingress path, or of a file. */
static struct generation *load_code(const char *example, const char *code_file)
{
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *name = NULL;
	struct document *document;

	if (example) {
		if (asprintf(&name, "%s/examples/%s.json", top, example) < 0)
			exit(1);
		must(document_load(NULL, name, false, &document, &err), &err, name);
	} else {
		if (asprintf(
			    &name,
			    "{\"ingress-path\":{\"code-file\":\"%s/tests/e2e/fixtures/%s.bpf.c\"}}",
			    top, code_file) < 0)
			exit(1);
		must(document_parse(name, strlen(name), NULL, false, &document, &err), &err, name);
	}
	return load(document, false);
}

/* The example with its metrics swapped; and, to compare, made of the same text with them not. */
static struct generation *load_swapped(bool xdp, bool swap, bool empty)
{
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *path = NULL;
	struct json_object *json, *in, *metrics, *options;
	struct document *document;
	const char *text;

	if (asprintf(&path, "%s/examples/packet_counter.json", top) < 0)
		exit(1);
	json = json_object_from_file(path);
	if (!json || !json_object_object_get_ex(json, "ingress-path", &in) ||
	    !json_object_object_get_ex(in, "metric-configs", &metrics))
		exit(1);
	options = json_object_new_object();
	json_object_object_add(options, "swap-on-read", json_object_new_boolean(swap));
	json_object_object_add(options, "empty-on-read", json_object_new_boolean(empty));
	json_object_object_add(json_object_array_get_idx(metrics, 0), "extraction-options",
			       options);
	text = json_object_to_json_string(json);
	must(document_parse(text, strlen(text), NULL, false, &document, &err), &err, path);
	json_object_put(json);
	return load(document, xdp);
}

static double run(const struct generation *generation, bool twin)
{
	const struct generation_path *path = &generation->paths[PATH_INGRESS];
	/* NTP, mode 7, over UDP and IPv4: what ntp_mode_private looks for. */
	static unsigned char frame[64] = {
		[12] = 0x08, [14] = 0x45, [17] = 48,   [22] = 64,  [23] = 17, [26] = 10,
		[30] = 10,   [34] = 0x9c, [35] = 0x40, [37] = 123, [39] = 28, [42] = 0x27,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)repeat);
	int r = bpf_prog_test_run_opts(twin ? path->twin_prog_fd : path->prog_fd, &opts);

	if (r < 0) {
		fprintf(stderr, "BPF_PROG_TEST_RUN: %s\n", strerror(-r));
		exit(1);
	}
	return opts.duration;
}

/* The kernel tells whole ns a packet: the mean of several runs is finer, the clock around it more.
 */
static double timed(const struct generation *generation, bool twin)
{
	double start = now_us();

	run(generation, twin);
	return (now_us() - start) * 1e3 / repeat;
}

static void compare(const char *what, const struct generation *here, const char *reference,
		    const struct generation *there, double goal)
{
	double best_here = 1e9, best_there = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double mine = timed(here, here->swap && round % 2), other = timed(there, false);

		best_here = mine < best_here ? mine : best_here;
		best_there = other < best_there ? other : best_there;
	}
	row(what, "ns", best_here, reference, best_there, goal);
}

int main(int argc, char **argv)
{
	static const char *const examples[] = { "packet_counter", "ntp_packets_counter",
						"ntp_mode_private" };

	if (argc < 2)
		return 2;
	top = argv[1];
	if (argc > 2)
		repeat = (unsigned int)strtoul(argv[2], NULL, 10);
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		_cleanup_(generation_unrefp) struct generation *dialect = NULL, *by_hand = NULL;
		char what[128];

		dialect = load_code(examples[i], NULL);
		by_hand = load_code(NULL, examples[i]);
		snprintf(what, sizeof(what), "a packet, %s in the dialect, tc", examples[i]);
		compare(what, dialect, "by hand:", by_hand, 1.02);
	}
	for (int xdp = 0; xdp < 2; xdp++)
		for (int empty = 0; empty < 2; empty++) {
			_cleanup_(generation_unrefp) struct generation *swapped = NULL,
								       *plain = NULL;
			char what[128];

			swapped = load_swapped(xdp, true, empty);
			plain = load_swapped(xdp, false, false);
			snprintf(what, sizeof(what), "a packet, swap-on-read%s, %s",
				 empty ? " and empty-on-read" : "", xdp ? "XDP" : "tc");
			compare(what, swapped, "neither:", plain, 1.02);
		}
	return 0;
}
