/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/log.h"
#include "fixture.h"
#include "metric/reader.h"
#include "monitor/registry.h"
#include "monitor/reload.h"
#include "monitor/swap_read.h"

#include <bpf/bpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/socket.h>

#define TCX_INGRESS ((enum bpf_attach_type)46)

#define CHANGES	 60
#define PROTOCOL 0x88b5 /* EtherType for experiments, used by the counted frames */

/* Each map counts the frames with another method. */
static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_endian.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct pair { __u64 n, twice; };\n"
	"#define MAP(name, kind, v) struct { __uint(type, BPF_MAP_TYPE_##kind); __type(key, "
	"__u32);\\\n"
	"	__type(value, v); __uint(max_entries, 1); } name SEC(\".maps\");\n"
	"MAP(WORD, ARRAY, __u64) MAP(SWAPPED, ARRAY, __u64) MAP(HASH, HASH, __u64)\n"
	"MAP(PAIR, PERCPU_ARRAY, struct pair)\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { __u32 zero = 0; __u64 none = 0, *n;\n"
	"	struct pair *pair;\n"
	"	if (skb->protocol != bpf_htons(0x88b5)) return -1;\n"
	"	if ((n = bpf_map_lookup_elem(&WORD, &zero))) __sync_fetch_and_add(n, 1);\n"
	"	if ((n = bpf_map_lookup_elem(&SWAPPED, &zero))) __sync_fetch_and_add(n, 1);\n"
	"	bpf_map_update_elem(&HASH, &zero, &none, BPF_NOEXIST);\n"
	"	if ((n = bpf_map_lookup_elem(&HASH, &zero))) __sync_fetch_and_add(n, 1);\n"
	"	if ((pair = bpf_map_lookup_elem(&PAIR, &zero))) { pair->n++; pair->twice += 2; }\n"
	"	return -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

/* WORD is emptied in place by atomic exchange. */
static const char *const maps[] = { "WORD", "SWAPPED", "HASH", "PAIR" };

static char *folder;
static bool possible;

/* Creates the document swap.json in the folder, and the interface v0. */
static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {}, json = {};

	(void)state;
	folder = folder_make();
	log_set_sink(ignore_log);
	if (!bpf_possible() || !netns_private() || !object_compile(source, &elf))
		return 0;
	text_adds(&json, "{\"ingress-path\":{\"object-data\":\"");
	base64_encode(elf.data, elf.len, &json);
	text_adds(&json, "\",\"metric-configs\":[");
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		text_printf(&json,
			    "%s{\"name\":\"%s\",\"map-name\":\"%s\",\"extraction-options\":{"
			    "\"empty-on-read\":true,\"swap-on-read\":%s},"
			    "\"open-metrics-metadata\":{\"help\":\"\",\"type\":\"counter\","
			    "\"labels\":[]}}",
			    i ? "," : "", maps[i], maps[i], i ? "true" : "false");
	text_adds(&json, "]}}");
	file_make(folder, "swap.json", json.data, json.len, 0600);
	possible = !shell("ip link add v0 type veth peer name v1 && ip link set v0 up && "
			  "ip link set v1 up");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	free(folder);
	return 0;
}

static struct registry *registry_make(void)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };
	struct registry *registry;

	assert_int_equal(registry_new(&compiler, folder, NULL, &registry, NULL), 0);
	return registry;
}

/* Applies settings with one monitor and the given interval. force: reloads it, too. */
static void apply(struct registry *registry, const char *interval, bool force)
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
	must(registry_apply(registry, &settings, NULL, force, &report, &err), &err);
}

static uint32_t program_on_v0(void)
{
	uint32_t ids[8] = {}, count = ARRAY_SIZE(ids);

	assert_int_equal(
		bpf_prog_query((int)if_nametoindex("v0"), TCX_INGRESS, 0, NULL, ids, &count), 0);
	assert_int_equal(count, 1);
	return ids[0];
}

static uint32_t program_said_to_run(const struct snapshot *snapshot)
{
	return object_program_id(generation_prog_fd(snapshot->items[0].generation, INGRESS));
}

/* A snapshot taken before the settings changed still switches the copies that run. */
static void test_settings_changed_meanwhile(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(snapshot_release) struct snapshot early = {}, late = {};
	uint32_t first;

	(void)state;
	if (!possible)
		skip();
	registry = registry_make();
	apply(registry, "10", false);
	first = program_on_v0();
	assert_int_equal(registry_snapshot(registry, NULL, &early, NULL), 0);
	snapshot_collect(&early);
	assert_int_not_equal(program_on_v0(), first);
	snapshot_collect(&early);
	assert_int_equal(program_on_v0(), first);
	/* changed settings, unchanged programs */
	apply(registry, "20", false);
	assert_int_equal(program_on_v0(), first);
	snapshot_collect(&early);
	assert_int_not_equal(program_on_v0(), first);
	assert_int_equal(registry_snapshot(registry, NULL, &late, NULL), 0);
	assert_ptr_equal(late.items[0].monitor, early.items[0].monitor);
	assert_ptr_equal(late.items[0].generation, early.items[0].generation);
	assert_true(early.items[0].settings->interval == 10);
	assert_true(late.items[0].settings->interval == 20);
	assert_int_equal(program_said_to_run(&late), program_on_v0());
	snapshot_collect(&late);
	assert_int_equal(program_on_v0(), first);
	assert_int_equal(program_said_to_run(&late), program_on_v0());
}

struct reads {
	struct registry *registry;
	uint64_t sums[ARRAY_SIZE(maps)];
	uint64_t totals[ARRAY_SIZE(maps)]; /* of samples, at the last read */
	bool stop;
};

static uint64_t read_metric(const struct metric *metric, enum metric_use use)
{
	struct metric_reader reader;
	struct metric_batch batch;
	uint64_t sum = 0;

	assert_int_equal(metric_reader_init(&reader, metric, use), 0);
	while (metric_reader_next(&reader, &batch) > 0)
		for (uint32_t i = 0; i < batch.entries.count; i++) {
			const char *value = batch.entries.values + i * batch.entries.value_stride;

			for (size_t at = 0; at < batch.entries.value_stride;
			     at += sizeof(uint64_t)) {
				uint64_t n;

				memcpy(&n, value + at, sizeof(n));
				sum += batch.numbers ? 0 : n;
			}
			sum += batch.numbers ? batch.numbers[i].u : 0;
		}
	metric_reader_release(&reader);
	return sum;
}

static void read_snapshot(struct reads *reads, const struct snapshot *snapshot)
{
	const struct generation *generation = snapshot->items[0].generation;

	assert_int_equal(snapshot->n, 1);
	snapshot_collect(snapshot);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct metric *metric = &generation->directions[INGRESS].metrics[i];

		reads->sums[i] += read_metric(metric, METRIC_FOR_JSON);
		if (metric->n_families)
			reads->totals[i] = read_metric(metric, METRIC_FOR_SAMPLES);
	}
}

/* Reads the current snapshot and the previous one. */
static void *read_on(void *data)
{
	struct reads *reads = data;
	struct snapshot last = {};

	while (!__atomic_load_n(&reads->stop, __ATOMIC_ACQUIRE)) {
		struct snapshot snapshot;

		assert_int_equal(registry_snapshot(reads->registry, NULL, &snapshot, NULL), 0);
		read_snapshot(reads, &snapshot);
		if (last.n)
			read_snapshot(reads, &last);
		snapshot_release(&last);
		last = snapshot;
	}
	snapshot_release(&last);
	return NULL;
}

/* Sends frames until stopped. Returns the number of frames sent, all of which have arrived. */
static void *send_on(void *data)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
					.sll_ifindex = (int)if_nametoindex("v1"),
					.sll_halen = ETH_ALEN };
	char frame[60] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (char)(PROTOCOL >> 8), (char)(PROTOCOL & 0xff)
	};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const bool *stop = data;
	uintptr_t n = 0;

	/* At least one frame, even if this thread starts late. */
	while (fd >= 0 && (!n || !__atomic_load_n(stop, __ATOMIC_ACQUIRE)))
		n += sendto(fd, frame, sizeof(frame), 0, (const struct sockaddr *)&to,
			    sizeof(to)) == sizeof(frame);
	return frames_settle() < 0 ? NULL : (void *)n;
}

/* Concurrent reads and reconfiguration: no frame is lost or counted twice. */
static void test_exact(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	struct reads reads[3] = {}, end = {};
	pthread_t readers[ARRAY_SIZE(reads)], sender;
	bool stop = false;
	void *sent;

	(void)state;
	if (!possible)
		skip();
	registry = registry_make();
	apply(registry, "10", false);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		reads[i].registry = registry;
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, &reads[i]), 0);
	}
	assert_int_equal(pthread_create(&sender, NULL, send_on, &stop), 0);
	for (int i = 0; i < CHANGES; i++)
		apply(registry, i & 1 ? "20" : "10", i & 2);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(sender, &sent);
	assert_true((uintptr_t)sent > 0);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		__atomic_store_n(&reads[i].stop, true, __ATOMIC_RELEASE);
		pthread_join(readers[i], NULL);
	}
	for (int copy = 0; copy < 2; copy++) { /* either copy may have the last frames */
		_cleanup_(snapshot_release) struct snapshot snapshot = {};

		assert_int_equal(registry_snapshot(registry, NULL, &snapshot, NULL), 0);
		read_snapshot(&end, &snapshot);
	}
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		uint64_t sum = end.sums[i];

		for (size_t j = 0; j < ARRAY_SIZE(reads); j++)
			sum += reads[j].sums[i];
		if (!strcmp(maps[i], "PAIR")) /* the second half has twice the count */
			sum /= 3;
		else
			assert_int_equal(end.totals[i], (uintptr_t)sent);
		if (sum != (uintptr_t)sent)
			fail_msg("%s: %llu of %llu", maps[i], (unsigned long long)sum,
				 (unsigned long long)(uintptr_t)sent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_changed_meanwhile),
		cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
