/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "persist/pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char source[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);\n"
	"	__uint(max_entries, 3); } COUNT SEC(\".maps\");\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u64); __type(value, __u32);\n"
	"	__uint(max_entries, 7); } OTHER SEC(\".maps\");\n"
	"int global;\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { __u32 zero = 0; __u64 key = 1; global++;\n"
	"	__u64 *n = bpf_map_lookup_elem(&COUNT, &zero); if (n) __sync_fetch_and_add(n, 1);\n"
	"	return bpf_map_lookup_elem(&OTHER, &key) ? -1 : -1; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

#define STORE PIN_STORE_DIR "/%2fvar%2flib%2fa"

static struct pin_store *store;

/* Two copies of one program. */
static struct object *first, *second;

static int set_up(void **state)
{
	(void)state;
	if (!bpf_possible() || !bpffs_private())
		return 0;
	store = pin_store_new("//var/lib//a/");
	first = object_from_source(source);
	second = object_from_source(source);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object_unref(first);
	object_unref(second);
	pin_store_free(store);
	return 0;
}

#define skip_without_pins()                                                                        \
	do {                                                                                       \
		if (!first || !second)                                                             \
			skip();                                                                    \
	} while (0)

static int program_of(const struct object *object)
{
	return object->programs[0].fd;
}

/* A generation that borrows the objects instead of loading them. */
static struct generation generation_of(struct object *object, struct object *copy)
{
	struct generation generation = {};

	generation.directions[INGRESS] = (struct generation_direction){
		.object = object,
		.prog_fd = program_of(object),
		.second = copy,
		.second_prog_fd = copy ? program_of(copy) : -1,
	};
	generation.directions[EGRESS].prog_fd = generation.directions[EGRESS].second_prog_fd = -1;
	return generation;
}

static bool there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static struct pins *open_pins(const char *monitor)
{
	_cleanup_error_ struct error err = {};
	struct pins *pins = NULL;

	if (pins_open(store, monitor, &pins, &err) < 0)
		fail_msg("%s", error_message(&err));
	return pins;
}

static bool runs(void *data, enum direction direction, uint32_t prog_id)
{
	return direction == INGRESS && prog_id == *(const uint32_t *)data;
}

static void test_names(void **state)
{
	static const struct {
		const char *state_dir, *path;
	} stores[] = {
		{ "/var/lib/a", STORE },
		{ "//var///lib/a//", STORE },
		{ "/", PIN_STORE_DIR "/%2f" },
		{ "/srv/a.b%2f", PIN_STORE_DIR "/%2fsrv%2fa%2eb%252f" },
	};
	struct pins *pins;

	(void)state;
	skip_without_pins();
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		struct pin_store *named = pin_store_new(stores[i].state_dir);

		assert_string_equal(pin_store_path(named), stores[i].path);
		pin_store_free(named);
	}
	/* bpffs does not allow dots in names. Escaped names must not collide. */
	pins = open_pins("edge.1%2e");
	assert_true(there(STORE "/edge%2e1%252e"));
	pins_remove(pins, NULL);
	pins_close(pins);
	assert_false(there(STORE "/edge%2e1%252e"));
	assert_null(pins_close(NULL));
}

static void test_one_at_a_time(void **state)
{
	_cleanup_error_ struct error err = {};
	struct pins *pins, *again = NULL;
	pid_t child;
	int status;

	(void)state;
	skip_without_pins();
	pins = open_pins("edge");
	assert_int_equal(pins_open(store, "edge", &again, &err), -EBUSY);
	assert_string_equal(error_message(&err),
			    "Pin: \"" STORE "/edge\" is in use by another process");
	assert_null(again);
	child = fork();
	if (child == 0) {
		/* same state directory, hence the same collectd */
		struct pin_store *same = pin_store_new("/var/lib/a");

		error_release(&err);
		_exit(pins_open(same, "other", &again, &err) == -EBUSY &&
				      !strcmp(error_message(&err),
					      "Pin: \"" STORE
					      "\" is in use by another process; give each "
					      "collectd its own StateDir")
			      ? 0
			      : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	/* Each monitor has its own directory. */
	again = open_pins("edge2");
	pins_remove(again, NULL);
	pins_close(again);
	pins_close(pins);
	pins = open_pins("edge");
	pins_remove(pins, NULL);
	pins_close(pins);
}

static void test_save_and_find(void **state)
{
	_cleanup_(pinned_release) struct pinned pinned = {}, none = {};
	struct generation generation;
	uint32_t zero = 0, id;
	uint64_t value = 42, number = 0, newer = 0, found = 0;
	size_t n_count = 0, n_other = 0;
	struct pins *pins;

	(void)state;
	skip_without_pins();
	generation = generation_of(first, NULL);
	pins = open_pins("edge");
	id = object_program_id(program_of(first));
	assert_int_equal(pins_find(pins, "eth0.5", runs, &id, &none), 0);
	assert_int_equal(pins_save(pins, "eth0.5", &generation, &number, NULL), 0);
	assert_true(there(STORE "/edge/eth0%2e5/1/prog-ingress"));
	generation = generation_of(second, NULL);
	assert_int_equal(pins_save(pins, "eth0.5", &generation, &newer, NULL), 0);
	assert_true(newer > number);

	/* The running generation is found, although a newer one is pinned. */
	bpf_map_update_elem(object_map_fd(object_find_map(first, "COUNT")), &zero, &value, 0);
	assert_int_equal(pins_find(pins, "eth0.5", runs, &id, &pinned), 1);
	assert_int_equal(pinned.prog_ids[INGRESS], id);
	assert_int_equal(pinned.prog_ids[EGRESS], 0);
	assert_false(pinned.second_runs);
	for (size_t i = 0; i < pinned.reusable_maps.n; i++) {
		const struct reusable_map *reusable_map = &pinned.reusable_maps.items[i];

		assert_int_equal(reusable_map->direction, INGRESS);
		assert_false(reusable_map->second || reusable_map->swapped);
		if (!strcmp(reusable_map->name, "COUNT")) {
			n_count++;
			assert_int_equal(reusable_map->map.max_entries, 3);
			assert_non_null(reusable_map->btf);
			bpf_map_lookup_elem(reusable_map->map.fd, &zero, &found);
		}
		n_other += !strcmp(reusable_map->name, "OTHER") && reusable_map->map.key_size == 8;
	}
	assert_int_equal(n_count, 1);
	assert_int_equal(n_other, 1);
	assert_int_equal(found, 42);

	/* If no generation runs, the newest one provides the maps, without a program. */
	id = 0;
	assert_int_equal(pins_find(pins, "eth0.5", runs, &id, &none), 1);
	assert_int_equal(none.prog_ids[INGRESS], 0);
	pins_settle(pins, "eth0.5", number);
	assert_true(there(STORE "/edge/eth0%2e5/1"));
	assert_false(there(STORE "/edge/eth0%2e5/2"));
	pins_forget(pins, "eth0.5", number);
	assert_false(there(STORE "/edge/eth0%2e5/1"));
	pins_remove(pins, NULL);
	pins_close(pins);
}

static void test_second_copy(void **state)
{
	_cleanup_(pinned_release) struct pinned pinned = {};
	struct generation generation;
	size_t swapped = 0, of_second = 0;
	uint64_t number;
	struct pins *pins;
	uint32_t id;

	(void)state;
	skip_without_pins();
	generation = generation_of(first, second);
	pins = open_pins("edge");
	/* Only swapped maps have a second copy. */
	object_find_map(first, "COUNT")->swapped = object_find_map(second, "COUNT")->swapped = true;
	id = object_program_id(program_of(second));
	assert_int_equal(pins_save(pins, "eth0", &generation, &number, NULL), 0);
	assert_true(there(STORE "/edge/eth0/1/twin-map-ingress-COUNT"));
	assert_false(there(STORE "/edge/eth0/1/twin-map-ingress-OTHER"));
	assert_int_equal(pins_find(pins, "eth0", runs, &id, &pinned), 1);
	assert_true(pinned.second_runs);
	assert_int_equal(pinned.prog_ids[INGRESS], id);
	for (size_t i = 0; i < pinned.reusable_maps.n; i++) {
		const struct reusable_map *reusable_map = &pinned.reusable_maps.items[i];

		of_second += reusable_map->second;
		swapped += reusable_map->swapped && !reusable_map->second &&
			   !strcmp(reusable_map->name, "COUNT");
	}
	assert_int_equal(of_second, 1);
	assert_int_equal(swapped, 1);
	object_find_map(first, "COUNT")->swapped = object_find_map(second, "COUNT")->swapped =
		false;
	pins_remove(pins, NULL);
	pins_close(pins);
}

static bool is_eth1(void *data, const char *place)
{
	(void)data;
	return !strcmp(place, "eth1");
}

static void test_places(void **state)
{
	struct generation generation;
	struct pins *pins;
	uint64_t number;

	(void)state;
	skip_without_pins();
	generation = generation_of(first, NULL);
	pins = open_pins("edge");
	assert_int_equal(pins_save(pins, "eth0", &generation, &number, NULL), 0);
	assert_int_equal(pins_move(pins, "eth0", "eth1"), 0);
	assert_false(there(STORE "/edge/eth0"));
	assert_true(there(STORE "/edge/eth1/1/prog-ingress"));
	/* Stale pins of the new name are replaced. */
	assert_int_equal(pins_save(pins, "eth2", &generation, &number, NULL), 0);
	assert_int_equal(pins_move(pins, "eth1", "eth2"), 0);
	assert_true(there(STORE "/edge/eth2/1"));
	assert_int_equal(pins_move(pins, "eth2", "eth1"), 0);
	/* Moving pins that do not exist succeeds. */
	assert_int_equal(pins_move(pins, "nosuch", "eth3"), 0);
	assert_int_equal(pins_save(pins, "eth2", &generation, &number, NULL), 0);
	pins_prune(pins, is_eth1, NULL);
	assert_true(there(STORE "/edge/eth1"));
	assert_false(there(STORE "/edge/eth2"));
	pins_remove(pins, "eth1");
	assert_false(there(STORE "/edge/eth1"));
	assert_true(there(STORE "/edge"));
	pins_remove(pins, NULL);
	pins_close(pins);
}

static bool is_wanted(void *data, const char *monitor)
{
	(void)data;
	return !strcmp(monitor, "wanted.1");
}

static void test_sweep(void **state)
{
	static const char *const monitors[] = { "wanted.1", "gone.1", "open.1" };
	_cleanup_text_ struct text report = {};
	struct pins *open = NULL;

	(void)state;
	skip_without_pins();
	for (size_t i = 0; i < ARRAY_SIZE(monitors); i++) {
		struct generation generation = generation_of(first, NULL);
		struct pins *pins = open_pins(monitors[i]);
		uint64_t number;

		assert_int_equal(pins_save(pins, "eth0", &generation, &number, NULL), 0);
		if (i == 2)
			open = pins;
		else
			pins_close(pins);
	}
	pin_store_sweep(store, is_wanted, NULL, &report);
	assert_string_equal(text_str(&report), "monitor gone.1: its pins were removed\n");
	assert_true(there(STORE "/wanted%2e1/eth0/1/prog-ingress"));
	assert_true(there(STORE "/open%2e1/eth0/1/prog-ingress"));
	assert_false(there(STORE "/gone%2e1"));
	pins_remove(open, NULL);
	pins_close(open);
	open = open_pins("wanted.1");
	pins_remove(open, NULL);
	pins_close(open);
	assert_false(there(STORE)); /* removed with the last pin */
}

static bool none_wanted(void *data, const char *monitor)
{
	(void)data;
	(void)monitor;
	return false;
}

/* Pins of another collectd are kept, and reported if that collectd does not run. */
static void test_two_stores(void **state)
{
	_cleanup_text_ struct text report = {};
	struct pin_store *other = pin_store_new("/var/lib/b");
	struct generation generation;
	struct pins *pins, *theirs = NULL;
	uint64_t number;

	(void)state;
	skip_without_pins();
	generation = generation_of(first, NULL);
	assert_int_equal(pins_open(other, "edge", &theirs, NULL), 0);
	assert_int_equal(pins_save(theirs, "eth0", &generation, &number, NULL), 0);
	/* Two collectd processes run monitors of the same name. */
	pins = open_pins("edge");
	assert_int_equal(pins_save(pins, "eth0", &generation, &number, NULL), 0);
	pins_close(pins);
	pin_store_sweep(store, none_wanted, NULL, &report);
	assert_string_equal(text_str(&report), "monitor edge: its pins were removed\n");
	pins_close(theirs);
	text_clear(&report);
	pin_store_sweep(store, none_wanted, NULL, &report);
	assert_string_equal(
		text_str(&report),
		"\"" PIN_STORE_DIR "/%2fvar%2flib%2fb\": kept pins of the collectd with StateDir "
		"\"/var/lib/b\", which is not running; remove this directory if that collectd is "
		"gone for good\n");
	assert_true(there(PIN_STORE_DIR "/%2fvar%2flib%2fb/edge/eth0/1/prog-ingress"));
	assert_false(there(STORE));
	text_clear(&report);
	pin_store_sweep(other, none_wanted, NULL, &report);
	assert_false(there(PIN_STORE_DIR "/%2fvar%2flib%2fb"));
	pin_store_free(other);
}

/* Directory layout of the first version. */
static void test_old_layout(void **state)
{
	_cleanup_(pinned_release) struct pinned pinned = {};
	_cleanup_text_ struct text report = {};
	struct generation generation;
	struct pins *pins;
	uint64_t number;
	uint32_t id;

	(void)state;
	skip_without_pins();
	generation = generation_of(first, NULL);
	id = object_program_id(program_of(first));
	pins = open_pins("edge.1");
	assert_int_equal(pins_save(pins, "eth0", &generation, &number, NULL), 0);
	pins_close(pins);
	assert_int_equal(rename(STORE "/edge%2e1", PIN_STORE_DIR "/edge%2e1"), 0);
	assert_int_equal(rmdir(STORE), 0);
	/* A collectd without that monitor does not touch the pins. */
	pin_store_sweep(store, none_wanted, NULL, &report);
	assert_string_equal(text_str(&report),
			    "\"" PIN_STORE_DIR
			    "/edge%2e1\": kept pins of monitor \"edge.1\" from an earlier version; "
			    "remove this directory if no collectd has this monitor\n");
	pins = open_pins("edge.1");
	assert_int_equal(pins_find(pins, "eth0", runs, &id, &pinned), 1);
	assert_int_equal(pinned.prog_ids[INGRESS], id);
	assert_false(there(PIN_STORE_DIR "/edge%2e1"));
	pins_remove(pins, NULL);
	pins_close(pins);
}

static void refused(const char *expected)
{
	_cleanup_error_ struct error err = {};
	struct pins *pins = NULL;

	assert_int_equal(pins_open(store, "edge", &pins, &err), -EPERM);
	assert_string_equal(error_message(&err), expected);
	assert_null(pins);
}

/* Pinned programs are attached to hooks, so directories that other users own are rejected. */
static void test_others_directories(void **state)
{
	static const char *const dirs[] = { PIN_STORE_DIR, STORE };

	(void)state;
	skip_without_pins();
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_text_ struct text expected = {}, link = {};

		rmdir(STORE);
		rmdir(PIN_STORE_DIR);
		if (i == 1)
			assert_int_equal(mkdir(PIN_STORE_DIR, 0700), 0);
		assert_int_equal(mkdir(dirs[i], 0700), 0);
		text_printf(
			&expected,
			"Pin: \"%s\" belongs to another user or is writable by others: nothing is "
			"pinned there; remove this directory, or give collectd's user its "
			"ownership and mode 0700",
			dirs[i]);
		assert_int_equal(chown(dirs[i], 65534, 65534), 0);
		refused(text_str(&expected));
		assert_int_equal(chown(dirs[i], 0, 0), 0);
		assert_int_equal(chmod(dirs[i], 0770), 0);
		refused(text_str(&expected));
		assert_int_equal(rmdir(dirs[i]), 0);
		assert_int_equal(mkdir(OBJECT_PIN_DIR "elsewhere", 0700), 0);
		assert_int_equal(symlink(OBJECT_PIN_DIR "elsewhere", dirs[i]), 0);
		text_printf(&link,
			    "Pin: \"%s\" is a link or a file, not a directory: nothing is "
			    "pinned there; remove the link or file",
			    dirs[i]);
		refused(text_str(&link));
		assert_int_equal(unlink(dirs[i]), 0);
		assert_int_equal(rmdir(OBJECT_PIN_DIR "elsewhere"), 0);
	}
	assert_int_equal(chmod(OBJECT_PIN_DIR, 0777), 0);
	refused("Pin: " OBJECT_PIN_DIR
		" is writable by others: nothing is pinned there; change its mode to "
		"0700 or 1711");
	assert_int_equal(chmod(OBJECT_PIN_DIR, 01777), 0);
	pins_close(open_pins("edge"));
}

/* Runs last, because it unmounts the file system. */
static void test_no_bpffs(void **state)
{
	_cleanup_error_ struct error err = {};
	struct pins *pins = NULL;

	(void)state;
	skip_without_pins();
	assert_int_equal(mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL), 0);
	assert_int_equal(pins_open(store, "edge", &pins, &err), -ENOTSUP);
	assert_string_equal(error_message(&err),
			    "Pin: /sys/fs/bpf/ is no BPF file system; mount one there");
	assert_null(pins);
	assert_false(there(STORE));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_save_and_find),
		cmocka_unit_test(test_second_copy),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_two_stores),
		cmocka_unit_test(test_old_layout),
		cmocka_unit_test(test_others_directories),
		cmocka_unit_test(test_no_bpffs),
	};

	return cmocka_run_group_tests_name("pins", tests, set_up, tear_down);
}
