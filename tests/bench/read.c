/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read SOURCE-DIR: measures reading a map and converting it to text and values, and the memory
 * used. The references are the bare batch calls on the same map and bpftool's dump of it; they take
 * turns. Runs in its own network namespace.
 *
 * read document ENTRIES: prints a document with a hash of that size. read fill ID ENTRIES: fills an
 * existing map. read bare ID: prints the milliseconds of the bare batch calls on a map.
 */
#include "base/log.h"
#include "bench.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/text_encoder.h"
#include "export/values.h"
#include "monitor/operation.h"
#include "monitor/registry.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MILLION	   1000000
#define MEMORY_MAX 16.0 /* MiB above idle */
#define SLOPE_MAX  1.1	/* relative to the bare calls */
#define ROUNDS_MAX 9
#define FILL_BATCH 4096

struct flow {
	uint32_t saddr, daddr;
};

struct counts {
	uint64_t packets, bytes;
};

/* The measured maps and the number of rounds. */
static const struct shape {
	const char *what;
	const char *declaration; /* of FLOWS, without the size */
	uint32_t entries;
	int rounds;
	int dumps;  /* number of rounds in which bpftool takes part */
	int memory; /* required available memory, GiB */
} shapes[] = {
	{ "a hash", "BPF_HASH(FLOWS, struct flow, struct counts, ", MILLION, 9, 3, 1 },
	{ "a hash", "BPF_HASH(FLOWS, struct flow, struct counts, ", 10 * MILLION, 3, 0, 4 },
	{ "a per-CPU hash", "BPF_PERCPU_HASH(FLOWS, struct flow, struct counts, ", MILLION, 5, 1,
	  1 },
	{ "an array", "BPF_ARRAY(FLOWS, struct counts, ", MILLION, 5, 1, 1 },
};

/* The measured readers, in the order of their turns. */
enum reading { BARE, JSON, OPENMETRICS, TOP, BPFTOOL, READ_STATS };

struct bench {
	const struct shape *shape;
	struct registry *registry;
	const struct map *map;
	uint64_t taken; /* bytes or values produced, to keep the compiler from removing work */
	double ms[READ_STATS][ROUNDS_MAX];
	double mib[READ_STATS]; /* peak above idle */
};

static void log_line(enum log_level level, const char *line)
{
	if (level <= LOG_LEVEL_ERR)
		fprintf(stderr, "%s\n", line);
}

static void fail(const char *what, int code)
{
	fprintf(stderr, "read: %s: %s\n", what, strerror(-code));
	exit(1);
}

/* Returns a pseudo-random number that is the same in every run. */
static uint32_t scatter(uint32_t n)
{
	n = (n ^ n >> 16) * 0x7feb352d;
	n = (n ^ n >> 15) * 0x846ca68b;
	return n ^ n >> 16;
}

static struct map map_of(int fd)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		fail("map", -errno);
	return (struct map){ .fd = fd,
			     .type = info.type,
			     .key_size = info.key_size,
			     .value_size = info.value_size,
			     .max_entries = info.max_entries };
}

/* Keys are indices for an array, and flows otherwise. */
static void fill(const struct map *map, uint32_t entries)
{
	size_t stride = map_value_stride(map);
	_cleanup_free_ char *keys = calloc(FILL_BATCH, map->key_size);
	_cleanup_free_ char *values = calloc(FILL_BATCH, stride);

	for (uint32_t from = 0, n; from < entries; from += n) {
		int r;

		n = entries - from < FILL_BATCH ? entries - from : FILL_BATCH;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = from + i, packets = scatter(at) % 100000 + 1;
			const struct flow flow = { scatter(at), scatter(at / 16) };
			const struct counts counts = { packets, packets * (uint64_t)700 };

			if (map_kind(map->type) == MAP_ARRAY)
				memcpy(keys + i * map->key_size, &at, sizeof(at));
			else
				memcpy(keys + i * map->key_size, &flow, sizeof(flow));
			for (size_t cpu = 0; cpu < stride; cpu += sizeof(counts))
				memcpy(values + i * stride + cpu, &counts, sizeof(counts));
		}
		r = bpf_map_update_batch(map->fd, keys, values, &n, NULL);
		if (r < 0)
			fail("fill", r);
	}
}

/* Makes only the system calls of map_reader, with its buffers. */
static uint64_t read_bare(const struct map *map)
{
	struct map_reader reader;
	uint64_t seen = 0;
	uint32_t count;
	int r = map_reader_init(&reader, map, false);

	for (bool first = true; r == 0; first = false) {
		count = reader.capacity;
		r = bpf_map_lookup_batch(map->fd, first ? NULL : reader.cursor, reader.cursor,
					 reader.keys, reader.values, &count, NULL);
		seen += count;
	}
	if (r != -ENOENT)
		fail("bare calls", r);
	map_reader_release(&reader);
	return seen;
}

static uint64_t take_all(struct stream *stream)
{
	_cleanup_text_ struct text text = {};
	_cleanup_error_ struct error err = {};
	uint64_t bytes = 0;
	int r;

	do {
		text_clear(&text);
		r = stream_next(stream, &text, &err);
		must(r, &err, "stream");
		bytes += text.len;
	} while (r);
	stream_free(stream);
	return bytes;
}

static void snapshot_of(struct registry *registry, struct snapshot *snapshot)
{
	_cleanup_error_ struct error err = {};

	must(registry_snapshot(registry, "edge", snapshot, &err), &err, "view");
}

static uint64_t read_json(struct registry *registry)
{
	const struct json_filter filter = { .direction = -1, .one = true };
	_cleanup_error_ struct error err = {};
	struct stream *stream;
	struct snapshot snapshot;

	snapshot_of(registry, &snapshot);
	must(json_stream_new(&snapshot, &filter, NULL, &stream, &err), &err, "JSON");
	return take_all(stream);
}

static uint64_t read_openmetrics(struct registry *registry)
{
	_cleanup_error_ struct error err = {};
	struct stream *stream;
	struct snapshot snapshot;

	snapshot_of(registry, &snapshot);
	must(openmetrics_stream_new(&snapshot, &encoding_openmetrics, &stream, &err), &err,
	     "OpenMetrics");
	return take_all(stream);
}

static void count_value(void *data, const struct value *value)
{
	(void)value;
	++*(uint64_t *)data;
}

static void stop_on_error(void *data, const struct error *err)
{
	(void)data;
	must(-EIO, err, "values");
}

static uint64_t read_top(struct registry *registry)
{
	uint64_t values = 0;
	struct snapshot snapshot;

	snapshot_of(registry, &snapshot);
	values_read(&snapshot.items[0], count_value, stop_on_error, &values);
	snapshot_release(&snapshot);
	return values;
}

/* Returns the CPU time of this process in milliseconds. */
static double used_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* usage: receives the resources that bpftool used. */
static void dump(const struct map *map, struct rusage *usage)
{
	char id[16];
	int status;
	pid_t pid;

	snprintf(id, sizeof(id), "%u", map->id);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execlp("bpftool", "bpftool", "-j", "map", "dump", "id", id, NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, usage) < 0 || status) {
		fprintf(stderr, "read: bpftool failed\n");
		exit(1);
	}
}

/* Returns a value of /proc/self/status in MiB. */
static double memory(const char *name)
{
	_cleanup_fclose_ FILE *status = fopen("/proc/self/status", "r");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, name, strlen(name)))
			return strtod(line + strlen(name) + 1, NULL) / 1024;
	fail(name, -ENOENT);
	return 0;
}

/* Resets the peak memory. */
static void forget_peak(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/clear_refs", "w");

	malloc_trim(0);
	if (!file || fputs("5", file) < 0)
		fail("clear_refs", -errno);
}

/* A reading does not wait, so its CPU time is its duration, independent of other load. */
static void read_once(struct bench *bench, enum reading reading, int round)
{
	double *ms = &bench->ms[reading][round], *mib = &bench->mib[reading];
	double idle, start, peak;
	struct rusage usage;

	if (reading == BPFTOOL) {
		dump(bench->map, &usage);
		*ms = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
		*mib = (double)usage.ru_maxrss / 1024;
		return;
	}
	forget_peak();
	idle = memory("VmRSS");
	start = used_ms();
	if (reading == BARE)
		bench->taken += read_bare(bench->map);
	else if (reading == JSON)
		bench->taken += read_json(bench->registry);
	else if (reading == OPENMETRICS)
		bench->taken += read_openmetrics(bench->registry);
	else
		bench->taken += read_top(bench->registry);
	*ms = used_ms() - start;
	peak = memory("VmHWM") - idle;
	*mib = peak > *mib ? peak : *mib;
}

/* A dataplane that only declares the map. */
static void document(const char *declaration, uint32_t entries, struct text *out)
{
	_cleanup_text_ struct text code = {};

	text_printf(&code,
		    "struct flow { __be32 saddr; __be32 daddr; };\n"
		    "struct counts { u64 packets; u64 bytes; };\n"
		    "%s%u);\n"
		    "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata "
		    "*md)\n{\nreturn RX_OK;\n}\n",
		    declaration, entries);
	text_adds(out, "{\"ingress-path\":{\"code\":");
	text_json(out, code.data, code.len);
	text_printf(out,
		    ",\"metric-configs\":[{\"name\":\"flows\",\"map-name\":\"FLOWS\","
		    "\"max-series\":%u,\"open-metrics-metadata\":{\"type\":\"counter\","
		    "\"help\":\"Flows.\",\"labels\":[]}}]}}",
		    entries);
}

static void load(struct bench *bench, struct snapshot *snapshot)
{
	const struct shape *shape = bench->shape;
	struct injection injection = { .monitor = "edge" };
	_cleanup_text_ struct text warnings = {}, json = {};
	_cleanup_error_ struct error err = {};

	document(shape->declaration, shape->entries, &json);
	injection.bytes = text_str(&json);
	injection.len = json.len;
	must(registry_inject(bench->registry, &injection, &warnings, &err), &err, "inject");
	snapshot_of(bench->registry, snapshot);
	bench->map = &snapshot->items[0].generation->directions[INGRESS].metrics[0].map;
	fill(bench->map, shape->entries);
}

/* The metric is dispatched to collectd with its 100 largest series. */
static void add_monitor(struct registry *registry)
{
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct monitor_settings settings;
	struct settings_node monitor = { BLOCK_MONITOR, &settings }, metric;

	must(monitor_settings_init(&settings, "edge", &err), &err, "monitor");
	must(settings_set(monitor, "Interface", "v0", &err), &err, "monitor");
	must(settings_open(monitor, "Metric", "flows", &metric, &err), &err, "monitor");
	must(settings_set(metric, "MaxSeries", "100", &err), &err, "monitor");
	must(registry_add(registry, &settings, false, &report, &err), &err, "monitor");
}

static double median(const double *values, int n)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, (size_t)n * sizeof(*values));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare_doubles);
	return sorted[n / 2];
}

/* Prints the medians of the first n rounds: of both readings, and of their ratio. */
static void compare(const struct bench *bench, const char *how, enum reading reading,
		    const char *reference, enum reading beside, int n, double goal)
{
	const double *here = bench->ms[reading], *there = bench->ms[beside];
	double ratios[ROUNDS_MAX];

	for (int i = 0; i < n; i++)
		ratios[i] = here[i] / there[i];
	printf("| %u entries of %s, %s | %.0f ms | %s: %.0f ms | %.3f | <= %.1f %s |\n",
	       bench->shape->entries, bench->shape->what, how, median(here, n), reference,
	       median(there, n), median(ratios, n), goal,
	       median(ratios, n) <= goal ? "met" : "MISSED");
	fflush(stdout);
}

static void compare_memory(const struct bench *bench)
{
	double raw = (double)bench->shape->entries *
		     (double)(bench->map->key_size + map_value_stride(bench->map)) / 1048576;

	printf("| %u entries of %s, memory above idle: JSON, top 100 | %.1f MiB, %.1f MiB | "
	       "the bare calls: %.1f MiB",
	       bench->shape->entries, bench->shape->what, bench->mib[JSON], bench->mib[TOP],
	       bench->mib[BARE]);
	if (bench->shape->dumps)
		printf(", all of bpftool: %.1f MiB", bench->mib[BPFTOOL]);
	printf(" | | <= %.0f MiB %s |\n", MEMORY_MAX,
	       bench->mib[JSON] <= MEMORY_MAX && bench->mib[TOP] <= MEMORY_MAX ? "met" : "MISSED");
	printf("| %u entries of %s, memory above idle: OpenMetrics | %.1f MiB | "
	       "the entries: %.1f MiB | | <= %.1f MiB %s |\n",
	       bench->shape->entries, bench->shape->what, bench->mib[OPENMETRICS], raw,
	       MEMORY_MAX + raw, bench->mib[OPENMETRICS] <= MEMORY_MAX + raw ? "met" : "MISSED");
	fflush(stdout);
}

/* Compares the growth of the time at ten times the entries with that of the bare calls. */
static void compare_slope(const struct bench *bench, const struct bench *tenth)
{
	static const char *const names[READ_STATS] = {
		[JSON] = "to JSON",
		[OPENMETRICS] = "to OpenMetrics, two families",
		[TOP] = "to the largest 100 as values",
	};
	double slopes[READ_STATS];

	for (enum reading reading = BARE; reading <= TOP; reading++) {
		slopes[reading] = median(bench->ms[reading], bench->shape->rounds) /
				  median(tenth->ms[reading], tenth->shape->rounds);
		if (reading != BARE)
			printf("| ten times the entries, %s | %.1f times as long | "
			       "the bare calls: %.1f times | %.2f | <= %.1f %s |\n",
			       names[reading], slopes[reading], slopes[BARE],
			       slopes[reading] / slopes[BARE], SLOPE_MAX,
			       slopes[reading] <= SLOPE_MAX * slopes[BARE] ? "met" : "MISSED");
	}
	fflush(stdout);
}

static void measure(struct registry *registry, const struct shape *shape, struct bench *bench)
{
	static const char bare[] = "the bare calls";
	struct snapshot snapshot;

	*bench = (struct bench){ .shape = shape, .registry = registry };
	load(bench, &snapshot);
	/* Round -1 warms up the caches. */
	for (int round = -1; round < shape->rounds; round++)
		for (enum reading reading = BARE; reading < READ_STATS; reading++)
			if (reading != BPFTOOL || (round >= 0 && round < shape->dumps))
				read_once(bench, reading, round < 0 ? 0 : round);
	if (shape->dumps)
		compare(bench, "to JSON", JSON, "bpftool -j map dump", BPFTOOL, shape->dumps, 0.1);
	compare(bench, "to JSON", JSON, bare, BARE, shape->rounds, 1.5);
	compare(bench, "to OpenMetrics, two families", OPENMETRICS, bare, BARE, shape->rounds, 3);
	compare(bench, "to the largest 100 as values", TOP, bare, BARE, shape->rounds, 1.5);
	compare_memory(bench);
	snapshot_release(&snapshot);
}

/* Returns the memory that can be used without swapping, in GiB. */
static double available_gib(void)
{
	_cleanup_fclose_ FILE *info = fopen("/proc/meminfo", "r");
	char line[256];

	while (info && fgets(line, sizeof(line), info))
		if (!strncmp(line, "MemAvailable:", 13))
			return strtod(line + 13, NULL) / 1048576;
	return 0;
}

static int for_others(int argc, char **argv)
{
	uint32_t number = (uint32_t)strtoul(argv[2], NULL, 10);
	_cleanup_text_ struct text text = {};
	struct map map;
	double start;

	if (!strcmp(argv[1], "document")) {
		document(shapes[0].declaration, number, &text);
		puts(text_str(&text));
		return 0;
	}
	map = map_of(bpf_map_get_fd_by_id(number));
	if (argc == 4 && !strcmp(argv[1], "fill")) {
		fill(&map, (uint32_t)strtoul(argv[3], NULL, 10));
		return 0;
	}
	start = now_us();
	read_bare(&map);
	printf("%.1f\n", (now_us() - start) / 1e3);
	return 0;
}

int main(int argc, char **argv)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC"),
					   .include_dir = getenv("DYNMON_BPFDIR") };
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_error_ struct error err = {};
	static struct bench benches[ARRAY_SIZE(shapes)];

	log_set_sink(log_line);
	if (argc > 2)
		return for_others(argc, argv);
	if (argc != 2)
		return 2;
	if (unshare(CLONE_NEWNET) < 0 ||
	    system("ip link add v0 type veth peer name v1 && ip link set v0 up")) {
		fprintf(stderr, "read: no network namespace\n");
		return 1;
	}
	must(registry_new(&compiler, argv[1], NULL, &registry, &err), &err, "registry");
	add_monitor(registry);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (available_gib() < shapes[i].memory) {
			printf("| %u entries of %s | not measured | takes %d GiB of memory | | |\n",
			       shapes[i].entries, shapes[i].what, shapes[i].memory);
			continue;
		}
		measure(registry, &shapes[i], &benches[i]);
		if (shapes[i].entries == 10 * MILLION)
			compare_slope(&benches[i], &benches[0]);
	}
	return 0;
}
