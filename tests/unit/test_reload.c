/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "fixture.h"
#include "monitor/operation.h"
#include "monitor/registry.h"
#include "monitor/reload.h"
#include "monitor/tracking.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/resource.h>

#define TCX_INGRESS ((enum bpf_attach_type)46)

static const char source[] = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
			     "int n;\n"
			     "SEC(\"tc\") int on_tc(struct __sk_buff *skb) { n++; return -1; }\n"
			     "SEC(\"xdp\") int on_xdp(struct xdp_md *xdp) { n++; return 2; }\n"
			     "char _license[] SEC(\"license\") = \"GPL\";\n";
#define CODE                                                                                       \
	"\"object\":\"good.o\",\"metric-configs\":[{\"name\":\"m\",\"map-name\":\"dynmon.bss\"}]"

static const char document[] = "{\"ingress-path\":{" CODE "}}";
static const char other_document[] = "{\"ingress-path\":{" CODE "},\"name\":\"other\"}";

static char *folder;
static bool possible;

static int set_up(void **state)
{
	_cleanup_text_ struct text elf = {};

	(void)state;
	folder = folder_make();
	log_set_sink(ignore_log);
	possible = bpf_possible() && netns_private() && object_compile(source, &elf);
	if (!possible)
		return 0;
	file_make(folder, "good.o", elf.data, elf.len, 0600);
	file_make(folder, "doc.json", document, strlen(document), 0600);
	file_make(folder, "other.json", other_document, strlen(other_document), 0600);
	file_make(folder, "bad.json", "{", 1, 0600);
	for (int i = 0; i < 3; i++)
		assert_int_equal(shell("ip link add v%d type veth peer name p%d && ip link set v%d "
				       "up && ip link set p%d up",
				       i, i, i, i),
				 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	free(folder);
	return 0;
}

#define skip_unless_possible()                                                                     \
	do {                                                                                       \
		if (!possible)                                                                     \
			skip();                                                                    \
	} while (0)

/* Calls to the observer, and its answers. */
static struct {
	int added, removed;
	double interval; /* of the monitor added last */
	const char *configuration;
	struct registry *deletes; /* delete the next monitor before added() is complete */
	uint64_t known;		  /* serial numbers of the monitors added and not removed */
} observed;

static void on_added(void *data, struct monitor *monitor)
{
	struct registry *deletes = observed.deletes;

	(void)data;
	observed.deletes = NULL;
	if (deletes)
		assert_int_equal(registry_delete(deletes, monitor->name, NULL, NULL), 0);
	observed.known |= 1ULL << monitor->serial;
	observed.added++;
	observed.interval = monitor->settings->interval;
}

static void on_removed(void *data, const struct monitor *monitor)
{
	(void)data;
	observed.known &= ~(1ULL << monitor->serial);
	observed.removed++;
}

/*
 * Parses settings. Each line is a monitor: its name, then options with values, separated by blanks.
 */
static void settings_from(const char *text, struct settings *settings)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;

	assert_int_equal(settings_init(settings, NULL), 0);
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strsep(&line, " "), *option;
		_cleanup_error_ struct error err = {};
		struct settings_node node;

		if (!*name)
			continue;
		assert_int_equal(
			settings_open(settings_root(settings), "Monitor", name, &node, NULL), 0);
		while ((option = strsep(&line, " ")))
			if (settings_set(node, option, strsep(&line, " "), &err) < 0)
				fail_msg("%s", error_message(&err));
	}
}

static int configure(void *data, struct settings *ret, struct text *report, struct error *err)
{
	(void)data;
	if (!observed.configuration)
		return error_set(err, -EINVAL, "line 7 is wrong");
	text_adds(report, "a warning\n");
	settings_from(observed.configuration, ret);
	return 0;
}

static struct registry *registry_make(bool configures)
{
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };
	const struct registry_observer observer = { on_added, on_removed,
						    configures ? configure : NULL, NULL };
	struct registry *registry;

	observed.added = observed.removed = 0;
	observed.known = 0;
	assert_int_equal(registry_new(&compiler, folder, &observer, &registry, NULL), 0);
	return registry;
}

static int apply(struct registry *registry, const char *text, struct text *report,
		 struct error *err)
{
	struct settings settings;
	int r;

	settings_from(text, &settings);
	text_clear(report);
	r = registry_apply(registry, &settings, NULL, false, report, err);
	settings_release(&settings);
	return r;
}

/* State of a monitor: its address and what runs on its first interface. */
struct shape {
	const struct monitor *monitor;
	const struct generation *generation;
	unsigned int id;
	size_t instances;
	uint64_t changes;
	uint32_t program; /* first on v0's tcx ingress; 0: none */
};

static struct shape shape_of(struct registry *registry, const char *name)
{
	struct shape shape = {};
	uint32_t ids[16] = {}, count = ARRAY_SIZE(ids), flags;
	struct monitor_list list;

	if (bpf_prog_query((int)if_nametoindex("v0"), TCX_INGRESS, 0, &flags, ids, &count) == 0)
		shape.program = ids[0];
	if (registry_list(registry, name, &list, NULL) < 0)
		return shape;
	shape.monitor = list.monitors[0];
	shape.id = shape.monitor->id;
	shape.changes = shape.monitor->changes;
	shape.instances = shape.monitor->n_instances;
	shape.generation = shape.monitor->instances[0]->generation;
	monitor_list_release(&list);
	return shape;
}

static void assert_untouched(const struct shape *before, const struct shape *after)
{
	assert_ptr_equal(before->monitor, after->monitor);
	assert_ptr_equal(before->generation, after->generation);
	assert_int_equal(before->instances, after->instances);
	assert_int_equal(before->changes, after->changes);
	assert_int_equal(before->program, after->program);
}

static const char *state_of(struct registry *registry, const char *name)
{
	struct monitor_list list;
	const char *state;

	if (registry_list(registry, name, &list, NULL) < 0)
		return "none";
	state = monitor_state_name(monitor_get_state(list.monitors[0]));
	monitor_list_release(&list);
	return state;
}

static void test_come_and_go(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct shape before, after;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	assert_string_equal(text_str(&report), "monitor a: added\n");
	assert_string_equal(state_of(registry, "a"), "running");
	before = shape_of(registry, "a");
	assert_int_not_equal(before.program, 0);
	/* no change; the order of options does not matter */
	must(apply(registry, "a Dataplane doc.json Interface v0", &report, &err), &err);
	assert_string_equal(text_str(&report), "");
	after = shape_of(registry, "a");
	assert_untouched(&before, &after);
	assert_int_equal(observed.added, 1);
	must(apply(registry, "a Dataplane doc.json Interface v0\nb Interface none", &report, &err),
	     &err);
	assert_string_equal(text_str(&report),
			    "monitor b: interface \"none\" does not exist, waiting for it\n"
			    "monitor b: added\n");
	must(apply(registry, "b Interface none", &report, &err), &err);
	assert_string_equal(text_str(&report),
			    "monitor a: deleted, it is not configured any more\n");
	assert_string_equal(state_of(registry, "a"), "none");
	assert_int_equal(shape_of(registry, "b").program, 0);
	assert_int_equal(observed.added, 2);
	assert_int_equal(observed.removed, 1);
}

/* A monitor that another thread deletes before added() is complete is removed again. */
static void test_deleted_early(void **state)
{
	static const char *const before[] = { "", "a Interface v0", "a Interface v0 Hook tc" };
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	/* The monitor is added, gets other settings, and is replaced. */
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		must(apply(registry, before[i], &report, &err), &err);
		observed.deletes = registry;
		must(apply(registry, "a Interface v0 Interval 5", &report, &err), &err);
		assert_null(observed.deletes);
		assert_string_equal(state_of(registry, "a"), "none");
		assert_int_equal(observed.known, 0);
	}
	observed.deletes = registry;
	must(registry_inject(registry, &(struct injection){ .monitor = "b" }, &report, &err), &err);
	assert_null(observed.deletes);
	assert_int_equal(observed.known, 0);
}

static void test_reconfigure(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct shape before, after;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	before = shape_of(registry, "a");
	must(registry_list(registry, NULL, &list, &err), &err);
	must(apply(registry, "a Interface v0 Dataplane doc.json Interval 5", &report, &err), &err);
	assert_string_equal(text_str(&report), "monitor a: settings changed\n");
	after = shape_of(registry, "a");
	assert_ptr_equal(before.monitor, after.monitor);
	assert_ptr_equal(before.generation, after.generation);
	assert_int_equal(before.id, after.id);
	assert_int_equal(before.changes, after.changes);
	assert_int_equal(before.program, after.program);
	assert_int_equal(observed.removed, 1);
	assert_int_equal(observed.added, 2);
	assert_true(observed.interval == 5);
	/* an old reference remains valid */
	must(snapshot_add(&snapshot, list.monitors[0]), &err);
	assert_int_equal(snapshot.n, 1);
	assert_string_equal(snapshot.items[0].interface, "v0");
	assert_ptr_equal(snapshot.items[0].generation, before.generation);
	monitor_refresh(list.monitors[0]);
	monitor_list_release(&list);
	assert_int_equal(shape_of(registry, "a").program, before.program);
	/* one more interface, a missing one, and then another one alone */
	must(apply(registry, "a Interface v0 Interface v1 Interface none Dataplane doc.json",
		   &report, &err),
	     &err);
	assert_string_equal(text_str(&report),
			    "monitor a: settings changed\n"
			    "monitor a: interface \"none\" does not exist, waiting for it\n");
	after = shape_of(registry, "a");
	assert_int_equal(after.instances, 3);
	assert_int_equal(after.program, before.program);
	must(apply(registry, "a Interface v1 Dataplane doc.json", &report, &err), &err);
	after = shape_of(registry, "a");
	assert_int_equal(after.instances, 1);
	assert_int_equal(after.program, 0);
	assert_string_equal(state_of(registry, "a"), "running");
	/* no interface, then one again: the generation is kept */
	before = after;
	must(apply(registry, "a Dataplane doc.json", &report, &err), &err);
	assert_string_equal(state_of(registry, "a"), "detached");
	assert_ptr_equal(shape_of(registry, "a").generation, before.generation);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	after = shape_of(registry, "a");
	assert_string_equal(state_of(registry, "a"), "running");
	assert_ptr_equal(after.generation, before.generation);
	assert_int_not_equal(after.program, 0);
	assert_int_equal(after.instances, 1);
	/* another document */
	must(apply(registry, "a Interface v0 Dataplane other.json", &report, &err), &err);
	assert_string_equal(text_str(&report),
			    "monitor a: ingress map dynmon.bss is kept\n"
			    "monitor a: dataplane replaced\nmonitor a: settings changed\n");
	before = after;
	after = shape_of(registry, "a");
	assert_int_not_equal(after.program, before.program);
	/*
	 * a broken document: the old dataplane continues with the new settings until the document
	 * is repaired
	 */
	before = after;
	assert_int_equal(
		apply(registry, "a Interface v0 Dataplane bad.json Interval 3", &report, &err),
		-EINVAL);
	assert_true(contains(error_message(&err), "monitor a: "));
	after = shape_of(registry, "a");
	assert_int_equal(after.program, before.program);
	assert_true(observed.interval == 3);
	must(apply(registry, "a Interface v0", &report, &err), &err);
	assert_string_equal(state_of(registry, "a"), "empty");
}

static void test_exchange(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct shape before, after;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json Hook tcx", &report, &err), &err);
	before = shape_of(registry, "a");
	/* a failed change keeps the old monitor with its settings, so the next reload retries it */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			apply(registry, "a Interface v0 Dataplane bad.json Hook tc", &report, &err),
			-EINVAL);
		after = shape_of(registry, "a");
		assert_ptr_equal(after.monitor, before.monitor);
		assert_int_equal(after.program, before.program);
	}
	must(apply(registry, "a Interface v0 Dataplane doc.json Hook xdp-generic", &report, &err),
	     &err);
	assert_string_equal(text_str(&report), "monitor a: settings changed\n");
	after = shape_of(registry, "a");
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.program, 0);
	assert_string_equal(state_of(registry, "a"), "running");
	assert_true(after.changes >= before.changes);
	/* replace one XDP program by another, and roll back if that fails */
	must(apply(registry, "a Interface v0 Dataplane doc.json Hook xdp-generic Position first",
		   &report, &err),
	     &err);
	assert_string_equal(state_of(registry, "a"), "running");
	before = shape_of(registry, "a");
	assert_true(apply(registry, "a Interface v0 Dataplane bad.json Hook xdp-generic", &report,
			  &err) < 0);
	after = shape_of(registry, "a");
	assert_ptr_equal(after.monitor, before.monitor);
	assert_ptr_equal(after.generation, before.generation);
	assert_string_equal(state_of(registry, "a"), "running");
}

static void test_runtime(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct injection injection = {
		.monitor = "made", .interface = "v0", .bytes = document, .len = strlen(document)
	};
	struct shape before, after;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(registry_inject(registry, &injection, &report, &err), &err);
	before = shape_of(registry, "made");
	must(apply(registry, "a", &report, &err), &err);
	assert_string_equal(text_str(&report), "monitor a: added\n");
	after = shape_of(registry, "made");
	assert_untouched(&before, &after);
	/*
	 * configuring an injected monitor sets its interfaces; the injected dataplane stays unless
	 * one is configured
	 */
	must(apply(registry, "made Interface v0 Interface v1", &report, &err), &err);
	after = shape_of(registry, "made");
	assert_true(after.monitor->configured);
	assert_int_equal(after.instances, 2);
	assert_int_equal(after.program, before.program);
	/* interfaces and dataplanes set at run time are not part of the settings */
	must(registry_attach(registry, "made", "v2", NULL, false, NULL, &err), &err);
	must(registry_detach(registry, "made", "v1", NULL, &err), &err);
	must(apply(registry, "made Interface v0 Interface v1 Interval 2", &report, &err), &err);
	after = shape_of(registry, "made");
	assert_int_equal(after.instances, 2);
	assert_int_equal(after.program, before.program);
	must(registry_detach(registry, "made", "v2", NULL, &err), &err);
	/* a new hook keeps the injected dataplane */
	must(apply(registry, "made Interface v0 Hook xdp-generic", &report, &err), &err);
	assert_string_equal(state_of(registry, "made"), "running");
	must(apply(registry, "", &report, &err), &err);
	assert_string_equal(state_of(registry, "made"), "none");
}

static void test_some_fail(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	assert_true(apply(registry,
			  "b Dataplane nosuch.json\na Interface v0 Dataplane bad.json\nc Interface "
			  "v1 Dataplane doc.json",
			  &report, &err) < 0);
	assert_true(contains(error_message(&err), "monitor a: "));
	assert_true(contains(error_message(&err), "\nmonitor b: "));
	assert_string_equal(state_of(registry, "a"), "running");
	assert_string_equal(state_of(registry, "b"), "failed");
	assert_string_equal(state_of(registry, "c"), "running");
}

/* An interface that a reload adds and that cannot be attached is counted once. */
static void test_unattached(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct rlimit old, low;
	int lowest;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ (rlim_t)lowest + 8, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	apply(registry, "a Interface v0 Interface v1 Dataplane doc.json", &report, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(registry_list(registry, "a", &list, NULL), 0);
	assert_int_equal(list.monitors[0]->attach_code, -EMFILE);
	assert_int_equal(list.monitors[0]->unattached, 1);
	registry_retry(registry);
	assert_int_equal(list.monitors[0]->unattached, 0);
}

static void test_configure(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = registry_make(true);
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	observed.configuration = "a\nb\nc";
	must(registry_reload(registry, NULL, false, &report, &err), &err);
	assert_string_equal(text_str(&report),
			    "a warning\nmonitor a: added\nmonitor b: added\nmonitor c: added\n");
	observed.configuration = NULL;
	text_clear(&report);
	assert_int_equal(registry_reload(registry, NULL, false, &report, &err), -EINVAL);
	assert_string_equal(error_message(&err), "line 7 is wrong");
	assert_string_equal(state_of(registry, "c"), "empty");
	/* reload of one monitor: changed, removed, new, unknown */
	observed.configuration = "a Interval 3\nb Interval 3\nd";
	text_clear(&report);
	must(registry_reload(registry, "a", false, &report, &err), &err);
	assert_string_equal(text_str(&report), "a warning\nmonitor a: settings changed\n");
	must(registry_reload(registry, "c", false, &report, &err), &err);
	assert_string_equal(state_of(registry, "c"), "none");
	must(registry_reload(registry, "d", false, &report, &err), &err);
	assert_string_equal(state_of(registry, "d"), "empty");
	assert_int_equal(registry_reload(registry, "e", false, &report, &err), -ENOENT);
	assert_string_equal(error_message(&err), "no monitor is called \"e\"");
	text_clear(&report);
	must(registry_reload(registry, NULL, false, &report, &err), &err);
	assert_string_equal(text_str(&report), "a warning\nmonitor b: settings changed\n");
}

static bool stop; /* atomic */

static void *others_thread(void *data)
{
	struct registry *registry = data;
	struct injection injection = { .monitor = "a", .bytes = document, .len = strlen(document) };

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		_cleanup_text_ struct text warnings = {};
		_cleanup_error_ struct error err = {};
		struct snapshot snapshot;

		/* the monitor always exists, whichever object represents it */
		must(registry_inject(registry, &injection, &warnings, &err), &err);
		must(registry_attach(registry, "a", "v2", NULL, false, NULL, &err), &err);
		must(registry_snapshot(registry, "a", &snapshot, &err), &err);
		for (size_t i = 0; i < snapshot.n; i++)
			assert_non_null(snapshot.items[i].generation);
		snapshot_release(&snapshot);
		registry_refresh(registry);
		must(registry_detach(registry, "a", "v2", NULL, &err), &err);
	}
	return NULL;
}

/* Settings change back and forth while other threads read and change the same monitor. */
static void test_concurrent(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	pthread_t thread;

	(void)state;
	skip_unless_possible();
	registry = registry_make(false);
	must(apply(registry, "a Interface v0 Dataplane doc.json", &report, &err), &err);
	assert_int_equal(pthread_create(&thread, NULL, others_thread, registry), 0);
	for (int i = 0; i < 50; i++) {
		must(apply(registry, "a Interface v0 Dataplane doc.json Interval 2", &report, &err),
		     &err);
		must(apply(registry, "a Interface v0 Interface v1 Dataplane doc.json", &report,
			   &err),
		     &err);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_string_equal(state_of(registry, "a"), "running");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_and_go),   cmocka_unit_test(test_reconfigure),
		cmocka_unit_test(test_exchange),      cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_some_fail),     cmocka_unit_test(test_unattached),
		cmocka_unit_test(test_configure),     cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_deleted_early),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
