/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/descriptor.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self_counter.h"
#include "export/status.h"
#include "fixture.h"
#include "kernel/netif.h"
#include "metric/json.h"
#include "monitor/notification.h"
#include "monitor/operation.h"
#include "monitor/registry.h"
#include "monitor/reload.h"
#include "monitor/tracking.h"
#include "monitor/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)

/* %s: additional code of the program. */
static const char good[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);\n"
	"	__uint(max_entries, 1); } COUNT SEC(\".maps\");\n"
	"static void count(void) { __u32 zero = 0; __u64 *n = bpf_map_lookup_elem(&COUNT, &zero);\n"
	"	if (n) __sync_fetch_and_add(n, 1); }\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { count(); return -1; }\n"
	"SEC(\"xdp\") int on_xdp(struct xdp_md *xdp) { count(); return 2; }\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n";

static const char refused[] =
	"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
	"SEC(\"tc\") int on_tc(struct __sk_buff *skb) { return *(volatile int *)16; }\n"
	"SEC(\"xdp\") int on_xdp(struct xdp_md *xdp) { return *(volatile int *)16; }\n";

/* Base64 of the two objects. */
static struct text good_object, refused_object;
static struct text good_elf;
static char *folder;

#define skip_without_objects()                                                                     \
	do {                                                                                       \
		if (!good_object.len)                                                              \
			skip();                                                                    \
	} while (0)

static int set_up(void **state)
{
	_cleanup_text_ struct text bad = {};

	(void)state;
	folder = folder_make();
	log_set_sink(ignore_log);
	if (!bpf_possible() || !netns_private() || !object_compile(good, &good_elf) ||
	    !object_compile(refused, &bad))
		return 0;
	base64_encode(good_elf.data, good_elf.len, &good_object);
	base64_encode(bad.data, bad.len, &refused_object);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	text_release(&good_object);
	text_release(&refused_object);
	text_release(&good_elf);
	folder_remove(folder);
	free(folder);
	return 0;
}

/* Returns a document with one metric and the object on the path, "ingress", "egress" or "both". */
static char *document(const char *path, struct text *object, const char *map)
{
	_cleanup_text_ struct text json = {};
	bool both = !strcmp(path, "both");

	for (int i = 0; i < 1 + both; i++) {
		text_printf(&json, "%s\"%s-path\":{\"object-data\":\"", i ? "," : "{",
			    both ? direction_name((enum direction)i) : path);
		text_add(&json, object->data, object->len);
		text_printf(&json, "\",\"metric-configs\":[{\"name\":\"n\",\"map-name\":\"%s\"}]}",
			    map);
	}
	text_addc(&json, '}');
	return text_steal(&json);
}

static struct registry *registry_make(void)
{
	/* Objects are tried by the compiler; its absence causes a warning. */
	const struct compiler compiler = { .program = getenv("DYNMON_CC") };
	struct registry *registry;

	assert_int_equal(registry_new(&compiler, folder, NULL, &registry, NULL), 0);
	return registry;
}

/* Creates a pair of interfaces and sets them up. */
static void veth_make(const char *name)
{
	assert_int_equal(shell("ip link add %s type veth peer name %s_p && ip link set %s up && "
			       "ip link set %s_p up",
			       name, name, name, name),
			 0);
}

static void veth_delete(const char *name)
{
	assert_int_equal(shell("ip link del %s", name), 0);
}

/* interfaces: separated by blanks. */
static int add(struct registry *registry, const char *name, const char *hook,
	       const char *interfaces, const char *dataplane, bool configured, struct error *err)
{
	struct monitor_settings settings;
	_cleanup_free_ char *copy = strdup(interfaces);
	_cleanup_text_ struct text report = {};
	char *rest = copy, *interface;
	struct settings_node node = { BLOCK_MONITOR, &settings };

	assert_int_equal(monitor_settings_init(&settings, name, err), 0);
	assert_int_equal(settings_set(node, "Hook", hook, NULL), 0);
	while ((interface = strsep(&rest, " ")))
		if (*interface)
			assert_int_equal(settings_set(node, "Interface", interface, NULL), 0);
	if (dataplane)
		assert_int_equal(settings_set(node, "Dataplane", dataplane, NULL), 0);
	return registry_add(registry, &settings, configured, &report, err);
}

static int inject(struct registry *registry, const char *name, const char *interface,
		  const char *json, struct error *err)
{
	_cleanup_text_ struct text warnings = {};
	const struct injection injection = {
		.monitor = name, .interface = interface, .bytes = json, .len = strlen(json)
	};

	return registry_inject(registry, &injection, &warnings, err);
}

static uint32_t tcx_programs(const char *interface, enum bpf_attach_type type, uint32_t *id)
{
	uint32_t ids[8] = {}, count = ARRAY_SIZE(ids), flags;

	if (bpf_prog_query((int)if_nametoindex(interface), type, 0, &flags, ids, &count) < 0)
		return 0;
	if (id)
		*id = ids[0];
	return count;
}

static uint32_t xdp_program(const char *interface)
{
	uint32_t id = 0;

	bpf_xdp_query_id((int)if_nametoindex(interface), XDP_FLAGS_SKB_MODE, &id);
	return id;
}

static const char *state_of(struct registry *registry, const char *name)
{
	struct monitor_list list;
	const char *state;

	if (registry_list(registry, name, &list, NULL) < 0)
		return "none";
	pthread_mutex_lock(&list.monitors[0]->state);
	state = monitor_state_name(monitor_get_state(list.monitors[0]));
	pthread_mutex_unlock(&list.monitors[0]->state);
	monitor_list_release(&list);
	return state;
}

/* Returns the number of instances, and the first one's generation to detect a change. */
static size_t instances(struct registry *registry, const char *name, const void **generation)
{
	struct snapshot snapshot;
	size_t n;

	if (registry_snapshot(registry, name, &snapshot, NULL) < 0)
		return 0;
	n = snapshot.n;
	if (generation)
		*generation = snapshot.items[0].generation;
	snapshot_release(&snapshot);
	return n;
}

static void test_life(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	struct monitor_list list;
	uint32_t first, second;

	(void)state;
	skip_without_objects();
	registry = registry_make();
	json = document("ingress", &good_object, "COUNT");
	veth_make("v0");
	veth_make("v1");
	must(add(registry, "edge", "tcx", "v0", NULL, false, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "empty");
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	assert_int_equal(add(registry, "edge", "tcx", "", NULL, false, &err), -EEXIST);
	assert_true(contains(error_message(&err), "a monitor called \"edge\" exists"));
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "running");
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &first), 1);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), 0);
	/* another interface does not affect the program of the first one */
	must(registry_attach(registry, "edge", "v1", NULL, false, NULL, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &second), 1);
	assert_int_equal(first, second);
	assert_int_equal(tcx_programs("v1", TCX_INGRESS, NULL), 1);
	assert_int_equal(instances(registry, "edge", NULL), 2);
	assert_int_equal(registry_attach(registry, "edge", "v1", NULL, false, NULL, &err), -EEXIST);
	assert_string_equal(error_message(&err), "interface v1 is attached already");
	assert_int_equal(registry_attach(registry, "edge", "none", NULL, true, NULL, &err),
			 -EISCONN);
	assert_string_equal(error_message(&err), "monitor edge is attached to v0 already");
	assert_int_equal(registry_attach(registry, "edge", "none", NULL, false, NULL, &err),
			 -ENODEV);
	assert_string_equal(error_message(&err), "interface \"none\" does not exist");
	/* a second injection replaces the programs of the same links */
	must(inject(registry, "edge", "v1", json, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &second), 1);
	assert_int_not_equal(first, second);
	/* detach all interfaces, then attach again with the same dataplane */
	must(registry_detach(registry, "edge", "v0", NULL, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	assert_int_equal(registry_detach(registry, "edge", "v0", NULL, &err), -ENOENT);
	assert_string_equal(error_message(&err), "monitor edge is not attached to v0");
	must(registry_detach(registry, "edge", NULL, NULL, &err), &err);
	assert_int_equal(tcx_programs("v1", TCX_INGRESS, NULL), 0);
	assert_string_equal(state_of(registry, "edge"), "detached");
	assert_int_equal(instances(registry, "edge", NULL), 1);
	must(registry_detach(registry, "edge", NULL, NULL, &err), &err);
	must(registry_attach(registry, "edge", "v0", NULL, false, NULL, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
	assert_int_equal(instances(registry, "edge", NULL), 1);
	must(registry_eject(registry, "edge", -1, NULL, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	assert_string_equal(state_of(registry, "edge"), "empty");
	must(inject(registry, "edge", NULL, json, &err), &err);
	/* deletion while a reader holds a reference */
	must(registry_list(registry, NULL, &list, &err), &err);
	must(registry_delete(registry, "edge", NULL, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	monitor_refresh(list.monitors[0]);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	monitor_list_release(&list);
	assert_int_equal(registry_delete(registry, "edge", NULL, &err), -ENOENT);
	assert_string_equal(error_message(&err), "no monitor is called \"edge\"");
	assert_int_equal(registry_eject(registry, "edge", -1, NULL, &err), -ENOENT);
	assert_int_equal(registry_attach(registry, "edge", "v0", NULL, false, NULL, &err), -ENOENT);
	assert_int_equal(registry_detach(registry, "edge", NULL, NULL, &err), -ENOENT);
	/* an injection creates the monitor, on every hook */
	must(inject(registry, "made", "v0", json, &err), &err);
	assert_string_equal(state_of(registry, "made"), "running");
	assert_int_equal(add(registry, "x", "xdp-generic", "v0", NULL, false, &err), 0);
	must(inject(registry, "x", NULL, json, &err), &err);
	assert_int_not_equal(xdp_program("v0"), 0);
	/* XDP has no egress: tc hooks are used for that path */
	first = tcx_programs("v0", TCX_EGRESS, NULL);
	free(json);
	json = document("both", &good_object, "COUNT");
	must(inject(registry, "x", NULL, json, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), first + 1);
	assert_int_equal(add(registry, "t", "tc", "v0", NULL, false, &err), 0);
	must(inject(registry, "t", NULL, json, &err), &err);
	assert_int_equal(netif_has_filters((int)if_nametoindex("v0")), 1);
	registry = registry_free(registry);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 0);
	assert_int_equal(xdp_program("v0"), 0);
	assert_int_equal(netif_has_filters((int)if_nametoindex("v0")), 0);
	veth_delete("v0");
	veth_delete("v1");
}

/* Each of these injections fails without any change. */
static void test_failed_injections(void **state)
{
	_cleanup_free_ char *json = NULL, *no_map = NULL, *verifier = NULL, *half = NULL;
	static const char *const hooks[] = { "tcx", "xdp-generic" };

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	no_map = document("ingress", &good_object, "NONE");
	verifier = document("ingress", &refused_object, "COUNT");
	assert_true(asprintf(&half, "%.*s,\"egress-path\":{\"object-data\":\"QUJD\"}}",
			     (int)strlen(json) - 1, json) > 0);
	veth_make("v0");
	for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
		_cleanup_(registry_freep) struct registry *registry = registry_make();
		_cleanup_error_ struct error first = {};
		const struct {
			const char *interface, *json, *message;
			int code;
		} cases[] = {
			{ NULL, "{", "JSON syntax", -EINVAL },
			{ NULL, "{\"ingress-path\":{\"object-data\":\"QUJD\"}}",
			  "ingress-path.object-data: not a usable eBPF object: ", -EINVAL },
			{ NULL, no_map, "map \"NONE\" does not exist", -ENOENT },
			{ NULL, verifier, "the kernel rejects the program: ", 0 },
			{ NULL, half, "egress-path", 0 },
			{ "none", json, "interface \"none\" does not exist", -ENODEV },
			{ NULL, "{\"ingress-path\":{\"object\":\"../x\"}}",
			  "not below the directory", -EACCES },
		};
		const void *before, *after;
		uint32_t program, now;

		must(add(registry, "edge", hooks[h], "v0", NULL, false, &first), &first);
		must(inject(registry, "edge", NULL, json, &first), &first);
		if (h)
			program = xdp_program("v0");
		else
			assert_int_equal(tcx_programs("v0", TCX_INGRESS, &program), 1);
		instances(registry, "edge", &before);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			_cleanup_error_ struct error err = {};
			int r;

			r = inject(registry, "edge", cases[i].interface, cases[i].json, &err);
			if (r >= 0 || (cases[i].code && r != cases[i].code))
				fail_msg("%s, case %zu: %d %s", hooks[h], i, r,
					 error_message(&err));
			assert_true(contains(error_message(&err), cases[i].message));
			assert_string_equal(state_of(registry, "edge"), "running");
			assert_int_equal(instances(registry, "edge", &after), 1);
			assert_ptr_equal(before, after);
			if (h)
				now = xdp_program("v0");
			else
				assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
			assert_int_equal(now, program);
			/* no monitor is created */
			assert_true(inject(registry, "new", cases[i].interface ? "none" : "v0",
					   cases[i].json, &err) < 0);
			assert_string_equal(state_of(registry, "new"), "none");
		}
		assert_int_equal(inject(registry, "no/name", NULL, json, NULL), -EINVAL);
	}
	veth_delete("v0");
}

/* Occupies an interface's XDP hook with a foreign program. */
static int occupy(const char *interface, struct object **object)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	struct bpf_program *program;
	int fd;

	assert_int_equal(object_open(good_elf.data, good_elf.len, "other", object, NULL), 0);
	assert_int_equal(object_select(*object, true, false, NULL, &program, NULL), 0);
	assert_int_equal(object_load(*object, true, NULL), 0);
	fd = bpf_link_create(object_prog_fd(*object, program), (int)if_nametoindex(interface),
			     BPF_XDP, &opts);
	assert_true(fd >= 0);
	return fd;
}

/* All links switch or none does. */
static void test_rollback(void **state)
{
	_cleanup_(object_unrefp) struct object *other = NULL;
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	uint32_t first, foreign;
	const void *before, *after;
	int link;

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	veth_make("v0");
	veth_make("v1");
	/* attaching to the second interface fails: the first one is detached again */
	link = occupy("v1", &other);
	foreign = xdp_program("v1");
	must(add(registry, "edge", "xdp-generic", "v0 v1", NULL, false, &err), &err);
	assert_int_equal(inject(registry, "edge", NULL, json, &err), -EBUSY);
	assert_true(
		contains(error_message(&err),
			 "interface v1: cannot attach to xdp-generic ingress: an XDP program is "
			 "attached there already"));
	assert_int_equal(xdp_program("v0"), 0);
	assert_int_equal(xdp_program("v1"), foreign);
	assert_string_equal(state_of(registry, "edge"), "empty");
	/* succeeds once the hook is free */
	close(link);
	other = object_unref(other);
	must(inject(registry, "edge", NULL, json, &err), &err);
	first = xdp_program("v0");
	assert_int_not_equal(first, 0);
	assert_int_not_equal(xdp_program("v1"), 0);
	/* v1 is deleted and returns occupied: v0 is switched back */
	veth_delete("v1");
	registry_refresh(registry);
	assert_string_equal(state_of(registry, "edge"), "waiting");
	veth_make("v1");
	link = occupy("v1", &other);
	foreign = xdp_program("v1");
	registry_refresh(registry);
	assert_string_equal(state_of(registry, "edge"), "degraded"); /* v0 still runs */
	instances(registry, "edge", &before);
	assert_true(inject(registry, "edge", NULL, json, &err) < 0);
	instances(registry, "edge", &after);
	assert_ptr_equal(before, after);
	assert_int_equal(xdp_program("v0"), first);
	assert_int_equal(xdp_program("v1"), foreign);
	/* the same for an interface to be added */
	veth_make("v2");
	must(registry_detach(registry, "edge", "v1", NULL, &err), &err);
	assert_int_equal(inject(registry, "edge", "v1", json, &err), -EBUSY);
	assert_int_equal(xdp_program("v0"), first);
	assert_int_equal(instances(registry, "edge", NULL), 1);
	must(inject(registry, "edge", "v2", json, &err), &err);
	assert_int_not_equal(xdp_program("v0"), first);
	assert_int_not_equal(xdp_program("v2"), 0);
	registry = registry_free(registry);
	assert_int_equal(xdp_program("v1"), foreign); /* the foreign program stays */
	close(link);
	veth_delete("v0");
	veth_delete("v1");
	veth_delete("v2");
}

/* A failure is reported even while another interface is awaited. */
static void test_failed_and_waiting(void **state)
{
	_cleanup_(object_unrefp) struct object *other = NULL;
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	int link;

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	must(add(registry, "edge", "xdp-generic", "absent v1", NULL, false, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "waiting");
	veth_make("v1");
	link = occupy("v1", &other);
	registry_refresh(registry);
	assert_string_equal(state_of(registry, "edge"), "failed");
	close(link);
	veth_delete("v1");
}

/* -- health -- */

/* The health of a monitor in all outputs. */
struct health {
	const char *state;
	char *last_error; /* NULL: none */
	size_t unattached;
	uint64_t failures;
	int troubles; /* number of all monitors' troubles, as in /healthz */
	struct text lines;
};

static void health_release(struct health *health)
{
	free(health->last_error);
	text_release(&health->lines);
}

static struct health health_of(struct registry *registry, const char *name)
{
	struct health health = { .state = state_of(registry, name) };
	struct monitor_list list;
	const char *error;

	assert_int_equal(registry_list(registry, name, &list, NULL), 0);
	pthread_mutex_lock(&list.monitors[0]->state);
	error = monitor_last_error(list.monitors[0]);
	health.last_error = error ? strdup(error) : NULL;
	health.unattached = list.monitors[0]->unattached;
	health.failures = list.monitors[0]->failures;
	pthread_mutex_unlock(&list.monitors[0]->state);
	monitor_list_release(&list);
	health.troubles = status_troubles(registry, &health.lines, NULL);
	return health;
}

/*
 * Returns the number of notifications of the severity about the monitor as a whole. Consumes all
 * pending notifications.
 */
static unsigned int notices(enum notification_severity severity, const char *monitor)
{
	unsigned int n = 0;
	struct notification notice;
	uint64_t dropped;

	while (notification_take(&notice, &dropped))
		n += notice.severity == severity && !strcmp(notice.monitor, monitor) &&
		     !*notice.interface;
	return n;
}

static rlim_t set_descriptors(rlim_t soft)
{
	struct rlimit limit;
	rlim_t old;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	old = limit.rlim_cur;
	limit.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return old;
}

/* Sets a limit that leaves this number of descriptors free. */
static rlim_t limit_with_room(int room)
{
	int limit = 0;

	for (; room; limit++)
		room -= fcntl(limit, F_GETFD) < 0;
	return (rlim_t)limit;
}

/* A failed attachment is visible in all outputs, is notified once, and is retried. */
static void test_out_of_descriptors(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL, *cause = NULL;
	_cleanup_error_ struct error err = {};
	struct health health = { .state = "running" };
	char name[16] = "";
	rlim_t old;
	int n = 0;

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	assert_int_equal(notification_open(NULL), 0);
	old = set_descriptors(limit_with_room(DESCRIPTORS_SPARE + 12));
	must(add(registry, "edge", "tcx", "/^v[0-9]+$/", NULL, false, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	notices(NOTIFICATION_FAILURE, "edge");
	while (!strcmp(health.state, "running") && ++n < 16) {
		health_release(&health);
		snprintf(name, sizeof(name), "v%d", n);
		veth_make(name);
		registry_refresh(registry);
		health = health_of(registry, "edge");
	}
	assert_true(n > 1);
	assert_string_equal(health.state, "degraded");
	assert_true(asprintf(&cause, "interface %s: too many open files: the limit of ", name) > 0);
	assert_non_null(health.last_error);
	assert_true(contains(health.last_error, cause));
	assert_null(strstr(health.last_error, "MEMLOCK"));
	assert_int_equal(health.unattached, 1);
	assert_int_equal(health.failures, 1);
	assert_int_equal(health.troubles, 1);
	assert_true(contains(text_str(&health.lines), cause));
	health_release(&health);
	/* notified only once */
	snprintf(name, sizeof(name), "v%d", ++n);
	veth_make(name);
	registry_refresh(registry);
	registry_retry(registry);
	health = health_of(registry, "edge");
	assert_int_equal(health.unattached, 2);
	assert_int_equal(health.failures, 1);
	assert_true(contains(health.last_error, "2 interfaces are not attached: interface v"));
	assert_int_equal(notices(NOTIFICATION_FAILURE, "edge"), 1);
	health_release(&health);
	/* an injection loads a second copy: it is rejected, and the state is unchanged */
	assert_int_equal(inject(registry, "edge", NULL, json, &err), -EMFILE);
	assert_string_equal(state_of(registry, "edge"), "degraded");
	notices(NOTIFICATION_FAILURE, "edge");
	/* no event announces free descriptors, so retry explicitly */
	set_descriptors(old);
	registry_retry(registry);
	health = health_of(registry, "edge");
	assert_string_equal(health.state, "running");
	assert_null(health.last_error);
	assert_int_equal(health.unattached, 0);
	assert_int_equal(health.failures, 1);
	assert_int_equal(health.troubles, 0);
	assert_int_equal(notices(NOTIFICATION_OKAY, "edge"), 1);
	for (int i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		assert_int_equal(tcx_programs(name, TCX_INGRESS, NULL), 1);
		veth_delete(name);
	}
	health_release(&health);
	notification_close();
}

/* A failure on one interface does not affect the others, and is notified. */
static void test_occupied(void **state)
{
	_cleanup_(object_unrefp) struct object *other = NULL;
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(health_release) struct health health = {}, again = {};
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	int link;

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	must(add(registry, "edge", "xdp-generic", "/^v[0-9]+$/", NULL, false, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	veth_make("v0");
	registry_refresh(registry);
	veth_make("v1");
	link = occupy("v1", &other);
	veth_make("v2");
	registry_refresh(registry);
	health = health_of(registry, "edge");
	assert_string_equal(health.state, "degraded");
	assert_int_equal(health.unattached, 1);
	assert_string_equal(health.last_error,
			    "interface v1: cannot attach to xdp-generic ingress: an XDP program "
			    "is attached there already");
	assert_int_not_equal(xdp_program("v2"), 0);
	close(link);
	other = object_unref(other);
	registry_retry(registry);
	again = health_of(registry, "edge");
	assert_string_equal(again.state, "running");
	assert_int_equal(again.unattached, 0);
	assert_null(again.last_error);
}

#define TOO_MANY 60 /* interfaces beyond the limit */

/* Interfaces beyond the limit are notified. With Share one program serves all interfaces. */
static void test_too_many_interfaces(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(health_release) struct health health = {}, again = {};
	_cleanup_text_ struct text batch = {}, report = {};
	_cleanup_free_ char *json = NULL, *file = NULL;
	_cleanup_error_ struct error err = {};
	const int pairs = (INTERFACES_MAX + TOO_MANY) / 2;
	struct monitor_settings settings;
	struct settings_node node = { BLOCK_MONITOR, &settings };

	(void)state;
	skip_without_objects();
	/* A group is deleted in one step. */
	for (int i = 0; i < pairs; i++)
		text_printf(&batch, "link add group %d l%d type veth peer name m%d\n",
			    i < TOO_MANY / 2 ? 7 : 8, i, i);
	file_make(folder, "batch", batch.data, batch.len, 0600);
	assert_true(asprintf(&file, "%s/batch", folder) > 0);
	assert_int_equal(shell("ip -batch %s", file), 0);
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	assert_int_equal(monitor_settings_init(&settings, "edge", NULL), 0);
	assert_int_equal(settings_set(node, "Hook", "tc", NULL), 0);
	assert_int_equal(settings_set(node, "Share", "true", NULL), 0);
	assert_int_equal(settings_set(node, "Interface", "/^[lm][0-9]/", NULL), 0);
	must(registry_add(registry, &settings, false, &report, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	health = health_of(registry, "edge");
	assert_string_equal(health.state, "degraded");
	assert_int_equal(health.unattached, TOO_MANY);
	assert_true(contains(health.last_error, "60 interfaces are not attached: interface "));
	assert_true(contains(health.last_error, ": a monitor attaches to at most 4096 interfaces"));
	assert_int_equal(health.troubles, 1);
	assert_int_equal(shell("ip link del group 7"), 0);
	registry_refresh(registry);
	again = health_of(registry, "edge");
	assert_string_equal(again.state, "running");
	assert_int_equal(again.unattached, 0);
	assert_int_equal(again.troubles, 0);
}

/* A refused request is the client's failure, not the monitor's. */
static void test_refused_requests(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(health_release) struct health health = {};
	_cleanup_free_ char *json = NULL, *bad = NULL;
	_cleanup_error_ struct error err = {};
	uint64_t refused_before = self_counter_get(SELF_COUNTER_REQUESTS_REFUSED);

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	bad = document("ingress", &refused_object, "COUNT");
	registry = registry_make();
	assert_int_equal(notification_open(NULL), 0);
	veth_make("v0");
	must(add(registry, "edge", "tcx", "v0", NULL, false, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_int_equal(self_counter_get(SELF_COUNTER_REQUESTS_REFUSED), refused_before);
	assert_int_equal(inject(registry, "edge", "nosuch0", json, &err), -ENODEV);
	assert_int_equal(inject(registry, "edge", NULL, "{", &err), -EINVAL);
	assert_true(inject(registry, "edge", NULL, bad, &err) < 0);
	assert_int_equal(registry_attach(registry, "edge", "nosuch0", NULL, false, NULL, &err),
			 -ENODEV);
	assert_int_equal(registry_attach(registry, "nosuch", "v0", NULL, false, NULL, &err),
			 -ENOENT);
	assert_int_equal(registry_detach(registry, "edge", "nosuch0", NULL, &err), -ENOENT);
	assert_int_equal(registry_eject(registry, "nosuch", -1, NULL, &err), -ENOENT);
	assert_int_equal(registry_delete(registry, "nosuch", NULL, &err), -ENOENT);
	assert_int_equal(add(registry, "edge", "tcx", "v0", NULL, false, &err), -EEXIST);
	assert_int_equal(self_counter_get(SELF_COUNTER_REQUESTS_REFUSED), refused_before + 9);
	health = health_of(registry, "edge");
	assert_string_equal(health.state, "running");
	assert_null(health.last_error);
	assert_int_equal(health.failures, 0);
	assert_int_equal(health.troubles, 0);
	assert_int_equal(notices(NOTIFICATION_FAILURE, "edge"), 0);
	notification_close();
}

static void test_refresh(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	struct watch *watch;
	const void *before, *after;

	(void)state;
	skip_without_objects();
	json = document("both", &good_object, "COUNT");
	registry = registry_make();
	must(add(registry, "edge", "tcx", "v0", NULL, false, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "waiting");
	instances(registry, "edge", &before);
	for (int round = 0; round < 3; round++) {
		veth_make("v0");
		registry_refresh(registry);
		assert_string_equal(state_of(registry, "edge"), "running");
		assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
		assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), 1);
		registry_refresh(registry); /* nothing has changed */
		assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
		veth_delete("v0");
		registry_refresh(registry);
		assert_string_equal(state_of(registry, "edge"), "waiting");
	}
	/* counts are kept while the interface is absent */
	instances(registry, "edge", &after);
	assert_ptr_equal(before, after);
	/* deleted and recreated between two refreshes: another interface of the same name */
	veth_make("v0");
	registry_refresh(registry);
	veth_delete("v0");
	veth_make("v0");
	registry_refresh(registry);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
	veth_delete("v0");
	registry_refresh(registry);
	/* the watch thread does the same by itself */
	must(watch_start(registry, &watch, &err), &err);
	veth_make("v0");
	for (int i = 0; i < PATIENCE_MS && strcmp(state_of(registry, "edge"), "running") != 0; i++)
		usleep(1000);
	assert_string_equal(state_of(registry, "edge"), "running");
	veth_delete("v0");
	for (int i = 0; i < PATIENCE_MS && strcmp(state_of(registry, "edge"), "waiting") != 0; i++)
		usleep(1000);
	assert_string_equal(state_of(registry, "edge"), "waiting");
	assert_null(watch_stop(watch));
	assert_null(watch_stop(NULL));
}

/* Appends the names of the existing interfaces, ordered by index. */
static void places(struct registry *registry, const char *name, struct text *out)
{
	struct snapshot snapshot;

	text_clear(out);
	assert_int_equal(registry_snapshot(registry, name, &snapshot, NULL), 0);
	for (int index = 1; index < 1000; index++)
		for (size_t i = 0; i < snapshot.n; i++)
			if (snapshot.items[i].ifindex == index)
				text_printf(out, "%s%s", out->len ? " " : "",
					    snapshot.items[i].interface);
	snapshot_release(&snapshot);
}

/* Effect of interface changes on each kind of pattern. */
static void test_tracking(void **state)
{
	static const struct {
		const char *interfaces;
		struct {
			const char *command;
			const char *places;
		} steps[8];
	} cases[] = {
		{ "v0",
		  { { "ip link add v0 type veth peer name p0", "v0" },
		    { "ip link set v0 name moved0", "moved0" },
		    { "ip link add v0 type veth peer name p1", "moved0 v0" },
		    { "ip link del moved0", "v0" },
		    { "ip link set v0 name p0", "p0" },
		    { "ip link del p0", "" } } },
		/* A peer is created before its other end and has the lower index. */
		{ "v0 /^v/",
		  { { "ip link add v0 type veth peer name p0", "v0" },
		    { "ip link set p0 name v1", "v1 v0" },
		    { "ip link set v1 name v2", "v2 v0" },
		    { "ip link set v2 name p0", "v0" },
		    /* attached by name, so renames are followed */
		    { "ip link set v0 name q0", "q0" },
		    { "ip link del q0", "" } } },
		{ "br0:v0",
		  { { "ip link add br0 type bridge", "" },
		    { "ip link add v0 type veth peer name p0", "" },
		    { "ip link set v0 master br0", "v0" },
		    { "ip link set v0 name q0", "q0" },
		    { "ip link set p0 up", "q0" },
		    { "ip link set q0 nomaster", "" },
		    { "ip link del br0", "" },
		    { "ip link del q0", "" } } },
	};

	(void)state;
	skip_without_objects();
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		_cleanup_(registry_freep) struct registry *registry = registry_make();
		_cleanup_free_ char *json = document("both", &good_object, "COUNT");
		const char *hook = i % 2 ? "tc" : "tcx";
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text now = {};

		must(add(registry, "edge", hook, cases[i / 2].interfaces, NULL, false, &err), &err);
		must(inject(registry, "edge", NULL, json, &err), &err);
		for (size_t j = 0; j < 8 && cases[i / 2].steps[j].command; j++) {
			assert_int_equal(shell("%s", cases[i / 2].steps[j].command), 0);
			registry_refresh(registry);
			registry_refresh(registry); /* nothing has changed */
			places(registry, "edge", &now);
			assert_string_equal(text_str(&now), cases[i / 2].steps[j].places);
		}
	}
}

/* An empty direction, {}, keeps its object and its counts. */
static void test_leave(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL, *ingress = NULL;
	_cleanup_text_ struct text warnings = {};
	_cleanup_error_ struct error err = {};
	uint32_t in, out, now;
	struct injection injection;

	(void)state;
	skip_without_objects();
	json = document("both", &good_object, "COUNT");
	ingress = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	veth_make("v0");
	must(inject(registry, "edge", "v0", json, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &in), 1);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, &out), 1);
	must(inject(registry, "edge", "v0", ingress, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_not_equal(now, in);
	in = now;
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, &now), 1);
	assert_int_equal(now, out);
	/* same, by the direction of the injection */
	injection = (struct injection){
		.monitor = "edge", .bytes = json, .len = strlen(json), .leave = { [INGRESS] = true }
	};
	must(registry_inject(registry, &injection, &warnings, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_equal(now, in);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, &now), 1);
	assert_int_not_equal(now, out);
	must(inject(registry, "edge", NULL, "{}", &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_equal(now, in);
	veth_delete("v0");
}

static int reload(struct registry *registry, bool force, struct text *report, struct error *err)
{
	text_clear(report);
	return registry_reload(registry, NULL, force, report, err);
}

static void test_reload(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text report = {}, warnings = {};
	_cleanup_error_ struct error err = {};
	struct injection injection = { .monitor = "made", .file = "doc.json" };
	uint32_t first, now;

	(void)state;
	skip_without_objects();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	veth_make("v0");
	/* a configured monitor with a broken document stays in state failed; a reload repairs it */
	assert_int_equal(add(registry, "edge", "tcx", "v0", "doc.json", true, &err), -ENOENT);
	assert_true(contains(error_message(&err), "monitor edge: "));
	assert_string_equal(state_of(registry, "edge"), "failed");
	assert_int_equal(add(registry, "other", "tcx", "v0", "doc.json", false, &err), -ENOENT);
	assert_string_equal(state_of(registry, "other"), "none");
	assert_int_equal(reload(registry, false, &report, &err), -ENOENT);
	file_make(folder, "doc.json", json, strlen(json), 0600);
	must(reload(registry, false, &report, &err), &err);
	assert_string_equal(text_str(&report), "monitor edge: dataplane replaced\n");
	assert_string_equal(state_of(registry, "edge"), "running");
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &first), 1);
	/* without a change nothing is reloaded, unless forced */
	must(reload(registry, false, &report, &err), &err);
	assert_string_equal(text_str(&report), "");
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_equal(now, first);
	must(reload(registry, true, &report, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_not_equal(now, first);
	first = now;
	/* broken document: the old dataplane continues, with an error */
	file_make(folder, "doc.json", "{", 1, 0600);
	assert_int_equal(reload(registry, false, &report, &err), -EINVAL);
	assert_true(contains(error_message(&err), "monitor edge: "));
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_equal(now, first);
	/* an injection lasts until a forced reload */
	file_make(folder, "doc.json", json, strlen(json), 0600);
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &first), 1);
	must(reload(registry, false, &report, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_equal(now, first);
	must(reload(registry, true, &report, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &now), 1);
	assert_int_not_equal(now, first);
	/* an injected file is read again, too */
	must(registry_delete(registry, "edge", NULL, &err), &err);
	must(registry_inject(registry, &injection, &warnings, &err), &err);
	must(reload(registry, false, &report, &err), &err);
	assert_string_equal(text_str(&report), "");
	assert_int_equal(registry_reload(registry, "none", false, &report, &err), -ENOENT);
	veth_delete("v0");
}

/*
 * One direction was injected from a file: reloading that file does not affect the other direction.
 */
static void test_reload_of_one_direction(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct injection injection = { .monitor = "edge",
				       .interface = "v0",
				       .file = "both.json",
				       .leave = { [EGRESS] = true } };

	(void)state;
	skip_without_objects();
	json = document("both", &good_object, "COUNT");
	file_make(folder, "both.json", json, strlen(json), 0600);
	registry = registry_make();
	veth_make("v0");
	must(registry_inject(registry, &injection, &report, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), 0);
	must(reload(registry, true, &report, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
	assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), 0);
	veth_delete("v0");
}

/* A changed hook repeats both injections. If the second one fails, the first one is undone. */
static void test_failed_exchange(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct injection second = { .monitor = "edge",
				    .file = "both.json",
				    .leave = { [INGRESS] = true } };
	int ifindex;

	(void)state;
	skip_without_objects();
	json = document("both", &good_object, "COUNT");
	file_make(folder, "both.json", json, strlen(json), 0600);
	registry = registry_make();
	veth_make("v0");
	ifindex = (int)if_nametoindex("v0");
	must(add(registry, "edge", "tcx", "v0", NULL, true, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	must(registry_inject(registry, &second, &report, &err), &err);
	for (int broken = 1; broken >= 0; broken--) {
		_cleanup_(settings_release) struct settings settings = {};
		struct settings_node node;
		int r;

		file_make(folder, "both.json", json, broken ? 1 : strlen(json), 0600);
		must(settings_init(&settings, &err), &err);
		must(settings_open(settings_root(&settings), "Monitor", "edge", &node, &err), &err);
		must(settings_set(node, "Interface", "v0", &err), &err);
		must(settings_set(node, "Hook", "tc", &err), &err);
		r = registry_apply(registry, &settings, NULL, false, &report, &err);
		assert_int_equal(r, broken ? -EINVAL : 0);
		assert_int_equal(netif_has_filters(ifindex), !broken);
		assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), broken);
		assert_int_equal(tcx_programs("v0", TCX_EGRESS, NULL), broken);
	}
	veth_delete("v0");
}

/*
 * In a recreated namespace, interfaces continue with the counts of the interfaces of the same name.
 */
static void test_netns_again(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_(snapshot_release) struct snapshot before = {}, after = {};
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct settings_node node;

	char netns[64]; /* of this process, because tests run in parallel */

	(void)state;
	skip_without_objects();
	snprintf(netns, sizeof(netns), "dynmon-again-%d", (int)getpid());
	if (shell("ip netns add %s", netns))
		skip();
	assert_int_equal(shell("ip -n %s link add x1 type veth peer name y1", netns), 0);
	json = document("ingress", &good_object, "COUNT");
	file_make(folder, "x.json", json, strlen(json), 0600);
	registry = registry_make();
	must(settings_init(&settings, &err), &err);
	must(settings_open(settings_root(&settings), "Monitor", "edge", &node, &err), &err);
	must(settings_set(node, "NetNS", netns, &err), &err);
	must(settings_set(node, "Interface", "/^x/", &err), &err);
	must(settings_set(node, "Dataplane", "x.json", &err), &err);
	must(registry_apply(registry, &settings, NULL, false, &report, &err), &err);
	must(registry_snapshot(registry, NULL, &before, &err), &err);
	assert_int_equal(before.n, 1);
	assert_string_equal(before.items[0].interface, "x1");
	/* x0 is found first */
	assert_int_equal(shell("ip netns del %s && ip netns add %s && "
			       "ip -n %s link add x1 type veth peer name x0 && "
			       "ip -n %s link add x2 type veth peer name y2",
			       netns, netns, netns, netns),
			 0);
	registry_refresh(registry);
	must(registry_snapshot(registry, NULL, &after, &err), &err);
	assert_int_equal(after.n, 3);
	for (size_t i = 0; i < after.n; i++)
		assert_int_equal(after.items[i].generation == before.items[0].generation,
				 !strcmp(after.items[i].interface, "x1"));
	shell("ip netns del %s", netns);
}

/* A link detached by another process is replaced, together with its pin. */
static void test_pinned_again(void **state)
{
	static const char pin[] = PIN_STORE_DIR "/%2fvar%2flib%2fa/edge/v0/link-ingress";
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	_cleanup_close_ int first = -1, second = -1;
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info), program;
	struct settings_node node;

	(void)state;
	skip_without_objects();
	if (!bpffs_private())
		skip();
	json = document("ingress", &good_object, "COUNT");
	registry = registry_make();
	must(registry_identify(registry, "/var/lib/a", &err), &err);
	veth_make("v0");
	must(settings_init(&settings, &err), &err);
	must(settings_open(settings_root(&settings), "Monitor", "edge", &node, &err), &err);
	must(settings_set(node, "Interface", "v0", &err), &err);
	must(settings_set(node, "Hook", "tcx", &err), &err);
	must(settings_set(node, "Pin", "true", &err), &err);
	must(registry_apply(registry, &settings, NULL, false, &report, &err), &err);
	must(inject(registry, "edge", NULL, json, &err), &err);
	first = bpf_obj_get(pin);
	assert_true(first >= 0);
	assert_int_equal(bpf_link_detach(first), 0);
	must(inject(registry, "edge", NULL, json, &err), &err);
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, &program), 1);
	second = bpf_obj_get(pin);
	assert_int_equal(bpf_obj_get_info_by_fd(second, &info, &len), 0);
	assert_int_equal(info.prog_id, program);
	must(registry_delete(registry, "edge", &report, &err), &err);
	veth_delete("v0");
}

/* Patterns attached at run time are saved as written, regardless of the existing interfaces. */
static void test_saved_interfaces(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = registry_make(), *again = NULL;
	_cleanup_free_ char *dir = NULL;
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct monitor_list list;

	(void)state;
	skip_without_objects();
	assert_true(asprintf(&dir, "%s/saved", folder) > 0);
	must(registry_restore(registry, dir, &report, &err), &err);
	veth_make("v0");
	must(add(registry, "edge", "tcx", "", NULL, false, &err), &err);
	must(registry_attach(registry, "edge", "/^v0$/", NULL, false, &report, &err), &err);
	must(registry_attach(registry, "edge", "/^later/", NULL, false, &report, &err), &err);
	must(registry_attach(registry, "edge", "lo", NULL, false, &report, &err), &err);
	assert_string_equal(text_str(&report), "");
	registry = registry_free(registry);
	again = registry_make();
	must(registry_restore(again, dir, &report, &err), &err);
	must(registry_list(again, "edge", &list, &err), &err);
	assert_int_equal(list.monitors[0]->n_patterns, 3);
	assert_string_equal(list.monitors[0]->patterns[0]->text, "/^v0$/");
	assert_string_equal(list.monitors[0]->patterns[1]->text, "/^later/");
	assert_string_equal(list.monitors[0]->patterns[2]->text, "lo");
	monitor_list_release(&list);
	veth_delete("v0");
}

/* Patterns without a matching interface count, too. */
static void test_interface_limit(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = registry_make();
	_cleanup_error_ struct error err = {};

	(void)state;
	must(add(registry, "edge", "auto", "", NULL, false, &err), &err);
	for (int i = 0; i <= INTERFACE_OPTIONS_MAX; i++) {
		char interface[32];
		int r;

		snprintf(interface, sizeof(interface), "/^none%d$/", i);
		r = registry_attach(registry, "edge", interface, NULL, false, NULL, &err);
		assert_int_equal(r, i < INTERFACE_OPTIONS_MAX ? 0 : -E2BIG);
	}
	assert_string_equal(error_message(&err),
			    "at most 256 names and regular expressions are possible");
}

static void test_limit(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = registry_make();
	_cleanup_error_ struct error err = {};
	char name[16];

	(void)state;
	for (int i = 0; i < MONITORS_MAX; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		must(add(registry, name, "tc", "", NULL, false, &err), &err);
	}
	assert_int_equal(add(registry, "more", "tc", "", NULL, false, &err), -E2BIG);
	assert_string_equal(error_message(&err), "at most 1000 monitors are possible");
	must(registry_delete(registry, "m500", NULL, &err), &err);
	must(add(registry, "more", "tc", "", NULL, false, &err), &err);
}

struct load {
	struct registry *registry;
	const char *json;
	bool stop;	/* atomic */
	uint64_t reads; /* atomic */
	uint64_t failures;
};

/* Reads all metrics repeatedly, as exporters do. */
static void *reader_thread(void *data)
{
	struct load *load = data;

	while (!__atomic_load_n(&load->stop, __ATOMIC_ACQUIRE)) {
		struct snapshot_metric each = {};
		struct snapshot snapshot;

		if (registry_snapshot(load->registry, NULL, &snapshot, NULL) < 0) {
			load->failures++;
			continue;
		}
		while (snapshot_next_metric(&snapshot, &each)) {
			_cleanup_text_ struct text out = {};
			struct metric_json json;
			int r = metric_json_init(&json, each.metric);

			while (r >= 0 && (r = metric_json_next(&json, &out)) > 0)
				;
			load->failures += r < 0 || *text_str(&out) != '[';
			__atomic_add_fetch(&load->reads, 1, __ATOMIC_RELAXED);
			metric_json_release(&json);
		}
		snapshot_release(&snapshot);
	}
	return NULL;
}

static uint64_t reads_of(const struct load *load)
{
	return __atomic_load_n(&load->reads, __ATOMIC_RELAXED);
}

static void *writer_thread(void *data)
{
	struct load *load = data;

	while (!__atomic_load_n(&load->stop, __ATOMIC_ACQUIRE)) {
		_cleanup_text_ struct text report = {};

		inject(load->registry, "other", "v1", load->json, NULL);
		registry_refresh(load->registry);
		registry_detach(load->registry, "other", "v1", NULL, NULL);
		registry_reload(load->registry, NULL, true, &report, NULL);
		registry_delete(load->registry, "other", NULL, NULL);
	}
	return NULL;
}

/* Readers see a complete generation while monitors change and are deleted. */
static void test_concurrent(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_free_ char *json = NULL;
	_cleanup_error_ struct error err = {};
	struct load readers[2], writers[2];
	pthread_t threads[4];

	(void)state;
	skip_without_objects();
	json = document("both", &good_object, "COUNT");
	registry = registry_make();
	veth_make("v0");
	veth_make("v1");
	must(inject(registry, "edge", "v0", json, &err), &err);
	for (int i = 0; i < 2; i++) {
		readers[i] = writers[i] = (struct load){ .registry = registry, .json = json };
		assert_int_equal(pthread_create(&threads[i], NULL, reader_thread, &readers[i]), 0);
		assert_int_equal(pthread_create(&threads[2 + i], NULL, writer_thread, &writers[i]),
				 0);
	}
	for (int i = 0; i < 50; i++) {
		must(inject(registry, "edge", NULL, json, &err), &err);
		if (i % 10 == 0)
			must(registry_eject(registry, "edge", -1, NULL, &err), &err);
	}
	/* Readers may not have run yet. */
	for (int i = 0; i < 2; i++)
		for (int ms = 0; ms < PATIENCE_MS && !reads_of(&readers[i]); ms++)
			usleep(1000);
	for (int i = 0; i < 2; i++) {
		__atomic_store_n(&readers[i].stop, true, __ATOMIC_RELEASE);
		__atomic_store_n(&writers[i].stop, true, __ATOMIC_RELEASE);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(readers[0].failures + readers[1].failures, 0);
	assert_true(reads_of(&readers[0]) > 0 && reads_of(&readers[1]) > 0);
	assert_string_equal(state_of(registry, "edge"), "running");
	assert_int_equal(tcx_programs("v0", TCX_INGRESS, NULL), 1);
	veth_delete("v0");
	veth_delete("v1");
}

/* An injection for a new monitor, or for an existing one, does not apply to any other. */
static void test_inject_into(void **state)
{
	_cleanup_(registry_freep) struct registry *registry = NULL;
	_cleanup_(monitor_settings_release) struct monitor_settings settings = {};
	_cleanup_free_ char *json = NULL;
	_cleanup_text_ struct text warnings = {};
	_cleanup_error_ struct error err = {};
	struct injection injection = { .monitor = "edge", .settings = &settings };
	struct monitor_list list;

	(void)state;
	skip_without_objects();
	registry = registry_make();
	json = document("ingress", &good_object, "COUNT");
	injection.bytes = json;
	injection.len = strlen(json);
	must(monitor_settings_init(&settings, "edge", &err), &err);
	injection.into = INJECT_EXISTING;
	assert_int_equal(registry_inject(registry, &injection, &warnings, &err), -ENOENT);
	assert_non_null(settings.name); /* the settings were not consumed */
	/* a failed injection creates no monitor */
	injection.into = INJECT_NEW;
	injection.len--;
	assert_int_equal(registry_inject(registry, &injection, &warnings, &err), -EINVAL);
	assert_int_equal(registry_list(registry, "edge", &list, NULL), -ENOENT);
	injection.len++;
	injection.settings = NULL;
	must(registry_inject(registry, &injection, &warnings, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "detached");
	assert_int_equal(registry_inject(registry, &injection, &warnings, &err), -EEXIST);
	/* eject an empty direction, then the other one */
	must(registry_eject(registry, "edge", EGRESS, NULL, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "detached");
	must(registry_eject(registry, "edge", INGRESS, NULL, &err), &err);
	assert_string_equal(state_of(registry, "edge"), "empty");
	injection.into = INJECT_EXISTING;
	injection.log_level = "debug";
	must(registry_inject(registry, &injection, &warnings, &err), &err);
	/* A failed injection does not change the log level. */
	injection.log_level = "trace";
	injection.len--;
	assert_int_equal(registry_inject(registry, &injection, &warnings, &err), -EINVAL);
	must(registry_list(registry, "edge", &list, &err), &err);
	assert_string_equal(list.monitors[0]->log_level, "debug");
	monitor_list_release(&list);
}

/* Cleans up interfaces and a low descriptor limit after a failed test. */
static int clean(void **state)
{
	struct rlimit limit;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		set_descriptors(limit.rlim_max);
	shell("ip link del group 8; for name in $(seq -f v%%g 0 40); do ip link del $name; done");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_life, clean),
		cmocka_unit_test_teardown(test_failed_injections, clean),
		cmocka_unit_test_teardown(test_rollback, clean),
		cmocka_unit_test_teardown(test_failed_and_waiting, clean),
		cmocka_unit_test_teardown(test_out_of_descriptors, clean),
		cmocka_unit_test_teardown(test_occupied, clean),
		cmocka_unit_test_teardown(test_refused_requests, clean),
		cmocka_unit_test_teardown(test_refresh, clean),
		cmocka_unit_test_teardown(test_tracking, clean),
		cmocka_unit_test_teardown(test_leave, clean),
		cmocka_unit_test_teardown(test_reload, clean),
		cmocka_unit_test_teardown(test_reload_of_one_direction, clean),
		cmocka_unit_test_teardown(test_failed_exchange, clean),
		cmocka_unit_test_teardown(test_netns_again, clean),
		cmocka_unit_test_teardown(test_pinned_again, clean),
		cmocka_unit_test_teardown(test_saved_interfaces, clean),
		cmocka_unit_test(test_inject_into),
		cmocka_unit_test(test_interface_limit),
		cmocka_unit_test(test_limit),
		cmocka_unit_test_teardown(test_concurrent, clean),
		/* Runs last: afterwards interfaces have high indexes. */
		cmocka_unit_test_teardown(test_too_many_interfaces, clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
