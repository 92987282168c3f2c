/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet SOURCE-DIR [REPEAT]: measures the cost of a packet with BPF_PROG_TEST_RUN. Programs in the
 * dialect are compared with hand-written libbpf programs, and a program with a swapped map is
 * compared with the same program without swapping. The two programs of a pair alternate in runs of
 * some milliseconds. Only the fastest runs count, because they were not disturbed.
 */
#include "bench.h"
#include "dataplane/dataplane.h"
#include "program/load.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

/*
 * Each program is loaded several times, because the addresses of its code and maps affect the time.
 */
#define LOADS  10
#define ROUNDS 20

static const char *top;
static unsigned int repeat = 100000;

static int find_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

static struct dataplane *build(struct document *document, bool xdp)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC"),
					   .include_dir = getenv("DYNMON_BPFDIR") };
	const struct compile_target target = { .xdp = xdp };
	_cleanup_error_ struct error err = {};
	struct dataplane *dataplane;

	must(dataplane_build(document, NULL, &compiler, &target, &dataplane, &err), &err, "build");
	return dataplane;
}

static struct generation *load(struct dataplane *dataplane, bool xdp)
{
	static const struct load_environment around = { .find_map = find_map };
	const struct load_options loading = { .environment = &around, .xdp = xdp };
	_cleanup_error_ struct error err = {};
	struct generation *generation;

	must(generation_load(dataplane, &loading, &generation, &err), &err, "load");
	return generation;
}

/* Builds the code of an example's ingress path, or a fixture's file. */
static struct dataplane *build_code(const char *example, const char *code_file)
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
	return build(document, false);
}

/*
 * Builds packet_counter with the given options. Both variants are made from the same text, so that
 * they differ in the options only.
 */
static struct dataplane *build_swapped(bool xdp, bool swap, bool empty)
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
	return build(document, xdp);
}

static double run(const struct generation *generation, bool second)
{
	const struct generation_direction *direction = &generation->directions[INGRESS];
	/* NTP, mode 7, over UDP and IPv4, which ntp_mode_private counts. */
	static unsigned char frame[64] = {
		[12] = 0x08, [14] = 0x45, [17] = 48,   [22] = 64,  [23] = 17, [26] = 10,
		[30] = 10,   [34] = 0x9c, [35] = 0x40, [37] = 123, [39] = 28, [42] = 0x27,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)repeat);
	int r = bpf_prog_test_run_opts(second ? direction->second_prog_fd : direction->prog_fd,
				       &opts);

	if (r < 0) {
		fprintf(stderr, "BPF_PROG_TEST_RUN: %s\n", strerror(-r));
		exit(1);
	}
	return opts.duration;
}

/*
 * Returns nanoseconds per packet. For XDP the kernel prepares for some milliseconds before it
 * starts its own clock, so that clock is used, although its resolution is 1 ns. For tc a clock
 * around the call is more precise.
 */
static double timed(const struct generation *generation, bool second, bool xdp)
{
	double start = now_us(), reported = run(generation, second);

	return xdp ? reported : (now_us() - start) * 1e3 / repeat;
}

/* Returns the mean of the fastest quarter, which was not disturbed. */
static double fastest(double *times, size_t n)
{
	double sum = 0;

	qsort(times, n, sizeof(*times), compare_doubles);
	for (size_t i = 0; i < n / 4; i++)
		sum += times[i];
	return sum / (double)(n / 4);
}

static void compare(const char *what, struct dataplane *here, const char *reference,
		    struct dataplane *there, bool xdp)
{
	double mine[LOADS * ROUNDS], others[LOADS * ROUNDS];
	size_t n = 0;

	for (int i = 0; i < LOADS; i++) {
		_cleanup_(generation_unrefp) struct generation *first = load(here, xdp);
		_cleanup_(generation_unrefp) struct generation *second = load(there, xdp);

		for (int round = 0; round < ROUNDS; round++, n++) {
			mine[n] = timed(first, first->swap && round % 2, xdp);
			others[n] = timed(second, false, xdp);
		}
	}
	row(what, "ns", fastest(mine, n), reference, fastest(others, n), 1.02);
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
		_cleanup_(dataplane_unrefp) struct dataplane *dialect = NULL, *by_hand = NULL;
		char what[128];

		dialect = build_code(examples[i], NULL);
		by_hand = build_code(NULL, examples[i]);
		snprintf(what, sizeof(what), "a packet, %s in the dialect, tc", examples[i]);
		compare(what, dialect, "by hand:", by_hand, false);
	}
	for (int xdp = 0; xdp < 2; xdp++)
		for (int empty = 0; empty < 2; empty++) {
			_cleanup_(dataplane_unrefp) struct dataplane *swapped = NULL, *plain = NULL;
			char what[128];

			swapped = build_swapped(xdp, true, empty);
			plain = build_swapped(xdp, false, false);
			snprintf(what, sizeof(what), "a packet, swap-on-read%s, %s",
				 empty ? " and empty-on-read" : "", xdp ? "XDP" : "tc");
			compare(what, swapped, "neither:", plain, xdp);
		}
	return 0;
}
