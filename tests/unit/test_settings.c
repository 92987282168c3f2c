/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/settings.h"
#include "fixture.h"

#include <errno.h>

/* Each line is an option in a new block of its kind; code 0: valid. */
static const struct {
	enum settings_block block;
	const char *option, *value;
	int code;
	const char *message;
} options[] = {
#define P "Plugin dynmon: "
#define H "Http: "
#define M "Monitor \"edge\": "
#define C "Metric \"m\": "
	{ BLOCK_PLUGIN, "SocketFile", "/run/x", 0, NULL },
	{ BLOCK_PLUGIN, "socketfile", "/run/x", 0, NULL },
	{ BLOCK_PLUGIN, "SocketFile", "run/x", -EINVAL,
	  P "SocketFile: expected an absolute file name, found \"run/x\"" },
	{ BLOCK_PLUGIN, "SocketFile", "", -EINVAL,
	  P "SocketFile: expected an absolute file name, found \"\"" },
	{ BLOCK_PLUGIN, "SocketGroup", "users", 0, NULL },
	{ BLOCK_PLUGIN, "SocketGroup", "", -EINVAL, P "SocketGroup: expected a value, found \"\"" },
	{ BLOCK_PLUGIN, "SocketPerms", "0660", 0, NULL },
	{ BLOCK_PLUGIN, "SocketPerms", "770", 0, NULL },
	{ BLOCK_PLUGIN, "SocketPerms", "0", 0, NULL },
	{ BLOCK_PLUGIN, "SocketPerms", "1777", -EINVAL,
	  P "SocketPerms: expected octal permissions such as 0660, found \"1777\"" },
	{ BLOCK_PLUGIN, "SocketPerms", "0668", -EINVAL,
	  P "SocketPerms: expected octal permissions such as 0660, found \"0668\"" },
	{ BLOCK_PLUGIN, "SocketPerms", "-1", -EINVAL,
	  P "SocketPerms: expected octal permissions such as 0660, found \"-1\"" },
	{ BLOCK_PLUGIN, "SocketPerms", "rw", -EINVAL,
	  P "SocketPerms: expected octal permissions such as 0660, found \"rw\"" },
	{ BLOCK_PLUGIN, "DeleteSocket", "true", 0, NULL },
	{ BLOCK_PLUGIN, "DeleteSocket", "YES", 0, NULL },
	{ BLOCK_PLUGIN, "DeleteSocket", "off", 0, NULL },
	{ BLOCK_PLUGIN, "DeleteSocket", "1", -EINVAL,
	  P "DeleteSocket: expected true or false, found \"1\"" },
	{ BLOCK_PLUGIN, "DeleteSocket", "", -EINVAL,
	  P "DeleteSocket: expected true or false, found \"\"" },
	{ BLOCK_PLUGIN, "DataplaneDir", "/d", 0, NULL },
	{ BLOCK_PLUGIN, "DataplaneDir", "d", -EINVAL,
	  P "DataplaneDir: expected an absolute file name, found \"d\"" },
	{ BLOCK_PLUGIN, "Compiler", "/c", 0, NULL },
	{ BLOCK_PLUGIN, "Compiler", "c", -EINVAL,
	  P "Compiler: expected an absolute file name, found \"c\"" },
	{ BLOCK_PLUGIN, "IncludeDir", "/i", 0, NULL },
	{ BLOCK_PLUGIN, "Interface", "eth0", -ENOENT,
	  P "unknown option \"Interface\", expected one of SocketFile, SocketGroup, SocketPerms, "
	    "DeleteSocket, DataplaneDir, StateDir, Compiler, IncludeDir, RunStats, "
	    "SelfMetrics" },
	{ BLOCK_PLUGIN, "RunStats", "true", 0, NULL },
	{ BLOCK_PLUGIN, "RunStats", "2", -EINVAL, P "RunStats: expected *" },
	{ BLOCK_PLUGIN, "SelfMetrics", "true", 0, NULL },
	{ BLOCK_PLUGIN, "SelfMetrics", "all", -EINVAL, P "SelfMetrics: expected *" },
	{ BLOCK_PLUGIN, "", "x", -ENOENT, P "unknown option \"\", expected one of *" },
	{ BLOCK_HTTP, "Host", "::1", 0, NULL },
	{ BLOCK_HTTP, "Port", "1", 0, NULL },
	{ BLOCK_HTTP, "Port", "65535", 0, NULL },
	{ BLOCK_HTTP, "Port", "0", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"0\"" },
	{ BLOCK_HTTP, "Port", "65536", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"65536\"" },
	{ BLOCK_HTTP, "Port", "80x", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"80x\"" },
	{ BLOCK_HTTP, "Port", "http", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"http\"" },
	{ BLOCK_HTTP, "Port", "-80", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"-80\"" },
	{ BLOCK_HTTP, "Port", "99999999999999999999", -EINVAL,
	  H "Port: expected a port from 1 to 65535, found \"99999999999999999999\"" },
	{ BLOCK_HTTP, "SocketFile", "x", -EINVAL,
	  H "SocketFile: expected an absolute file name, found \"x\"" },
	{ BLOCK_HTTP, "AllowWrites", "true", 0, NULL },
	{ BLOCK_HTTP, "AllowWrites", "No", 0, NULL },
	{ BLOCK_HTTP, "AllowWrites", "reads", -EINVAL,
	  H "AllowWrites: expected true or false, found \"reads\"" },
	{ BLOCK_HTTP, "ServerName", "dynmon.Example-1.org.", 0, NULL },
	{ BLOCK_HTTP, "ServerName", "", -EINVAL,
	  H "ServerName: expected a host name without a port, found \"\"" },
	{ BLOCK_HTTP, "ServerName", "x:80", -EINVAL,
	  H "ServerName: expected a host name without a port, found \"x:80\"" },
	{ BLOCK_HTTP, "ServerName", "http://x", -EINVAL,
	  H "ServerName: expected a host name without a port, found \"http://x\"" },
	{ BLOCK_HTTP, "Hook", "tc", -ENOENT,
	  H "unknown option \"Hook\", expected one of Host, Port, SocketFile*" },
	{ BLOCK_MONITOR, "Interface", "eth0", 0, NULL },
	{ BLOCK_MONITOR, "Interface", "fifteen_letters", 0, NULL },
	{ BLOCK_MONITOR, "Interface", "/^veth[0-9]+$/", 0, NULL },
	{ BLOCK_MONITOR, "Interface", "br1:port1", 0, NULL },
	{ BLOCK_MONITOR, "Interface", "/(/", -EINVAL,
	  M "Interface: expected an extended regular expression, found \"/(/\": *" },
	{ BLOCK_MONITOR, "Interface", "/^[a-z]{2,8}[0-9]{1,3}$/", 0, NULL },
	{ BLOCK_MONITOR, "Interface", "/((a{255}){255}){255}/", -EINVAL,
	  M "Interface: expected counts of 1000 or less, multiplied, found *" },
	{ BLOCK_MONITOR, "Interface", "/a{,99999999999999999999}/", -EINVAL,
	  M "Interface: expected counts of 1000 or less, multiplied, found *" },
	{ BLOCK_MONITOR, "Interface", "/veth", -EINVAL,
	  M "Interface: expected a regular expression between slashes, found \"/veth\"" },
	{ BLOCK_MONITOR, "Interface", "br1:", -EINVAL, M "Interface: expected the name of *" },
	{ BLOCK_MONITOR, "Interface", ":port1", -EINVAL, M "Interface: expected the name of *" },
	{ BLOCK_MONITOR, "NetNS", "blue", 0, NULL },
	{ BLOCK_MONITOR, "NetNS", "/run/netns/blue", 0, NULL },
	{ BLOCK_MONITOR, "NetNS", "a/b", -EINVAL,
	  M "NetNS: expected the name of a network namespace or an absolute file name, found "
	    "\"a/b\"" },
	{ BLOCK_MONITOR, "NetNS", "..", -EINVAL, M "NetNS: expected *" },
	{ BLOCK_MONITOR, "Position", "First", 0, NULL },
	{ BLOCK_MONITOR, "Position", "before:other", 0, NULL },
	{ BLOCK_MONITOR, "Position", "after:#17", 0, NULL },
	{ BLOCK_MONITOR, "Position", "after:#", -EINVAL,
	  M "Position: expected first, last, before:M or after:M, where M is a monitor or #ID of "
	    "a program, found \"after:#\"" },
	{ BLOCK_MONITOR, "Position", "middle", -EINVAL, M "Position: expected first, *" },
	{ BLOCK_MONITOR, "Share", "true", 0, NULL },
	{ BLOCK_MONITOR, "Pin", "maybe", -EINVAL,
	  M "Pin: expected true or false, found \"maybe\"" },
	{ BLOCK_MONITOR, "Interface", "sixteen_letters_", -EINVAL,
	  M "Interface: expected the name of a network interface, bridge:port, or /a regular "
	    "expression/, found \"sixteen_letters_\"" },
	{ BLOCK_MONITOR, "Interface", "", -EINVAL,
	  M "Interface: expected the name of a network interface, bridge:port, or /a regular "
	    "expression/, found \"\"" },
	{ BLOCK_MONITOR, "Interface", "a b", -EINVAL,
	  M "Interface: expected the name of a network interface, bridge:port, or /a regular "
	    "expression/, found \"a b\"" },
	{ BLOCK_MONITOR, "Interface", "../x", -EINVAL,
	  M "Interface: expected the name of a network interface, bridge:port, or /a regular "
	    "expression/, found \"../x\"" },
	{ BLOCK_MONITOR, "Hook", "auto", 0, NULL },
	{ BLOCK_MONITOR, "Hook", "XDP-Generic", 0, NULL },
	{ BLOCK_MONITOR, "Hook", "kprobe", -EINVAL,
	  M "Hook: expected one of auto, tcx, tc, xdp, xdp-generic, found \"kprobe\"" },
	{ BLOCK_MONITOR, "Dataplane", "x.json", 0, NULL },
	{ BLOCK_MONITOR, "Dataplane", "", -EINVAL, M "Dataplane: expected a value, found \"\"" },
	{ BLOCK_MONITOR, "Interval", "10", 0, NULL },
	{ BLOCK_MONITOR, "Interval", "0.001", 0, NULL },
	{ BLOCK_MONITOR, "Interval", "86400", 0, NULL },
	{ BLOCK_MONITOR, "Interval", "0.0001", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"0.0001\"" },
	{ BLOCK_MONITOR, "Interval", "86401", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"86401\"" },
	{ BLOCK_MONITOR, "Interval", "nan", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"nan\"" },
	{ BLOCK_MONITOR, "Interval", "inf", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"inf\"" },
	{ BLOCK_MONITOR, "Interval", "-1", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"-1\"" },
	{ BLOCK_MONITOR, "Interval", "10s", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"10s\"" },
	{ BLOCK_MONITOR, "Interval", "", -EINVAL,
	  M "Interval: expected seconds from 0.001 to 86400, found \"\"" },
	{ BLOCK_MONITOR, "Set", "filter.port=a=b", 0, NULL },
	{ BLOCK_MONITOR, "Set", "=1", -EINVAL,
	  M "Set: expected NAME=VALUE, a variable of the dataplane and its value, of at most 512 "
	    "bytes, found \"=1\"" },
	{ BLOCK_MONITOR, "LogLevel", "TRACE", 0, NULL },
	{ BLOCK_MONITOR, "LogLevel", "off", 0, NULL },
	{ BLOCK_MONITOR, "LogLevel", "verbose", -EINVAL,
	  M "LogLevel: expected one of off, critical, error, warn, info, debug, trace, found "
	    "\"verbose\"" },
	{ BLOCK_MONITOR, "LogLevel", "", -EINVAL,
	  M
	  "LogLevel: expected one of off, critical, error, warn, info, debug, trace, found \"\"" },
	{ BLOCK_MONITOR, "PluginInstance", "%{monitor}", 0, NULL },
	{ BLOCK_MONITOR, "PluginInstance", "", -EINVAL,
	  M "PluginInstance: expected a value, found \"\"" },
	{ BLOCK_MONITOR, "Type", "x", -ENOENT,
	  M
	  "unknown option \"Type\", expected one of Interface, NetNS, Position, Share, Pin, Hook, "
	  "Dataplane, Set, Interval, LogLevel, "
	  "PluginInstance" },
	{ BLOCK_METRIC, "Type", "derive", 0, NULL },
	{ BLOCK_METRIC, "TypeInstance", "x", 0, NULL },
	{ BLOCK_METRIC, "TypeInstance", "", 0, NULL },
	{ BLOCK_METRIC, "Type", "", -EINVAL, C "Type: expected a value, found \"\"" },
	{ BLOCK_METRIC, "Dispatch", "no", 0, NULL },
	{ BLOCK_METRIC, "Dispatch", "maybe", -EINVAL,
	  C "Dispatch: expected true or false, found \"maybe\"" },
	{ BLOCK_METRIC, "Hook", "tc", -ENOENT,
	  C "unknown option \"Hook\", expected one of Type, TypeInstance, Dispatch, MaxSeries" },
};

static struct settings_node open_block(struct settings *settings, enum settings_block block)
{
	struct settings_node root = settings_root(settings), node = root;

	if (block == BLOCK_HTTP)
		assert_int_equal(settings_open(root, "Http", NULL, &node, NULL), 0);
	if (block == BLOCK_MONITOR || block == BLOCK_METRIC)
		assert_int_equal(settings_open(root, "monitor", "edge", &node, NULL), 0);
	if (block == BLOCK_METRIC)
		assert_int_equal(settings_open(node, "METRIC", "m", &node, NULL), 0);
	assert_int_equal(node.block, block);
	return node;
}

static bool fits(const char *message, const char *expected)
{
	size_t len = strlen(expected);

	return expected[len - 1] == '*' ? !strncmp(message, expected, len - 1)
					: !strcmp(message, expected);
}

static void test_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		_cleanup_error_ struct error err = {};
		struct settings settings;
		int r;

		assert_int_equal(settings_init(&settings, NULL), 0);
		r = settings_set(open_block(&settings, options[i].block), options[i].option,
				 options[i].value, &err);
		if (r != options[i].code)
			fail_msg("%s \"%s\": %d %s", options[i].option, options[i].value, r,
				 error_message(&err));
		if (r < 0 && !fits(error_message(&err), options[i].message))
			fail_msg("%s\nexpected %s", error_message(&err), options[i].message);
		settings_release(&settings);
	}
}

/* Options are stored in the members that other modules read. */
static void test_values(void **state)
{
	struct settings settings;
	struct settings_node root, monitor, metric, http;
	const struct monitor_settings *edge;
	const struct metric_settings *m;

	(void)state;
	assert_int_equal(settings_init(&settings, NULL), 0);
	root = settings_root(&settings);
	assert_string_equal(settings.socket_file, DYNMON_SOCKET);
	assert_string_equal(settings.dataplane_dir, DYNMON_DATAPLANE_DIR);
	assert_string_equal(settings.socket_perms, "0660");
	assert_false(settings.delete_socket);
	assert_null(settings.compiler);
	assert_int_equal(settings_set(root, "SocketFile", "/a", NULL), 0);
	assert_int_equal(settings_set(root, "SocketFile", "/b", NULL),
			 0); /* the last value counts */
	assert_string_equal(settings.socket_file, "/b");
	assert_int_equal(settings_set(root, "SocketFile", "c", NULL), -EINVAL);
	assert_string_equal(settings.socket_file, "/b"); /* a wrong value changes nothing */
	assert_int_equal(settings_set(root, "DeleteSocket", "yes", NULL), 0);
	assert_true(settings.delete_socket);
	assert_int_equal(settings_open(root, "Monitor", "edge", &monitor, NULL), 0);
	assert_int_equal(settings_set(monitor, "Interface", "eth0", NULL), 0);
	assert_int_equal(settings_set(monitor, "Interface", "eth1", NULL), 0);
	assert_int_equal(settings_set(monitor, "interval", "2.5", NULL), 0);
	assert_int_equal(settings_set(monitor, "LogLevel", "DEBUG", NULL), 0);
	assert_int_equal(settings_open(monitor, "Metric", "m", &metric, NULL), 0);
	assert_int_equal(settings_set(metric, "Type", "derive", NULL), 0);
	assert_int_equal(settings_set(metric, "Dispatch", "false", NULL), 0);
	assert_int_equal(settings_open(monitor, "Metric", "n", &metric, NULL), 0);
	edge = &settings.monitors[0];
	assert_int_equal(edge->n_interfaces, 2);
	assert_string_equal(edge->interfaces[1], "eth1");
	assert_true(edge->interval > 2.4 && edge->interval < 2.6);
	assert_string_equal(edge->log_level, "debug"); /* normalized for the compiler */
	assert_string_equal(edge->hook, "auto");
	m = monitor_settings_metric(edge, "m");
	assert_string_equal(m->type, "derive");
	assert_false(m->dispatch);
	assert_true(monitor_settings_metric(edge, "n")->dispatch);
	assert_null(monitor_settings_metric(edge, "none"));
	assert_int_equal(settings_open(root, "http", NULL, &http, NULL), 0);
	assert_int_equal(settings_open(root, "HTTP", NULL, &http, NULL), 0);
	assert_int_equal(settings.n_https, 2);
	settings_release(&settings);
	settings_release(&settings); /* a second release */
}

static void test_blocks(void **state)
{
	static const struct {
		enum settings_block parent;
		const char *block, *argument;
		int code;
		const char *message;
	} blocks[] = {
		{ BLOCK_PLUGIN, "Monitor", "a.b-c_1", 0, NULL },
		{ BLOCK_PLUGIN, "Monitor", NULL, -EINVAL,
		  "monitor name: expected 1 to 63 bytes, not starting with . or -, found \"\"" },
		{ BLOCK_PLUGIN, "Monitor", "", -EINVAL,
		  "monitor name: expected 1 to 63 bytes, not starting with . or -, found \"\"" },
		{ BLOCK_PLUGIN, "Monitor", "..", -EINVAL,
		  "monitor name: expected 1 to 63 bytes, not starting with . or -, found \"..\"" },
		{ BLOCK_PLUGIN, "Monitor", "-x", -EINVAL,
		  "monitor name: expected 1 to 63 bytes, not starting with . or -, found \"-x\"" },
		{ BLOCK_PLUGIN, "Monitor",
		  "123456789012345678901234567890123456789012345678901234567890123", 0, NULL },
		{ BLOCK_PLUGIN, "Monitor",
		  "1234567890123456789012345678901234567890123456789012345678901234", -EINVAL,
		  "monitor name: expected 1 to 63 bytes, *" },
		{ BLOCK_PLUGIN, "Monitor", "a/b", -EINVAL,
		  "monitor name: expected letters, digits, _, - and ., found \"a/b\"" },
		{ BLOCK_PLUGIN, "Monitor", "a b", -EINVAL,
		  "monitor name: expected letters, digits, _, - and ., found \"a b\"" },
		{ BLOCK_PLUGIN, "Monitor", "a=b", -EINVAL,
		  "monitor name: expected letters, digits, _, - and ., found \"a=b\"" },
		{ BLOCK_PLUGIN, "Monitor", "\xc3\xa4", -EINVAL,
		  "monitor name: expected letters, *" },
		{ BLOCK_PLUGIN, "Http", "x", -EINVAL, "Http: expected no name, found \"x\"" },
		{ BLOCK_PLUGIN, "Metric", "m", -ENOENT, "Plugin dynmon: unknown block <Metric>" },
		{ BLOCK_MONITOR, "Monitor", "x", -ENOENT,
		  "Monitor \"edge\": unknown block <Monitor>" },
		{ BLOCK_MONITOR, "Metric", NULL, -EINVAL,
		  "Monitor \"edge\": Metric: expected the name of a metric" },
		{ BLOCK_MONITOR, "Metric", "", -EINVAL,
		  "Monitor \"edge\": Metric: expected the name of a metric" },
		{ BLOCK_METRIC, "Metric", "x", -ENOENT, "Metric \"m\": unknown block <Metric>" },
		{ BLOCK_HTTP, "Host", "x", -ENOENT, "Http: unknown block <Host>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		_cleanup_error_ struct error err = {};
		struct settings settings;
		struct settings_node node;
		int r;

		assert_int_equal(settings_init(&settings, NULL), 0);
		node = open_block(&settings, blocks[i].parent);
		r = settings_open(node, blocks[i].block, blocks[i].argument, &node, &err);
		if (r != blocks[i].code || (r < 0 && !fits(error_message(&err), blocks[i].message)))
			fail_msg("%zu: %d %s", i, r, error_message(&err));
		settings_release(&settings);
	}
}

static void test_twice_and_limits(void **state)
{
	_cleanup_error_ struct error err = {};
	struct settings settings;
	struct settings_node root, node, monitor;
	char name[16];

	(void)state;
	assert_int_equal(settings_init(&settings, NULL), 0);
	root = settings_root(&settings);
	assert_int_equal(settings_open(root, "Monitor", "edge", &monitor, &err), 0);
	assert_int_equal(settings_open(root, "Monitor", "edge", &node, &err), -EINVAL);
	assert_string_equal(error_message(&err), "Monitor \"edge\": the name is already used");
	assert_int_equal(settings_open(monitor, "Metric", "m", &node, &err), 0);
	assert_int_equal(settings_open(monitor, "Metric", "m", &node, &err), -EINVAL);
	assert_string_equal(error_message(&err),
			    "Monitor \"edge\": Metric \"m\": the name is already used");
	for (int i = 0; i < INTERFACE_OPTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "eth%d", i);
		assert_int_equal(settings_set(monitor, "Interface", name, &err), 0);
	}
	assert_int_equal(settings_set(monitor, "Interface", "eth7", &err), -EINVAL);
	assert_string_equal(error_message(&err), "Monitor \"edge\": Interface: \"eth7\" "
						 "is given twice");
	assert_int_equal(settings_set(monitor, "Interface", "more", &err), -E2BIG);
	assert_string_equal(error_message(&err), "Monitor \"edge\": Interface: expected at most "
						 "256 values; a regular expression can match "
						 "many interfaces");
	for (int i = 1; i < MONITORS_MAX; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		assert_int_equal(settings_open(root, "Monitor", name, &node, &err), 0);
	}
	assert_int_equal(settings_open(root, "Monitor", "more", &node, &err), -E2BIG);
	assert_string_equal(error_message(&err),
			    "expected at most 1000 blocks of the kind Monitor");
	settings_release(&settings);
}

static void test_check(void **state)
{
	static const struct {
		const char *options[3]; /* with values after "=" */
		int code;
	} https[] = {
		{ { NULL }, 0 },
		{ { "Host=::1", "Port=80" }, 0 },
		{ { "SocketFile=/x" }, 0 },
		{ { "SocketFile=/x", "Port=80" }, -EINVAL },
		{ { "Host=::1", "SocketFile=/x" }, -EINVAL },
		{ { "SocketFile=/x", "ServerName=x" }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(https); i++) {
		_cleanup_error_ struct error err = {};
		struct settings settings;
		struct settings_node node;

		assert_int_equal(settings_init(&settings, NULL), 0);
		node = open_block(&settings, BLOCK_HTTP);
		for (size_t o = 0; o < 3 && https[i].options[o]; o++) {
			char option[32];

			snprintf(option, sizeof(option), "%s", https[i].options[o]);
			*strchr(option, '=') = '\0';
			assert_int_equal(settings_set(node, option,
						      strchr(https[i].options[o], '=') + 1, &err),
					 0);
		}
		assert_int_equal(settings_check(node, &err), https[i].code);
		if (https[i].code)
			assert_string_equal(error_message(&err),
					    H "SocketFile \"/x\" cannot be combined with Host, "
					      "Port or ServerName");
		assert_int_equal(settings_check(settings_root(&settings), &err), 0);
		settings_release(&settings);
	}
}

/*
 * Compares two blocks given as lines: name, then options with values; the lines of a metric start
 * with its name.
 */
static void equal_case(const char *const a[], const char *const b[], bool equal)
{
	struct monitor_settings settings[2];
	const char *const *lines[] = { a, b };

	for (int i = 0; i < 2; i++) {
		struct settings_node node = { BLOCK_MONITOR, &settings[i] }, metric;

		assert_int_equal(monitor_settings_init(&settings[i], "m", NULL), 0);
		for (const char *const *at = lines[i]; *at; at += 2) {
			if (strcmp(*at, "Metric") != 0) {
				assert_int_equal(settings_set(node, at[0], at[1], NULL), 0);
				continue;
			}
			assert_int_equal(settings_open(node, "Metric", at[1], &metric, NULL), 0);
			at += 2;
			assert_int_equal(settings_set(metric, at[0], at[1], NULL), 0);
		}
	}
	assert_int_equal(monitor_settings_equal(&settings[0], &settings[1]), equal);
	assert_int_equal(monitor_settings_equal(&settings[1], &settings[0]), equal);
	assert_true(monitor_settings_equal(&settings[0], &settings[0]));
	for (int i = 0; i < 2; i++)
		monitor_settings_release(&settings[i]);
}

#define L(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void test_equal(void **state)
{
	(void)state;
	equal_case(L(), L(), true);
	equal_case(L("Interface", "a", "Interface", "b"), L("Interface", "b", "Interface", "a"),
		   true);
	equal_case(L("Interface", "a"), L("Interface", "b"), false);
	equal_case(L("Interface", "a"), L("Interface", "a", "Interface", "b"), false);
	equal_case(L("Interval", "5"), L("Interval", "5.0"), true);
	equal_case(L("Interval", "5"), L("Interval", "6"), false);
	equal_case(L("Interval", "5"), L(), false);
	equal_case(L("Hook", "auto", "LogLevel", "off", "Share", "no"), L(), true);
	equal_case(L("Hook", "tc"), L(), false);
	equal_case(L("NetNS", "a"), L("NetNS", "a"), true);
	equal_case(L("NetNS", "a"), L(), false);
	equal_case(L("Position", "first"), L("Position", "last"), false);
	equal_case(L("Share", "true"), L(), false);
	equal_case(L("Pin", "true"), L(), false);
	equal_case(L("Dataplane", "a"), L("Dataplane", "b"), false);
	equal_case(L("LogLevel", "info"), L(), false);
	equal_case(L("Set", "a=1"), L("Set", "a=1"), true);
	equal_case(L("Set", "a=1"), L("Set", "a=2"), false);
	equal_case(L("PluginInstance", "x"), L(), false);
	equal_case(L("Metric", "a", "Type", "x", "Metric", "b", "Dispatch", "no"),
		   L("Metric", "b", "Dispatch", "off", "Metric", "a", "Type", "x"), true);
	equal_case(L("Metric", "a", "Type", "x"), L("Metric", "a", "Type", "y"), false);
	equal_case(L("Metric", "a", "Type", "x"), L("Metric", "b", "Type", "x"), false);
	equal_case(L("Metric", "a", "Type", "x"), L(), false);
}

static void test_report_fixed(void **state)
{
	_cleanup_(settings_release) struct settings running = {}, new = {};
	_cleanup_text_ struct text report = {};
	struct settings_node http;

	(void)state;
	assert_int_equal(settings_init(&running, NULL), 0);
	assert_int_equal(settings_init(&new, NULL), 0);
	settings_report_fixed(&running, &new, &report);
	assert_string_equal(text_str(&report), "");
	/* changed by a reload */
	assert_int_equal(settings_set(settings_root(&new), "RunStats", "true", NULL), 0);
	assert_int_equal(settings_set(settings_root(&new), "SelfMetrics", "true", NULL), 0);
	assert_int_equal(settings_set(settings_root(&new), "SocketGroup", "adm", NULL), 0);
	assert_int_equal(settings_open(settings_root(&new), "Http", NULL, &http, NULL), 0);
	settings_report_fixed(&running, &new, &report);
	assert_string_equal(text_str(&report),
			    "SocketGroup: a change takes effect when collectd is started again\n"
			    "Http: a change takes effect when collectd is started again\n");
	text_clear(&report);
	assert_int_equal(settings_set(settings_root(&running), "SocketGroup", "adm", NULL), 0);
	assert_int_equal(settings_open(settings_root(&running), "Http", NULL, &http, NULL), 0);
	settings_report_fixed(&running, &new, &report);
	assert_string_equal(text_str(&report), "");
	assert_int_equal(settings_set(http, "Port", "9937", NULL), 0);
	settings_report_fixed(&running, &new, &report);
	assert_true(contains(text_str(&report), "Http: "));
}

/* Maximum number of a listener's names; a reload compares them. */
static void test_server_names(void **state)
{
	_cleanup_(settings_release) struct settings running = {}, new = {};
	_cleanup_text_ struct text report = {};
	_cleanup_error_ struct error err = {};
	struct settings_node http;
	char name[32];

	(void)state;
	assert_int_equal(settings_init(&running, NULL), 0);
	assert_int_equal(settings_init(&new, NULL), 0);
	http = open_block(&running, BLOCK_HTTP);
	assert_int_equal(settings_set(http, "ServerName", "a", NULL), 0);
	http = open_block(&new, BLOCK_HTTP);
	assert_int_equal(settings_set(http, "servername", "a", NULL), 0);
	settings_report_fixed(&running, &new, &report);
	assert_string_equal(text_str(&report), "");
	for (int i = 1; i < SERVER_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		assert_int_equal(settings_set(http, "ServerName", name, NULL), 0);
	}
	assert_int_equal(settings_set(http, "ServerName", "c", &err), -E2BIG);
	assert_string_equal(error_message(&err), H "ServerName: expected at most 32 values");
	settings_report_fixed(&running, &new, &report);
	assert_true(contains(text_str(&report), "Http: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),	     cmocka_unit_test(test_values),
		cmocka_unit_test(test_blocks),	     cmocka_unit_test(test_twice_and_limits),
		cmocka_unit_test(test_check),	     cmocka_unit_test(test_equal),
		cmocka_unit_test(test_report_fixed), cmocka_unit_test(test_server_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
