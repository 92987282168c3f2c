/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "base/log.h"
#include "fixture.h"
#include "metric/reader.h"
#include "monitor/operation.h"
#include "monitor/registry.h"
#include "monitor/swap_read.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/socket.h>

/* Each path counts in its own map, and both in a shared one. */
static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct array { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, "
	"__u64);\n"
	"	__uint(max_entries, 1); };\n"
	"struct array COUNT SEC(\".maps\");\n"
	"struct array BOTH SEC(\".maps\") __attribute__((btf_decl_tag(\"dynmon:shared\")));\n"
	"struct array LAST SEC(\".maps\");\n"
	"static void count(void *map) { __u32 zero = 0; __u64 *n = bpf_map_lookup_elem(map, "
	"&zero);\n"
	"	if (n) __sync_fetch_and_add(n, 1); }\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { count(&COUNT); count(&BOTH); "
	"count(&LAST);\n"
	"	return -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

static struct text object; /* base64 */
static char *folder;
static struct text logged;

#define skip_without_object()                                                                      \
	do {                                                                                       \
		if (!object.len)                                                                   \
			skip();                                                                    \
	} while (0)

static void keep_log(enum log_level level, const char *line)
{
	if (level == LOG_LEVEL_ERR)
		text_printf(&logged, "%s\n", line);
}

static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {};

	(void)state;
	folder = folder_make();
	log_set_sink(keep_log);
	if (!bpf_possible() || !netns_private() || !object_compile(source, &elf))
		return 0;
	/* Only the tests send packets. */
	shell("sysctl -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
	base64_encode(elf.data, elf.len, &object);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	text_release(&object);
	text_release(&logged);
	folder_remove(folder);
	free(folder);
	return 0;
}

static int make_interfaces(void **state)
{
	(void)state;
	for (int i = 0; object.len && i < 2; i++)
		if (shell("ip link add v%d type veth peer name v%d_p && ip link set v%d up arp off "
			  "&& ip link set v%d_p up arp off",
			  i, i, i, i))
			return -1;
	text_clear(&logged);
	return 0;
}

static int delete_interfaces(void **state)
{
	(void)state;
	shell("ip link del v0 ; ip link del v1");
	return 0;
}

/* Sends frames out of an interface. Returns after they have arrived at the peer. */
static void send_frames(const char *interface, int n)
{
	const struct ethhdr frame[8] = {
		{ .h_dest = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, .h_proto = htons(0x88b5) },
	};
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_ifindex = (int)if_nametoindex(interface) };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	while (n) {
		ssize_t sent = sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&address,
				      sizeof(address));

		if (sent < 0 && errno == ENOBUFS)
			continue;
		assert_int_equal(sent, sizeof(frame));
		n--;
	}
	assert_int_equal(frames_settle(), 0);
}

/* Both directions have the same code; the metrics are divided between them. */
static char *document(bool empty)
{
	static const struct {
		const char *name, *map, *type;
		int direction;
	} metrics[] = {
		{ "count_total", "COUNT", "counter", INGRESS },
		{ "again_total", "COUNT", "counter", INGRESS },
		{ "both_total", "BOTH", "counter", INGRESS },
		{ "last", "LAST", "gauge", INGRESS },
		{ "both_total", "BOTH", "counter", EGRESS },
	};
	_cleanup_text_ struct text json = {};

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const char *comma = "";

		text_printf(&json, "%s\"%s-path\":{\"object-data\":\"", direction ? "," : "{",
			    direction_name(direction));
		text_add(&json, object.data, object.len);
		text_adds(&json, "\",\"metric-configs\":[");
		for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
			if (metrics[i].direction != (int)direction)
				continue;
			text_printf(&json,
				    "%s{\"name\":\"%s\",\"map-name\":\"%s\",\"extraction-options\":"
				    "{\"swap-on-read\":true,\"empty-on-read\":%s},"
				    "\"open-metrics-metadata\":{\"type\":\"%s\",\"help\":\"h\","
				    "\"labels\":[]}}",
				    comma, metrics[i].name, metrics[i].map,
				    empty ? "true" : "false", metrics[i].type);
			comma = ",";
		}
		text_adds(&json, "]}");
	}
	text_addc(&json, '}');
	return text_steal(&json);
}

static struct registry *registry_make(void)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };
	struct registry *registry;

	assert_int_equal(registry_new(&compiler, folder, NULL, &registry, NULL), 0);
	return registry;
}

static int inject(struct registry *registry, const char *interface, const char *json, bool keep,
		  struct error *err)
{
	_cleanup_text_ struct text warnings = {};
	const struct injection injection = { .monitor = "edge",
					     .interface = interface,
					     .bytes = json,
					     .len = strlen(json),
					     .keep_maps = keep };

	return registry_inject(registry, &injection, &warnings, err);
}

static uint32_t program_on(const char *interface, bool egress)
{
	uint32_t ids[8] = {}, count = ARRAY_SIZE(ids), flags;

	assert_int_equal(bpf_prog_query((int)if_nametoindex(interface),
					(enum bpf_attach_type)(egress ? 47 : 46), 0,
					/* BPF_TCX_* */ &flags, ids, &count),
			 0);
	assert_int_equal(count, 1);
	return ids[0];
}

/*
 * Returns the metric's single value, summed over all interfaces, as samples or JSON. Does not swap.
 */
static uint64_t sum_of(const struct snapshot *snapshot, const char *name, enum direction direction,
		       enum metric_use use)
{
	struct snapshot_metric each = {};
	uint64_t sum = 0;

	while (snapshot_next_metric(snapshot, &each)) {
		struct metric_reader reader;
		struct metric_batch batch;

		if (each.direction != direction || strcmp(each.metric->config->name, name) != 0)
			continue;
		assert_int_equal(metric_reader_init(&reader, each.metric, use), 0);
		while (metric_reader_next(&reader, &batch) > 0)
			for (uint32_t e = 0; e < batch.entries.count; e++)
				sum += metric_batch_sample(each.metric, 0, &batch, e).u;
		metric_reader_release(&reader);
	}
	return sum;
}

static uint64_t read_once(struct registry *registry, const char *name, enum direction direction,
			  enum metric_use use)
{
	struct snapshot snapshot;
	uint64_t sum;

	assert_int_equal(registry_snapshot(registry, "edge", &snapshot, NULL), 0);
	snapshot_collect(&snapshot);
	sum = sum_of(&snapshot, name, direction, use);
	snapshot_release(&snapshot);
	return sum;
}

/* A read switches to the other copy and takes the counts of the one that ran. */
static void test_turns(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	uint32_t first, second;
	struct snapshot snapshot;

	(void)state;
	skip_without_object();
	registry = registry_make();
	json = document(false);
	must(inject(registry, "v0", json, false, &err), &err);
	first = program_on("v0", false);
	for (int turn = 0; turn < 4; turn++) {
		uint32_t out = program_on("v0", true);

		send_frames("v0_p", 3);
		assert_int_equal(registry_snapshot(registry, "edge", &snapshot, NULL), 0);
		/* the counts are in the running copy, which is not read */
		assert_int_equal(sum_of(&snapshot, "count_total", INGRESS, METRIC_FOR_SAMPLES),
				 3 * turn);
		snapshot_collect(&snapshot);
		assert_int_equal(sum_of(&snapshot, "count_total", INGRESS, METRIC_FOR_SAMPLES),
				 3 * turn + 3);
		assert_int_equal(sum_of(&snapshot, "count_total", INGRESS, METRIC_FOR_JSON),
				 3 * turn + 3);
		/* all metrics of one map have the same value, on both directions */
		assert_int_equal(sum_of(&snapshot, "again_total", INGRESS, METRIC_FOR_SAMPLES),
				 3 * turn + 3);
		assert_int_equal(sum_of(&snapshot, "both_total", INGRESS, METRIC_FOR_SAMPLES),
				 3 * turn + 3);
		assert_int_equal(sum_of(&snapshot, "both_total", EGRESS, METRIC_FOR_SAMPLES),
				 3 * turn + 3);
		/* a gauge is the value of the copy */
		assert_int_equal(sum_of(&snapshot, "last", INGRESS, METRIC_FOR_SAMPLES), 3);
		second = program_on("v0", false);
		if (turn % 2)
			assert_int_equal(second, first);
		else
			assert_int_not_equal(second, first);
		assert_int_not_equal(program_on("v0", true), out);
		snapshot_release(&snapshot);
	}
	assert_string_equal(text_str(&logged), "");
}

/* With empty-on-read, JSON shows the difference; samples are cumulative, also across a reload. */
static void test_empty(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	uint64_t total = 0;

	(void)state;
	skip_without_object();
	registry = registry_make();
	json = document(true);
	must(inject(registry, "v0", json, false, &err), &err);
	for (int turn = 0; turn < 6; turn++) {
		uint32_t program = program_on("v0", false);
		const char *name = turn % 2 ? "count_total" : "both_total";

		send_frames("v0_p", turn);
		total += (uint64_t)turn;
		if (turn > 1) { /* counts that were not read yet are carried over */
			must(inject(registry, NULL, json, true, &err), &err);
			assert_int_not_equal(program_on("v0", false), program);
		}
		assert_int_equal(read_once(registry, name, INGRESS, METRIC_FOR_SAMPLES), total);
		assert_int_equal(read_once(registry, "again_total", INGRESS, METRIC_FOR_JSON),
				 turn);
		assert_int_equal(read_once(registry, "again_total", INGRESS, METRIC_FOR_JSON), 0);
	}
	/* an injection starts with fresh maps */
	send_frames("v0_p", 5);
	must(inject(registry, NULL, json, false, &err), &err);
	send_frames("v0_p", 2);
	assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES), 2);
	assert_string_equal(text_str(&logged), "");
}

/* A snapshot of a replaced generation yields no new counts and switches no link. */
static void test_replaced_meanwhile(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	struct snapshot kept, fresh;
	uint32_t program;

	(void)state;
	skip_without_object();
	registry = registry_make();
	json = document(false);
	must(inject(registry, "v0", json, false, &err), &err);
	send_frames("v0_p", 3);
	assert_int_equal(registry_snapshot(registry, "edge", &kept, NULL), 0);
	must(inject(registry, NULL, json, true, &err), &err);
	program = program_on("v0", false);
	send_frames("v0_p", 4);
	snapshot_collect(&kept);
	assert_int_equal(program_on("v0", false), program);
	assert_int_equal(registry_snapshot(registry, "edge", &fresh, NULL), 0);
	snapshot_collect(&fresh);
	assert_int_equal(sum_of(&fresh, "count_total", INGRESS, METRIC_FOR_SAMPLES), 7);
	/* both generations share the accumulator, as they share the map */
	assert_int_equal(sum_of(&kept, "count_total", INGRESS, METRIC_FOR_SAMPLES), 7);
	snapshot_release(&fresh);
	/* a snapshot of a generation that is not attached */
	must(registry_eject(registry, "edge", -1, NULL, &err), &err);
	snapshot_collect(&kept);
	snapshot_release(&kept);
	assert_int_equal(registry_snapshot(registry, "edge", &kept, NULL), 0);
	snapshot_collect(&kept);
	snapshot_release(&kept);
	snapshot_collect(&(struct snapshot){});
	assert_string_equal(text_str(&logged), "");
}

/*
 * If one of several links fails to switch, nothing is taken and nothing is lost: the next read
 * returns all counts.
 */
static void test_failing_link(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	struct attachment *attachment;
	struct monitor_list list;
	uint32_t programs[2][2];
	int link;

	(void)state;
	skip_without_object();
	registry = registry_make();
	json = document(false);
	must(inject(registry, "v0", json, false, &err), &err);
	must(registry_attach(registry, "edge", "v1", NULL, false, NULL, &err), &err);
	/* each instance swaps by itself unless Share is set, so only the second direction fails
	 * here */
	must(registry_list(registry, "edge", &list, &err), &err);
	assert_int_equal(list.monitors[0]->n_instances, 2);
	attachment = &list.monitors[0]->instances[1]->attachments[EGRESS];
	link = attachment->link_fd;
	for (int i = 0; i < 2; i++) {
		char name[4] = { 'v', (char)('0' + i), 0 };

		programs[i][0] = program_on(name, false);
		programs[i][1] = program_on(name, true);
	}
	send_frames("v0_p", 3);
	send_frames("v1_p", 4);
	for (int try = 0; try < 2; try++) {
		text_clear(&logged);
		attachment->link_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES),
				 3);
		close(attachment->link_fd);
		attachment->link_fd = link;
		assert_true(
			contains(text_str(&logged), "monitor edge: swap-on-read: interface v1: "));
		assert_int_equal(program_on("v1", false), programs[1][0]);
		assert_int_equal(program_on("v1", true), programs[1][1]);
	}
	send_frames("v1_p", 1);
	text_clear(&logged);
	assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES), 8);
	assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES), 8);
	/* a program detached by another process is not an error and counts nothing */
	assert_int_equal(bpf_link_detach(link), 0);
	send_frames("v1_p", 2);
	assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES), 10);
	assert_string_equal(text_str(&logged), "");
	monitor_list_release(&list);
}

struct load {
	struct registry *registry;
	bool *stop;	 /* atomic */
	uint64_t deltas; /* sum of JSON differences */
	unsigned int fell;
};

static void *reader_thread(void *data)
{
	struct load *load = data;
	uint64_t before = 0;

	while (!__atomic_load_n(load->stop, __ATOMIC_ACQUIRE)) {
		struct snapshot snapshot;
		uint64_t now;

		if (registry_snapshot(load->registry, "edge", &snapshot, NULL) < 0)
			break;
		snapshot_collect(&snapshot);
		load->deltas += sum_of(&snapshot, "again_total", INGRESS, METRIC_FOR_JSON);
		now = sum_of(&snapshot, "count_total", INGRESS, METRIC_FOR_SAMPLES);
		load->fell += now < before;
		before = now;
		snapshot_release(&snapshot);
	}
	return NULL;
}

static void *sender_thread(void *data)
{
	send_frames(data, 20000);
	return NULL;
}

/* Concurrent readers, reloads and two senders: every frame is counted exactly once. */
static void test_concurrent(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	pthread_t readers[2], senders[2];
	struct load loads[2];
	uint64_t deltas = 0;
	bool stop = false;

	(void)state;
	skip_without_object();
	registry = registry_make();
	json = document(true);
	must(inject(registry, "v0", json, false, &err), &err);
	must(registry_attach(registry, "edge", "v1", NULL, false, NULL, &err), &err);
	for (int i = 0; i < 2; i++) {
		static char names[2][8] = { "v0_p", "v1_p" };

		loads[i] = (struct load){ .registry = registry, .stop = &stop };
		assert_int_equal(pthread_create(&readers[i], NULL, reader_thread, &loads[i]), 0);
		assert_int_equal(pthread_create(&senders[i], NULL, sender_thread, names[i]), 0);
	}
	for (int i = 0; i < 15; i++)
		must(inject(registry, NULL, json, true, &err), &err);
	for (int i = 0; i < 2; i++)
		pthread_join(senders[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i], NULL);
		assert_int_equal(loads[i].fell, 0);
		deltas += loads[i].deltas;
	}
	assert_int_equal(read_once(registry, "count_total", INGRESS, METRIC_FOR_SAMPLES), 40000);
	assert_int_equal(read_once(registry, "both_total", EGRESS, METRIC_FOR_SAMPLES), 40000);
	deltas += read_once(registry, "again_total", INGRESS, METRIC_FOR_JSON);
	assert_int_equal(deltas, 40000);
	assert_string_equal(text_str(&logged), "");
}

#define on_interfaces(test)                                                                        \
	cmocka_unit_test_setup_teardown(test, make_interfaces, delete_interfaces)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_interfaces(test_turns),
		on_interfaces(test_empty),
		on_interfaces(test_replaced_meanwhile),
		on_interfaces(test_failing_link),
		on_interfaces(test_concurrent),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
