/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swap SOURCE-DIR SENDFRAMES: measures the duration of a read with swap-on-read, idle and under
 * full packet load. The references are one membarrier() and a read of a map with the same contents.
 * Runs in its own network namespace.
 */
#include "base/log.h"
#include "bench.h"
#include "kernel/map_reader.h"
#include "metric/reader.h"
#include "monitor/operation.h"
#include "monitor/registry.h"
#include "monitor/swap_read.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 101

static void log_line(enum log_level level, const char *line)
{
	if (level <= LOG_LEVEL_WARNING)
		fprintf(stderr, "%s\n", line);
}

/* A counter and a hash with the given number of entries; both are swapped. */
static void inject(struct registry *registry)
{
	static const char json[] =
		"{\"ingress-path\":{\"code\":\""
		"BPF_ARRAY(HITS, u64, 1);\\nBPF_HASH(KEYS, u32, u64, 65536);\\n"
		"static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata "
		"*md)\\n"
		"{\\nu32 key = bpf_get_prandom_u32() & 0xfff; u64 none = 0, *n;\\n"
		"HITS.atomic_increment(0);\\nn = KEYS.lookup_or_try_init(&key, &none);\\n"
		"if (n) __sync_fetch_and_add(n, 1);\\nreturn RX_OK;\\n}\\n\","
		"\"metric-configs\":["
		"{\"name\":\"hits_total\",\"map-name\":\"HITS\",\"extraction-options\":"
		"{\"swap-on-read\":true},\"open-metrics-metadata\":{\"type\":\"counter\","
		"\"help\":\"h\",\"labels\":[]}}"
		",{\"name\":\"keys_total\",\"map-name\":\"KEYS\",\"extraction-options\":"
		"{\"swap-on-read\":true},\"open-metrics-metadata\":{\"type\":\"counter\","
		"\"help\":\"h\",\"labels\":[]}}]}}";
	const struct injection injection = {
		.monitor = "edge", .interface = "v0", .bytes = json, .len = strlen(json)
	};
	_cleanup_text_ struct text warnings = {};
	_cleanup_error_ struct error err = {};

	must(registry_inject(registry, &injection, &warnings, &err), &err, "inject");
}

static double grace(void)
{
	double start = now_us();

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0) {
		perror("membarrier");
		exit(1);
	}
	return now_us() - start;
}

static double swap_read(struct registry *registry)
{
	double start = now_us();
	struct snapshot snapshot;

	if (registry_snapshot(registry, "edge", &snapshot, NULL) < 0)
		exit(1);
	snapshot_collect(&snapshot);
	for (size_t i = 0; i < 2; i++) {
		struct metric_reader reader;
		struct metric_batch batch;

		if (metric_reader_init(
			    &reader, &snapshot.items[0].generation->directions[INGRESS].metrics[i],
			    METRIC_FOR_SAMPLES) < 0)
			exit(1);
		while (metric_reader_next(&reader, &batch) > 0)
			;
		metric_reader_release(&reader);
	}
	snapshot_release(&snapshot);
	return now_us() - start;
}

/*
 * Reads and empties a hash with the given number of entries and an array of one, as a swap read
 * does.
 */
static double map_read(uint32_t entries)
{
	struct map maps[2] = {
		{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 },
		{ .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 65536 },
	};
	double took = 0;

	for (int i = 0; i < 2; i++) {
		struct map_reader reader;
		struct map_batch batch;
		double start;

		maps[i].fd = bpf_map_create((enum bpf_map_type)maps[i].type, "bench", 4, 8,
					    maps[i].max_entries, NULL);
		for (uint32_t key = 0; i && key < entries; key++) {
			uint64_t value = key;

			bpf_map_update_elem(maps[i].fd, &key, &value, 0);
		}
		start = now_us();
		if (maps[i].fd < 0 || map_reader_init(&reader, &maps[i], true) < 0)
			exit(1);
		while (map_reader_next(&reader, &batch) > 0)
			;
		map_reader_release(&reader);
		took += now_us() - start;
		close(maps[i].fd);
	}
	return took;
}

/*
 * Sleeps for a random time. RCU grace periods follow the kernel's ticks, so a measurement that
 * starts right after another one would wait longer than one that starts at a random time.
 */
static void any_moment(void)
{
	usleep((useconds_t)(rand() % 20000));
}

/* The three measurements alternate, so that load on the machine affects all of them. */
static void measure(struct registry *registry, const char *when, uint32_t entries)
{
	double graces[ROUNDS], reads[ROUNDS], swaps[ROUNDS], waited, read, swapped;
	char what[128], reference[128];

	for (int i = 0; i < ROUNDS; i++) {
		any_moment();
		graces[i] = grace();
		any_moment();
		swaps[i] = swap_read(registry);
		reads[i] = map_read(entries);
	}
	waited = usual(graces, ROUNDS);
	read = usual(reads, ROUNDS);
	swapped = usual(swaps, ROUNDS);
	snprintf(what, sizeof(what), "a swap read of %u entries, %s", entries + 1, when);
	snprintf(reference, sizeof(reference),
		 "1.2 x membarrier (%.3g us) + map (%.3g us):", waited, read);
	row(what, "us", swapped, reference, 1.2 * waited + read, 1);
}

int main(int argc, char **argv)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC"),
					   .include_dir = getenv("DYNMON_BPFDIR") };
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_error_ struct error err = {};
	pid_t sender;

	if (argc != 3)
		return 2;
	log_set_sink(log_line);
	if (unshare(CLONE_NEWNET) < 0 ||
	    system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && "
		   "ip link add v0 type veth peer name v0_p && ip link set v0 up arp off && "
		   "ip link set v0_p up arp off")) {
		fprintf(stderr, "swap: no network namespace\n");
		return 1;
	}
	must(registry_new(&compiler, argv[1], NULL, &registry, &err), &err, "registry");
	inject(registry);
	measure(registry, "nothing going on", 0);
	sender = fork();
	if (sender == 0) {
		execl(argv[2], "sendframes", "v0_p", "100000000", NULL);
		_exit(127);
	}
	usleep(200000);
	measure(registry, "at full speed", 4096);
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	return 0;
}
