/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "fixture.h"
#include "monitor/saved.h"
#include "persist/state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char *folder, *dir;

/* Names of the files at the time of their fsync(), in order. */
static struct text synced;

int fsync(int fd)
{
	char link[64], path[4096] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	text_printf(&synced, "%s\n", strrchr(path, '/') + 1);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	folder = folder_make();
	assert_true(asprintf(&dir, "%s/state", folder) > 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	free(folder);
	free(dir);
	return 0;
}

/* options: pairs of an option and its value, terminated by NULL. */
static struct monitor *monitor_with(const char *name, const char *const options[])
{
	struct monitor_settings settings;
	struct settings_node node = { BLOCK_MONITOR, &settings };
	struct monitor *monitor;

	assert_int_equal(monitor_settings_init(&settings, name, NULL), 0);
	for (size_t i = 0; options && options[i]; i += 2)
		assert_int_equal(settings_set(node, options[i], options[i + 1], NULL), 0);
	assert_int_equal(monitor_new(&settings, 1, 1, false, &monitor, NULL), 0);
	return monitor;
}

static void add_layer(struct monitor *monitor, const char *file, const char *bytes, size_t len,
		      bool leave_ingress, bool leave_egress)
{
	const bool leave[N_DIRECTIONS] = { leave_ingress, leave_egress };
	struct history_entry layer;

	assert_int_equal(history_entry_init(&layer, file, bytes, len, leave, NULL), 0);
	history_push(&monitor->history, &layer);
}

struct seen {
	struct saved saved[8];
	size_t n;
};

static int save(const char *to, const struct monitor *monitor, struct error *err)
{
	_cleanup_text_ struct text bytes = {};

	assert_int_equal(saved_format(monitor, &bytes), 0);
	return state_save(to, monitor->name, &bytes, err);
}

static int see(void *data, const char *name, const char *bytes, size_t len, struct error *err)
{
	_cleanup_text_ struct text warnings = {};
	struct seen *seen = data;
	int r;

	assert_true(seen->n < ARRAY_SIZE(seen->saved));
	r = saved_parse(bytes, len, name, &seen->saved[seen->n], &warnings, err);
	seen->n += r == 0;
	return r;
}

static void seen_release(struct seen *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		saved_release(&seen->saved[i]);
	seen->n = 0;
}

static bool is_there(const char *name)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0;
}

static void test_round_trip(void **state)
{
	static const char *const all[] = {
		"Hook",	     "XDP-generic", "LogLevel",	 "trace", "NetNS",    "/run/netns/blue",
		"Share",     "true",	    "Pin",	 "yes",	  "Position", "before:other",
		"Interface", "eth0",	    "Interface", "eth1",  NULL,
	};
	static const char json[] = "{ \"ingress-path\": { \"code\": \"x\\n\\u00e4\" } }";
	static const char binary[] = "\x7f"
				     "ELF\0\1\2{";
	_cleanup_(monitor_unrefp) struct monitor *a = monitor_with("a", NULL);
	_cleanup_(monitor_unrefp) struct monitor *b = monitor_with("b.b-b_b", all);
	_cleanup_(seen_release) struct seen seen = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	const struct saved *saved;
	struct stat st;

	(void)state;
	assert_int_equal(state_load(dir, see, &seen, &report, &err),
			 0); /* a missing folder is empty */
	assert_int_equal(state_remove(dir, "a", &err), 0);
	add_layer(b, NULL, json, strlen(json), false, true);
	add_layer(b, "name.json", NULL, 0, true, false);
	assert_int_equal(save(dir, b, &err), 0);
	assert_int_equal(save(dir, a, &err), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(is_there("a.json") && is_there("b.b-b_b.json"));
	assert_int_equal(state_load(dir, see, &seen, &report, &err), 0);
	assert_string_equal(text_str(&report), "");
	assert_int_equal(seen.n, 2);
	assert_true(monitor_settings_equal(&seen.saved[0].settings, a->settings));
	assert_int_equal(seen.saved[0].history.n, 0);
	saved = &seen.saved[1];
	assert_true(monitor_settings_equal(&saved->settings, b->settings));
	assert_int_equal(saved->history.n, 2);
	assert_null(saved->history.layers[0].file);
	assert_true(saved->history.layers[0].leave[EGRESS]);
	assert_false(saved->history.layers[0].leave[INGRESS]);
	assert_string_equal(text_str((struct text *)&saved->history.layers[0].bytes),
			    "{\"ingress-path\":{\"code\":\"x\\n\xc3\xa4\"}}");
	assert_string_equal(saved->history.layers[1].file, "name.json");
	assert_true(saved->history.layers[1].leave[INGRESS]);
	/* a saved monitor replaces its file; bytes that are not JSON are restored unchanged */
	seen_release(&seen);
	history_release(&b->history);
	add_layer(b, NULL, binary, sizeof(binary) - 1, false, false);
	assert_int_equal(save(dir, b, &err), 0);
	assert_int_equal(state_remove(dir, "a", &err), 0);
	assert_int_equal(state_remove(dir, "a", &err), 0);
	assert_int_equal(state_load(dir, see, &seen, &report, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.saved[0].history.n, 1);
	assert_int_equal(seen.saved[0].history.layers[0].bytes.len, sizeof(binary) - 1);
	assert_memory_equal(seen.saved[0].history.layers[0].bytes.data, binary, sizeof(binary) - 1);
	assert_int_equal(state_remove(dir, "b.b-b_b", &err), 0);
}

/* A document nested to the maximum is saved as bytes. */
static void test_deep(void **state)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = monitor_with("deep", NULL);
	_cleanup_(seen_release) struct seen seen = {};
	_cleanup_text_ struct text json = {}, report = {};

	(void)state;
	text_adds(&json, "{\"x\":");
	for (int i = 0; i < 29; i++)
		text_addc(&json, '[');
	for (int i = 0; i < 29; i++)
		text_addc(&json, ']');
	text_addc(&json, '}');
	add_layer(monitor, NULL, json.data, json.len, false, false);
	assert_int_equal(save(dir, monitor, NULL), 0);
	assert_int_equal(state_load(dir, see, &seen, &report, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(text_str(&seen.saved[0].history.layers[0].bytes), text_str(&json));
	assert_int_equal(state_remove(dir, "deep", NULL), 0);
}

/* Names of interfaces, namespaces and files are bytes, which JSON strings cannot always hold. */
static void test_bytes(void **state)
{
	static const char *const options[] = { "Interface", "\xff\xfe",	 "Interface", "\xc3\xbf",
					       "NetNS",	    "/run/\xff", NULL };
	_cleanup_(monitor_unrefp) struct monitor *monitor = monitor_with("bytes", options);
	_cleanup_(seen_release) struct seen seen = {};
	_cleanup_text_ struct text report = {}, bytes = {};

	(void)state;
	add_layer(monitor, "\x80.json", NULL, 0, false, false);
	assert_int_equal(save(dir, monitor, NULL), 0);
	assert_int_equal(file_read(dir, "bytes.json", true, STATE_MAX, &bytes, NULL), 0);
	for (size_t i = 0; i < bytes.len; i++)
		assert_true((unsigned char)bytes.data[i] != 0xff && bytes.data[i] != '\\');
	assert_int_equal(state_load(dir, see, &seen, &report, NULL), 0);
	assert_string_equal(text_str(&report), "");
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.saved[0].settings.n_interfaces, 2);
	assert_string_equal(seen.saved[0].settings.interfaces[0], "\xff\xfe");
	assert_string_equal(seen.saved[0].settings.interfaces[1], "\xc3\xbf");
	assert_string_equal(seen.saved[0].settings.netns, "/run/\xff");
	assert_string_equal(seen.saved[0].history.layers[0].file, "\x80.json");
	assert_int_equal(state_remove(dir, "bytes", NULL), 0);
}

/* A truncated file is never accepted as a complete one. */
static void test_truncated(void **state)
{
	static const char *const options[] = { "Interface", "eth0", NULL };
	_cleanup_(monitor_unrefp) struct monitor *monitor = monitor_with("edge", options);
	_cleanup_text_ struct text whole = {};

	(void)state;
	add_layer(monitor, NULL, "{\"ingress-path\":{}}", 19, false, false);
	assert_int_equal(save(dir, monitor, NULL), 0);
	assert_int_equal(file_read(dir, "edge.json", true, STATE_MAX, &whole, NULL), 0);
	assert_int_equal(whole.data[--whole.len], '\n');
	for (size_t len = 0; len < whole.len; len++) {
		_cleanup_text_ struct text report = {};
		struct seen seen = {};

		file_make(dir, "edge.json", whole.data, len, 0600);
		assert_int_equal(state_load(dir, see, &seen, &report, NULL), 0);
		assert_int_equal(seen.n, 0);
		assert_true(contains(text_str(&report), "/edge.json: not restored: "));
	}
	assert_int_equal(state_remove(dir, "edge", NULL), 0);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *json, *message;
	} cases[] = {
		{ "", "JSON syntax" },
		{ "[]", "expected an object" },
		{ "null", "expected an object" },
		{ "{}", "version" },
		{ "{\"version\":2,\"name\":\"x\"}", "version: expected 1, the version" },
		{ "{\"version\":1}", "name" },
		{ "{\"version\":1,\"name\":\"y\"}", "name: expected \"x\", found \"y\"" },
		{ "{\"version\":1,\"name\":7}", "name: expected a string, found 7" },
		{ "{\"version\":1,\"name\":\"x\",\"hook\":\"warp\"}", "Hook: expected one of" },
		{ "{\"version\":1,\"name\":\"x\",\"loglevel\":\"\"}", "LogLevel: expected" },
		{ "{\"version\":1,\"name\":\"x\",\"pin\":1}", "pin: expected true or false" },
		{ "{\"version\":1,\"name\":\"x\",\"interfaces\":\"eth0\"}", "interfaces" },
		{ "{\"version\":1,\"name\":\"x\",\"interfaces\":[7]}", "interfaces[0]" },
		{ "{\"version\":1,\"name\":\"x\",\"interfaces\":[\"a b\"]}", "Interface: " },
		{ "{\"version\":1,\"name\":\"x\",\"positions\":[7]}", "positions[0]" },
		{ "{\"version\":1,\"name\":\"x\",\"interfaces\":[\"a\"],\"positions\":[\"middle\"]"
		  "}",
		  "Position: expected first" },
		{ "{\"version\":1,\"name\":\"x\",\"interfaces\":[\"a\",\"a\"]}", "given twice" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{},{},{}]}",
		  "dataplanes: 3 elements, at most 2" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{}]}",
		  "dataplanes[0]: expected one of file, document and document-data" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{\"file\":\"f\",\"document\":{}}]"
		  "}",
		  "dataplanes[0]: expected one of file, document and document-data" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{\"document\":[]}]}",
		  "dataplanes[0].document: expected a document" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{\"document-data\":\"!\"}]}",
		  "dataplanes[0].document-data: expected a document in base64" },
		{ "{\"version\":1,\"name\":\"x\",\"dataplanes\":[{\"leave\":[\"up\"],\"file\":"
		  "\"f\"}]}",
		  "dataplanes[0].leave: expected ingress or egress, found \"up\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct text warnings = {};
		_cleanup_error_ struct error err = {};
		struct saved saved = {};

		assert_true(saved_parse(cases[i].json, strlen(cases[i].json), "x", &saved,
					&warnings, &err) < 0);
		assert_true(contains(error_message(&err), cases[i].message));
	}
}

static void test_foreign(void **state)
{
	static const char good[] = "{\"version\":1,\"name\":\"x\"}";
	_cleanup_text_ struct text report = {};
	_cleanup_(seen_release) struct seen seen = {};
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *path = NULL;

	(void)state;
	mkdir(dir, 0700);
	file_make(dir, "x.json", good, strlen(good), 0600);
	file_make(dir, "README", "x", 1, 0600);
	file_make(dir, "-.json", good, strlen(good), 0600);
	file_make(dir, ".x.new", "{", 1, 0600);
	file_make(dir, ".keep", "", 0, 0600);
	assert_true(asprintf(&path, "%s/dir.json", dir) > 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(state_load(dir, see, &seen, &report, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_false(is_there(".x.new"));
	assert_true(is_there(".keep"));
	assert_true(
		contains(text_str(&report), "/README: not the state file of a monitor, ignored\n"));
	assert_true(
		contains(text_str(&report), "/-.json: not the state file of a monitor, ignored\n"));
	assert_true(
		contains(text_str(&report), "/.keep: not the state file of a monitor, ignored\n"));
	assert_true(contains(text_str(&report), "/dir.json: not restored: "));
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(state_load(dir, see, &seen, &report, &err), -EPERM);
	assert_true(contains(error_message(&err), "others may write to it"));
	folder_remove(dir);
}

/* Full and read-only file systems, in a mount namespace of its own. */
static void test_no_room(void **state)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = monitor_with("edge", NULL);
	_cleanup_(monitor_unrefp) struct monitor *new = monitor_with("new", NULL);
	_cleanup_free_ char *large = calloc(1, 128 * 1024), *missing = NULL;
	_cleanup_error_ struct error err = {};

	(void)state;
	assert_true(asprintf(&missing, "%s/no/such", folder) > 0);
	assert_int_equal(save(missing, monitor, &err), -ENOENT);
	assert_true(contains(error_message(&err), "monitor edge: its state could not be saved: No "
						  "such file or directory; the monitor is lost "
						  "at the next restart"));
	mkdir(dir, 0700);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700") < 0) {
		print_message("skipped: no mount namespace: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(save(dir, monitor, &err), 0);
	assert_true(is_there("edge.json"));
	/* the old file must not be restored in place of the state that could not be written */
	memset(large, 'x', 128 * 1024);
	add_layer(monitor, NULL, large, 128 * 1024, false, false);
	assert_int_equal(save(dir, monitor, &err), -ENOSPC);
	assert_true(contains(error_message(&err), "No space left on device; the monitor is "
						  "lost at the next restart"));
	assert_false(is_there("edge.json"));
	assert_false(is_there(".edge.new"));
	/* not enough space for both files, but for one */
	history_release(&monitor->history);
	add_layer(monitor, NULL, large, 28 * 1024, false, false);
	assert_int_equal(save(dir, monitor, &err), 0);
	assert_int_equal(save(dir, monitor, &err), 0);
	assert_true(is_there("edge.json"));
	/* a folder that others can write to is not used */
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(save(dir, monitor, &err), -EPERM);
	assert_true(contains(error_message(&err), "monitor edge is lost at the next restart: "
						  "StateDir "));
	assert_true(contains(error_message(&err), " (owner 0, mode 0777) is writable by others, "
						  "and nothing is restored from there; before "
						  "the restart, run chown 0 "));
	assert_true(is_there("edge.json"));
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(chown(dir, 1234, 0), 0);
	assert_int_equal(save(dir, monitor, &err), -EPERM);
	assert_int_equal(chown(dir, 0, 0), 0);
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	/* a new monitor has no older file for a restart to restore */
	assert_int_equal(save(dir, new, &err), -EROFS);
	assert_true(
		contains(error_message(&err),
			 "monitor new: its state could not be saved: Read-only file system; the "
			 "monitor is lost at the next restart: let collectd's user write to "
			 "StateDir "));
	assert_int_equal(state_remove(dir, "new", NULL), 0);
	assert_int_equal(save(dir, monitor, &err), -EROFS);
	assert_true(
		contains(error_message(&err), "the next restart restores its previous settings"));
	assert_int_equal(state_remove(dir, "edge", &err), -EROFS);
	assert_true(contains(error_message(&err), "it may come back after a restart"));
	assert_int_equal(umount(dir), 0);
}

/* The file is synced before the rename, and the folder after the rename and after a removal. */
static void test_synced(void **state)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = monitor_with("m", NULL);

	(void)state;
	text_clear(&synced);
	assert_int_equal(save(dir, monitor, NULL), 0);
	assert_string_equal(text_str(&synced), ".m.new\nstate\n");
	text_clear(&synced);
	assert_int_equal(state_remove(dir, "m", NULL), 0);
	assert_string_equal(text_str(&synced), "state\n");
	text_release(&synced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_deep),
		cmocka_unit_test(test_bytes),	   cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),	   cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_no_room),	   cmocka_unit_test(test_synced),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
