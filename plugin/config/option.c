/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/option.h"
#include "base/dialect_level.h"
#include "base/string.h"
#include "config/pattern.h"
#include "dataplane/document.h"
#include "dataplane/metric_config.h"
#include "decode/cell.h"
#include "kernel/hook.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <strings.h>
#include <sys/un.h>

#define NETNS_MAX 1000 /* bytes */

/* -- checks of values -- */

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

/* Returns 0 if the value is valid; otherwise sets the error. */
static int expect(bool valid, const char *what, const char *value, struct error *err)
{
	if (valid)
		return 0;
	return error_set(err, -EINVAL, "expected %s, found \"%.100s\"", what, value);
}

static bool is_integer_in(const char *value, int base, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long number = strtoul(value, &end, base);

	return isdigit((unsigned char)*value) && !*end && number >= min && number <= max;
}

static bool is_number_in(const char *value, double min, double max)
{
	char *end;
	double number = strtod(value, &end);

	return *value && !*end && isfinite(number) && number >= min && number <= max;
}

static int check_any(const char **value, struct error *err)
{
	return expect(**value, "a value", *value, err);
}

static int check_text(const char **value, struct error *err)
{
	(void)value;
	(void)err;
	return 0;
}

static int check_bool(const char **value, struct error *err)
{
	static const char *const words[][2] = { { "true", "true" }, { "yes", "true" },
						{ "on", "true" },   { "false", "false" },
						{ "no", "false" },  { "off", "false" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(*value, words[i][0])) {
			*value = words[i][1];
			return 0;
		}
	return expect(false, "true or false", *value, err);
}

static int check_interval(const char **value, struct error *err)
{
	return expect(is_number_in(*value, 0.001, INTERVAL_MAX), "seconds from 0.001 to 86400",
		      *value, err);
}

static int check_number(const char **value, struct error *err)
{
	return expect(is_number_in(*value, -INFINITY, INFINITY), "a number", *value, err);
}

static int check_series(const char **value, struct error *err)
{
	return expect(is_integer_in(*value, 10, 1, SERIES_MAX),
		      "a number of series from 1 to 10000000", *value, err);
}

static int check_port(const char **value, struct error *err)
{
	return expect(is_integer_in(*value, 10, 1, 65535), "a port from 1 to 65535", *value, err);
}

static int check_perms(const char **value, struct error *err)
{
	return expect(is_integer_in(*value, 8, 0, 0777), "octal permissions such as 0660", *value,
		      err);
}

/* [host/]plugin[-instance]/type[-instance]. */
static int check_match(const char **value, struct error *err)
{
	size_t slashes = 0;
	bool valid = strlen(*value) <= FEED_MATCH_MAX && **value != '/';

	for (const char *c = *value; *c; c++)
		if (*c == '/') {
			slashes++;
			valid = valid && c[1] && c[1] != '/';
		}
	if (valid && slashes >= 1 && slashes <= 2)
		return 0;
	return error_set(err, -EINVAL,
			 "expected [host/]plugin[-instance]/type[-instance], with *, ? and [...] "
			 "as in the shell, of at most %d bytes, found \"%.100s\"",
			 FEED_MATCH_MAX, *value);
}

static int check_monitor(const char **value, struct error *err)
{
	return monitor_name_check(*value, err);
}

static int check_direction(const char **value, struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (!strcasecmp(*value, direction_name(direction))) {
			*value = direction_name(direction);
			return 0;
		}
	return expect(false, "ingress or egress", *value, err);
}

static int check_key(const char **value, struct error *err)
{
	return cell_check_key(*value, err);
}

static int check_path(const char **value, struct error *err)
{
	return expect(**value == '/', "an absolute file name", *value, err);
}

static int check_socket(const char **value, struct error *err)
{
	size_t size = sizeof(((struct sockaddr_un *)0)->sun_path);
	int r = expect(strlen(*value) < size, "a file name of at most 107 bytes", *value, err);

	return r < 0 ? r : check_path(value, err);
}

/* A name below /run/netns, or a path. */
static int check_netns(const char **value, struct error *err)
{
	bool name = !strchr(*value, '/') && strcmp(*value, ".") != 0 && strcmp(*value, "..") != 0;

	return expect(**value && strlen(*value) <= NETNS_MAX && (**value == '/' || name),
		      "the name of a network namespace or an absolute file name", *value, err);
}

static int check_hook(const char **value, struct error *err)
{
	if (hook_find(*value))
		return 0;
	return error_set(err, -EINVAL, "expected one of %s, found \"%.100s\"", hook_names(),
			 *value);
}

static int check_log_level(const char **value, struct error *err)
{
	int level = dialect_level_find(*value);

	if (level < 0)
		return expect(false, "one of " DIALECT_LEVEL_NAMES, *value, err);
	*value = dialect_levels[level].name;
	return 0;
}

/* first, last, before:M or after:M, where M is the name of a monitor, or # and a program ID. */
static int check_position(const char **value, struct error *err)
{
	const char *neighbour = strchr(*value, ':');
	bool valid = !strcasecmp(*value, "first") || !strcasecmp(*value, "last");

	if (neighbour++) {
		valid = !strncasecmp(*value, "before:", 7) || !strncasecmp(*value, "after:", 6);
		if (*neighbour == '#')
			valid = valid && neighbour[1] &&
				!neighbour[1 + strspn(neighbour + 1, "0123456789")];
		else
			valid = valid && monitor_name_check(neighbour, NULL) == 0;
	}
	return expect(valid,
		      "first, last, before:M or after:M, where M is a monitor or #ID of a program",
		      *value, err);
}

static int check_assignment(const char **value, struct error *err)
{
	return presets_check_assignment(*value, err);
}

static int check_interface(const char **value, struct error *err)
{
	return pattern_check(*value, err);
}

/* A host name without a port, accepted in Host headers. */
static int check_server_name(const char **value, struct error *err)
{
	bool valid = **value && strlen(*value) <= SERVER_NAME_MAX;

	for (const char *c = *value; valid && *c; c++)
		valid = isalnum((unsigned char)*c) || strchr("-._", *c);
	return expect(valid, "a host name without a port", *value, err);
}

/* -- the table -- */

#define PLUGIN(member)	offsetof(struct settings, member)
#define HTTP(member)	offsetof(struct http_settings, member)
#define MONITOR(member) offsetof(struct monitor_settings, member)
#define METRIC(member)	offsetof(struct metric_settings, member)
#define FEED(member)	offsetof(struct feed_settings, member)

const struct option options[] = {
	{ BLOCK_PLUGIN, "SocketFile", OPTION_STRING, PLUGIN(socket_file), check_socket,
	  .initial = DYNMON_SOCKET },
	{ BLOCK_PLUGIN, "SocketGroup", OPTION_STRING, PLUGIN(socket_group), check_any },
	{ BLOCK_PLUGIN, "SocketPerms", OPTION_STRING, PLUGIN(socket_perms), check_perms,
	  .initial = "0660" },
	{ BLOCK_PLUGIN, "DeleteSocket", OPTION_BOOL, PLUGIN(delete_socket), check_bool },
	{ BLOCK_PLUGIN, "DataplaneDir", OPTION_STRING, PLUGIN(dataplane_dir), check_path,
	  .initial = DYNMON_DATAPLANE_DIR },
	{ BLOCK_PLUGIN, "StateDir", OPTION_STRING, PLUGIN(state_dir), check_path,
	  .initial = DYNMON_STATE_DIR },
	{ BLOCK_PLUGIN, "Compiler", OPTION_STRING, PLUGIN(compiler), check_path },
	{ BLOCK_PLUGIN, "IncludeDir", OPTION_STRING, PLUGIN(include_dir), check_path },
	{ BLOCK_PLUGIN, "RunStats", OPTION_BOOL, PLUGIN(run_stats), check_bool, .live = true },
	{ BLOCK_PLUGIN, "SelfMetrics", OPTION_BOOL, PLUGIN(self_metrics), check_bool,
	  .live = true },
	{ BLOCK_HTTP, "Host", OPTION_STRING, HTTP(host), check_any },
	{ BLOCK_HTTP, "Port", OPTION_STRING, HTTP(port), check_port },
	{ BLOCK_HTTP, "SocketFile", OPTION_STRING, HTTP(socket_file), check_socket },
	{ BLOCK_HTTP, "AllowWrites", OPTION_CHOICE, HTTP(allow_writes), check_bool },
	{ BLOCK_HTTP, "ServerName", OPTION_LIST, HTTP(server_names), check_server_name,
	  .count = HTTP(n_server_names), .max = SERVER_NAMES_MAX },
	{ BLOCK_MONITOR, "Interface", OPTION_SET, MONITOR(interfaces), check_interface,
	  .count = MONITOR(n_interfaces), .max = INTERFACE_OPTIONS_MAX,
	  .hint = "; a regular expression can match many interfaces" },
	{ BLOCK_MONITOR, "NetNS", OPTION_STRING, MONITOR(netns), check_netns },
	{ BLOCK_MONITOR, "Position", OPTION_STRING, MONITOR(position), check_position },
	{ BLOCK_MONITOR, "Share", OPTION_BOOL, MONITOR(share), check_bool },
	{ BLOCK_MONITOR, "Pin", OPTION_BOOL, MONITOR(pin), check_bool },
	{ BLOCK_MONITOR, "Hook", OPTION_STRING, MONITOR(hook), check_hook, .initial = "auto" },
	{ BLOCK_MONITOR, "Dataplane", OPTION_STRING, MONITOR(dataplane), check_any },
	{ BLOCK_MONITOR, "Set", OPTION_LIST, MONITOR(assignments), check_assignment,
	  .count = MONITOR(n_assignments), .max = ASSIGNMENTS_MAX },
	{ BLOCK_MONITOR, "Interval", OPTION_DOUBLE, MONITOR(interval), check_interval },
	{ BLOCK_MONITOR, "LogLevel", OPTION_STRING, MONITOR(log_level), check_log_level,
	  .initial = "off" },
	{ BLOCK_MONITOR, "PluginInstance", OPTION_STRING, MONITOR(plugin_instance), check_any },
	{ BLOCK_METRIC, "Type", OPTION_STRING, METRIC(type), check_any },
	{ BLOCK_METRIC, "TypeInstance", OPTION_STRING, METRIC(type_instance), check_text },
	{ BLOCK_METRIC, "Dispatch", OPTION_BOOL, METRIC(dispatch), check_bool, .initial = "true" },
	{ BLOCK_METRIC, "MaxSeries", OPTION_U32, METRIC(max_series), check_series },
	{ BLOCK_FEED, "Match", OPTION_STRING, FEED(match), check_match, .required = true },
	{ BLOCK_FEED, "DataSource", OPTION_STRING, FEED(data_source), check_any },
	{ BLOCK_FEED, "Monitor", OPTION_STRING, FEED(monitor), check_monitor, .required = true },
	{ BLOCK_FEED, "Path", OPTION_STRING, FEED(direction), check_direction },
	{ BLOCK_FEED, "Map", OPTION_STRING, FEED(map), check_any, .required = true },
	{ BLOCK_FEED, "Key", OPTION_STRING, FEED(key), check_key },
	{ BLOCK_FEED, "Field", OPTION_STRING, FEED(field), check_any },
	{ BLOCK_FEED, "Scale", OPTION_DOUBLE, FEED(scale), check_number, .initial = "1" },
	{},
};

/* -- stored values -- */

static bool list_contains(char *const *list, size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], value))
			return true;
	return false;
}

static int list_append(const struct option *option, char ***list, size_t *n, const char *value,
		       struct error *err)
{
	char **grown, *copy;

	if (option->type == OPTION_SET && list_contains(*list, *n, value))
		return error_set(err, -EINVAL, "\"%.100s\" is given twice", value);
	if (*n == option->max)
		return error_set(err, -E2BIG, "expected at most %zu values%s", option->max,
				 option->hint ? option->hint : "");
	grown = reallocarray(*list, *n + 1, sizeof(char *));
	if (grown)
		*list = grown;
	copy = grown ? strdup(value) : NULL;
	if (!copy)
		return error_oom(err);
	grown[(*n)++] = copy;
	return 0;
}

int option_set(const struct option *option, void *block, const char *value, struct error *err)
{
	void *member = (char *)block + option->offset;
	int r = option->check(&value, err);
	bool is_true;
	char *copy;

	if (r < 0)
		return r;
	is_true = !strcmp(value, "true");
	switch (option->type) {
	case OPTION_STRING:
		copy = strdup(value);
		if (!copy)
			return error_oom(err);
		free(*(char **)member);
		*(char **)member = copy;
		return 0;
	case OPTION_LIST:
	case OPTION_SET:
		return list_append(option, member, (size_t *)((char *)block + option->count), value,
				   err);
	case OPTION_BOOL:
		*(bool *)member = is_true;
		return 0;
	case OPTION_CHOICE:
		*(enum choice *)member = is_true ? CHOICE_TRUE : CHOICE_FALSE;
		return 0;
	case OPTION_DOUBLE:
		*(double *)member = strtod(value, NULL);
		return 0;
	case OPTION_U32:
		*(uint32_t *)member = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	}
	return 0;
}

static bool list_equal(const struct option *option, const void *a, const void *b)
{
	char *const *x = *(char **const *)((const char *)a + option->offset);
	char *const *y = *(char **const *)((const char *)b + option->offset);
	size_t n = *(const size_t *)((const char *)a + option->count);
	bool equal = n == *(const size_t *)((const char *)b + option->count);

	for (size_t i = 0; equal && i < n; i++)
		equal = option->type == OPTION_SET ? list_contains(y, n, x[i])
						   : !strcmp(x[i], y[i]);
	return equal;
}

bool option_equal(const struct option *option, const void *a, const void *b)
{
	const void *x = (const char *)a + option->offset, *y = (const char *)b + option->offset;

	switch (option->type) {
	case OPTION_STRING:
		return string_equal(*(char *const *)x, *(char *const *)y);
	case OPTION_LIST:
	case OPTION_SET:
		return list_equal(option, a, b);
	case OPTION_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case OPTION_CHOICE:
		return *(const enum choice *)x == *(const enum choice *)y;
	case OPTION_DOUBLE:
		return *(const double *)x == *(const double *)y;
	case OPTION_U32:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	}
	return false;
}

void option_release(const struct option *option, void *block)
{
	void *member = (char *)block + option->offset;

	if (option->type == OPTION_STRING) {
		free(*(char **)member);
	} else if (option->type == OPTION_LIST || option->type == OPTION_SET) {
		for (size_t n = *(size_t *)((char *)block + option->count); n-- > 0;)
			free((*(char ***)member)[n]);
		free(*(char ***)member);
	}
}
