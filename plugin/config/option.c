/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/option.h"
#include "dataplane/document.h"
#include "dataplane/metric_config.h"
#include "decode/cell.h"
#include "kernel/hook.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <regex.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define LOG_LEVELS "off, error, warn, info, debug, trace"
#define NETNS_MAX  1000 /* bytes */

int monitor_name_check(const char *name, struct error *err)
{
	if (!name || !*name || strlen(name) > MONITOR_NAME_MAX || *name == '.' || *name == '-')
		return error_set(err, -EINVAL,
				 "monitor name: expected 1 to %d bytes, not starting with . or -, "
				 "found \"%.100s\"",
				 MONITOR_NAME_MAX, name ? name : "");
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return error_set(err, -EINVAL,
					 "monitor name: expected letters, digits, _, - and ., "
					 "found \"%.100s\"",
					 name);
	return 0;
}

static int expected(struct error *err, const char *what, const char *value)
{
	return error_set(err, -EINVAL, "expected %s, found \"%.100s\"", what, value);
}

static int take_string(void *to, const char *value, struct error *err)
{
	char *copy;

	if (!*value)
		return expected(err, "a value", value);
	copy = strdup(value);
	if (!copy)
		return error_oom(err);
	free(*(char **)to);
	*(char **)to = copy;
	return 0;
}

static int take_bool(void *to, const char *value, struct error *err)
{
	static const struct {
		const char *word;
		bool is;
	} words[] = { { "true", true },	  { "yes", true }, { "on", true },
		      { "false", false }, { "no", false }, { "off", false } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(value, words[i].word)) {
			*(bool *)to = words[i].is;
			return 0;
		}
	return expected(err, "true or false", value);
}

static int take_choice(void *to, const char *value, struct error *err)
{
	bool is;
	int r = take_bool(&is, value, err);

	if (r == 0)
		*(enum choice *)to = is ? CHOICE_TRUE : CHOICE_FALSE;
	return r;
}

static int take_interval(void *to, const char *value, struct error *err)
{
	char *end;
	double seconds = strtod(value, &end);

	if (!*value || *end || !isfinite(seconds) || seconds < 0.001 || seconds > INTERVAL_MAX)
		return expected(err, "seconds from 0.001 to 86400", value);
	*(double *)to = seconds;
	return 0;
}

static int option_take_series(void *to, const char *value, struct error *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n < 1 || n > SERIES_MAX)
		return expected(err, "a number of series from 1 to 10000000", value);
	*(uint32_t *)to = (uint32_t)n;
	return 0;
}

static bool same_series(const void *a, const void *b)
{
	return *(const uint32_t *)a == *(const uint32_t *)b;
}

static int option_take_number(void *to, const char *value, struct error *err)
{
	char *end;
	double number = strtod(value, &end);

	if (!*value || *end || !isfinite(number))
		return expected(err, "a number", value);
	*(double *)to = number;
	return 0;
}

/* [host/]plugin[-instance]/type[-instance]. */
static int take_match(void *to, const char *value, struct error *err)
{
	size_t slashes = 0, len = strlen(value);
	bool ok = len <= FEED_MATCH_MAX && *value != '/';

	for (const char *c = value; *c; c++)
		if (*c == '/') {
			slashes++;
			ok = ok && c[1] && c[1] != '/';
		}
	if (!ok || slashes < 1 || slashes > 2)
		return error_set(err, -EINVAL,
				 "expected [host/]plugin[-instance]/type[-instance], with *, ? and "
				 "[...] as in the shell, of at most %d bytes, found \"%.100s\"",
				 FEED_MATCH_MAX, value);
	return take_string(to, value, err);
}

static int take_monitor(void *to, const char *value, struct error *err)
{
	int r = monitor_name_check(value, err);

	return r < 0 ? r : take_string(to, value, err);
}

static int option_take_direction(void *to, const char *value, struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (!strcasecmp(value, direction_name(direction)))
			return take_string(to, direction_name(direction), err);
	return expected(err, "ingress or egress", value);
}

static int take_key(void *to, const char *value, struct error *err)
{
	int r = cell_check_key(value, err);

	return r < 0 ? r : take_string(to, value, err);
}

static int take_port(void *to, const char *value, struct error *err)
{
	char *end;
	long port = strtol(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || port < 1 || port > 65535)
		return expected(err, "a port from 1 to 65535", value);
	return take_string(to, value, err);
}

static int take_perms(void *to, const char *value, struct error *err)
{
	char *end;
	long mode = strtol(value, &end, 8);

	if (!isdigit((unsigned char)*value) || *end || mode < 0 || mode > 0777)
		return expected(err, "octal permissions such as 0660", value);
	return take_string(to, value, err);
}

static int option_take_path(void *to, const char *value, struct error *err)
{
	if (*value != '/')
		return expected(err, "an absolute file name", value);
	return take_string(to, value, err);
}

static int take_socket(void *to, const char *value, struct error *err)
{
	if (strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return expected(err, "a file name of at most 107 bytes", value);
	return option_take_path(to, value, err);
}

/* A name below /run/netns, or a path. */
static int take_netns(void *to, const char *value, struct error *err)
{
	bool name = *value != '/' && !strchr(value, '/') && strcmp(value, ".") != 0 &&
		    strcmp(value, "..") != 0;

	if (!*value || strlen(value) > NETNS_MAX || (*value != '/' && !name))
		return expected(err, "the name of a network namespace or an absolute file name",
				value);
	return take_string(to, value, err);
}

static int option_take_hook(void *to, const char *value, struct error *err)
{
	if (!hook_find(value))
		return error_set(err, -EINVAL, "expected one of %s, found \"%.100s\"", hook_names(),
				 value);
	return take_string(to, value, err);
}

static int take_log_level(void *to, const char *value, struct error *err)
{
	_cleanup_free_ char *levels = strdup(LOG_LEVELS);
	char *rest = levels, *level;

	if (!levels)
		return error_oom(err);
	while ((level = strsep(&rest, ", ")))
		if (*level && !strcasecmp(level, value))
			return take_string(to, level, err);
	return expected(err, "one of " LOG_LEVELS, value);
}

/* first, last, before:M or after:M, where M is the name of a monitor, or # and a program ID. */
static int take_position(void *to, const char *value, struct error *err)
{
	const char *neighbour = strchr(value, ':');
	bool ok = !strcasecmp(value, "first") || !strcasecmp(value, "last");

	if (neighbour++) {
		ok = !strncasecmp(value, "before:", 7) || !strncasecmp(value, "after:", 6);
		ok = ok &&
		     (*neighbour == '#'
			      ? neighbour[1] && !neighbour[1 + strspn(neighbour + 1, "0123456789")]
			      : monitor_name_check(neighbour, NULL) == 0);
	}
	if (!ok)
		return expected(err,
				"first, last, before:M or after:M, where M is a monitor or "
				"#ID of a program",
				value);
	return take_string(to, value, err);
}

static bool is_interface_name(const char *name, size_t len)
{
	return len > 0 && len < IF_NAMESIZE && !memchr(name, '/', len) && !memchr(name, ':', len) &&
	       strcspn(name, " \t\n\v\f\r") >= len;
}

/*
 * When an expression is compiled, {n} copies the preceding element n times. Nested counts multiply:
 * a few characters could exhaust all memory.
 */
static bool counts_are_small(const char *expression)
{
	unsigned long copies = 1;

	for (const char *at = expression; (at = strchr(at, '{'));) {
		unsigned long most = 1;

		for (at++; isdigit((unsigned char)*at) || *at == ',';) {
			char *end;
			unsigned long count = strtoul(at, &end, 10);

			most = count > most ? count : most;
			at = *at == ',' ? at + 1 : end;
		}
		if (most > PATTERN_COPIES_MAX / copies)
			return false;
		copies *= most;
	}
	return true;
}

/* A name, "bridge:port", or a regular expression between slashes. */
static int pattern_check(const char *value, struct error *err)
{
	size_t len = strlen(value);
	const char *port = strchr(value, ':');

	if (len > PATTERN_MAX)
		return error_set(err, -EINVAL, "expected at most %d bytes, found %zu", PATTERN_MAX,
				 len);
	if (*value == '/') {
		_cleanup_free_ char *expression = NULL;
		char why[128];
		regex_t regex;
		int r;

		if (len < 3 || value[len - 1] != '/')
			return expected(err, "a regular expression between slashes", value);
		expression = strndup(value + 1, len - 2);
		if (!expression)
			return error_oom(err);
		if (!counts_are_small(expression))
			return error_set(err, -EINVAL,
					 "expected counts of %d or less, multiplied, found "
					 "\"%.100s\"",
					 PATTERN_COPIES_MAX, value);
		r = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
		if (r == 0) {
			regfree(&regex);
			return 0;
		}
		regerror(r, &regex, why, sizeof(why));
		return error_set(err, -EINVAL,
				 "expected an extended regular expression, found \"%.100s\": %s",
				 value, why);
	}
	if (port ? is_interface_name(value, (size_t)(port - value)) &&
			    is_interface_name(port + 1, strlen(port + 1))
		 : is_interface_name(value, len))
		return 0;
	return expected(err,
			"the name of a network interface, bridge:port, or /a regular expression/",
			value);
}

/* Adds an interface to a monitor. */
static int take_interface(void *to, const char *value, struct error *err)
{
	struct monitor_settings *monitor = to;
	char **interfaces;
	int r = pattern_check(value, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < monitor->n_interfaces; i++)
		if (!strcmp(monitor->interfaces[i], value))
			return error_set(err, -EINVAL, "interface \"%s\" is given twice", value);
	if (monitor->n_interfaces == INTERFACE_OPTIONS_MAX)
		return error_set(err, -E2BIG,
				 "at most %d are possible; a regular expression stands for many "
				 "interfaces",
				 INTERFACE_OPTIONS_MAX);
	interfaces =
		realloc(monitor->interfaces, (monitor->n_interfaces + 1) * sizeof(*interfaces));
	if (!interfaces)
		return error_oom(err);
	monitor->interfaces = interfaces;
	interfaces[monitor->n_interfaces] = strdup(value);
	if (!interfaces[monitor->n_interfaces])
		return error_oom(err);
	monitor->n_interfaces++;
	return 0;
}

/* Adds a host name without a port, accepted in Host headers, to a listener. */
static int take_server_name(void *to, const char *value, struct error *err)
{
	struct http_settings *http = to;
	bool ok = *value && strlen(value) <= SERVER_NAME_MAX;
	char **names;

	for (const char *c = value; ok && *c; c++)
		ok = isalnum((unsigned char)*c) || strchr("-._", *c);
	if (!ok)
		return expected(err, "a host name without a port", value);
	if (http->n_server_names == SERVER_NAMES_MAX)
		return error_set(err, -E2BIG, "at most %d names are possible", SERVER_NAMES_MAX);
	names = realloc(http->server_names, (http->n_server_names + 1) * sizeof(*names));
	if (!names)
		return error_oom(err);
	http->server_names = names;
	names[http->n_server_names] = strdup(value);
	if (!names[http->n_server_names])
		return error_oom(err);
	http->n_server_names++;
	return 0;
}

/* The order matters. a and b are listeners. */
static bool same_server_names(const void *a, const void *b)
{
	const struct http_settings *x = a, *y = b;

	if (x->n_server_names != y->n_server_names)
		return false;
	for (size_t i = 0; i < x->n_server_names; i++)
		if (strcmp(x->server_names[i], y->server_names[i]) != 0)
			return false;
	return true;
}

static bool same_string(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return x && y ? !strcmp(x, y) : x == y;
}

static bool same_bool(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

static bool same_choice(const void *a, const void *b)
{
	return *(const enum choice *)a == *(const enum choice *)b;
}

static bool same_double(const void *a, const void *b)
{
	return *(const double *)a == *(const double *)b;
}

/* The order does not matter. a and b are monitors. */
static bool same_interfaces(const void *a, const void *b)
{
	const struct monitor_settings *x = a, *y = b;

	for (size_t i = 0; i < x->n_interfaces; i++)
		if (!monitor_settings_has_interface(y, x->interfaces[i]))
			return false;
	return x->n_interfaces == y->n_interfaces; /* an interface is listed only once */
}

const struct option options[] = {
	{ BLOCK_PLUGIN, "SocketFile", take_socket, same_string,
	  offsetof(struct settings, socket_file) },
	{ BLOCK_PLUGIN, "SocketGroup", take_string, same_string,
	  offsetof(struct settings, socket_group) },
	{ BLOCK_PLUGIN, "SocketPerms", take_perms, same_string,
	  offsetof(struct settings, socket_perms) },
	{ BLOCK_PLUGIN, "DeleteSocket", take_bool, same_bool,
	  offsetof(struct settings, delete_socket) },
	{ BLOCK_PLUGIN, "DataplaneDir", option_take_path, same_string,
	  offsetof(struct settings, dataplane_dir) },
	{ BLOCK_PLUGIN, "StateDir", option_take_path, same_string,
	  offsetof(struct settings, state_dir) },
	{ BLOCK_PLUGIN, "Compiler", option_take_path, same_string,
	  offsetof(struct settings, compiler) },
	{ BLOCK_PLUGIN, "IncludeDir", option_take_path, same_string,
	  offsetof(struct settings, include_dir) },
	{ BLOCK_PLUGIN, "RunStats", take_bool, same_bool, offsetof(struct settings, run_stats),
	  .live = true },
	{ BLOCK_HTTP, "Host", take_string, same_string, offsetof(struct http_settings, host) },
	{ BLOCK_HTTP, "Port", take_port, same_string, offsetof(struct http_settings, port) },
	{ BLOCK_HTTP, "SocketFile", take_socket, same_string,
	  offsetof(struct http_settings, socket_file) },
	{ BLOCK_HTTP, "AllowWrites", take_choice, same_choice,
	  offsetof(struct http_settings, allow_writes) },
	{ BLOCK_HTTP, "ServerName", take_server_name, same_server_names, 0 },
	{ BLOCK_MONITOR, "Interface", take_interface, same_interfaces, 0 },
	{ BLOCK_MONITOR, "NetNS", take_netns, same_string,
	  offsetof(struct monitor_settings, netns) },
	{ BLOCK_MONITOR, "Position", take_position, same_string,
	  offsetof(struct monitor_settings, position) },
	{ BLOCK_MONITOR, "Share", take_bool, same_bool, offsetof(struct monitor_settings, share) },
	{ BLOCK_MONITOR, "Pin", take_bool, same_bool, offsetof(struct monitor_settings, pin) },
	{ BLOCK_MONITOR, "Hook", option_take_hook, same_string,
	  offsetof(struct monitor_settings, hook) },
	{ BLOCK_MONITOR, "Dataplane", take_string, same_string,
	  offsetof(struct monitor_settings, dataplane) },
	{ BLOCK_MONITOR, "Interval", take_interval, same_double,
	  offsetof(struct monitor_settings, interval) },
	{ BLOCK_MONITOR, "LogLevel", take_log_level, same_string,
	  offsetof(struct monitor_settings, log_level) },
	{ BLOCK_MONITOR, "PluginInstance", take_string, same_string,
	  offsetof(struct monitor_settings, plugin_instance) },
	{ BLOCK_METRIC, "Type", take_string, same_string, offsetof(struct metric_settings, type) },
	{ BLOCK_METRIC, "TypeInstance", take_string, same_string,
	  offsetof(struct metric_settings, type_instance) },
	{ BLOCK_METRIC, "Dispatch", take_bool, same_bool,
	  offsetof(struct metric_settings, dispatch) },
	{ BLOCK_METRIC, "MaxSeries", option_take_series, same_series,
	  offsetof(struct metric_settings, max_series) },
	{ BLOCK_FEED, "Match", take_match, same_string, offsetof(struct feed_settings, match) },
	{ BLOCK_FEED, "DataSource", take_string, same_string,
	  offsetof(struct feed_settings, data_source) },
	{ BLOCK_FEED, "Monitor", take_monitor, same_string,
	  offsetof(struct feed_settings, monitor) },
	{ BLOCK_FEED, "Path", option_take_direction, same_string,
	  offsetof(struct feed_settings, direction) },
	{ BLOCK_FEED, "Map", take_string, same_string, offsetof(struct feed_settings, map) },
	{ BLOCK_FEED, "Key", take_key, same_string, offsetof(struct feed_settings, key) },
	{ BLOCK_FEED, "Field", take_string, same_string, offsetof(struct feed_settings, field) },
	{ BLOCK_FEED, "Scale", option_take_number, same_double,
	  offsetof(struct feed_settings, scale) },
	{},
};

bool option_equal(const struct option *option, const void *a, const void *b)
{
	return option->same((const char *)a + option->offset, (const char *)b + option->offset);
}
