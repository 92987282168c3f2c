/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/settings.h"
#include "base/text.h"
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

static int monitor_name_check(const char *name, struct error *err);

struct option {
	enum settings_block block;
	const char *name;
	int (*take)(void *to, const char *value, struct error *err);
	size_t offset;
};

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

static int take_interval(void *to, const char *value, struct error *err)
{
	char *end;
	double seconds = strtod(value, &end);

	if (!*value || *end || !isfinite(seconds) || seconds < 0.001 || seconds > INTERVAL_MAX)
		return expected(err, "seconds from 0.001 to 86400", value);
	*(double *)to = seconds;
	return 0;
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

static int take_path(void *to, const char *value, struct error *err)
{
	if (*value != '/')
		return expected(err, "an absolute file name", value);
	return take_string(to, value, err);
}

static int take_socket(void *to, const char *value, struct error *err)
{
	if (strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return expected(err, "a file name of at most 107 bytes", value);
	return take_path(to, value, err);
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

static int take_hook(void *to, const char *value, struct error *err)
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

/* first, last, before:M or after:M, where M is a monitor or #ID, a program. */
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
	if (monitor->n_interfaces == INTERFACES_MAX)
		return error_set(err, -E2BIG, "at most %d interfaces are possible", INTERFACES_MAX);
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

static const struct option options[] = {
	{ BLOCK_PLUGIN, "SocketFile", take_socket, offsetof(struct settings, socket_file) },
	{ BLOCK_PLUGIN, "SocketGroup", take_string, offsetof(struct settings, socket_group) },
	{ BLOCK_PLUGIN, "SocketPerms", take_perms, offsetof(struct settings, socket_perms) },
	{ BLOCK_PLUGIN, "DeleteSocket", take_bool, offsetof(struct settings, delete_socket) },
	{ BLOCK_PLUGIN, "DataplaneDir", take_path, offsetof(struct settings, dataplane_dir) },
	{ BLOCK_PLUGIN, "StateDir", take_path, offsetof(struct settings, state_dir) },
	{ BLOCK_PLUGIN, "Compiler", take_path, offsetof(struct settings, compiler) },
	{ BLOCK_PLUGIN, "IncludeDir", take_path, offsetof(struct settings, include_dir) },
	{ BLOCK_HTTP, "Host", take_string, offsetof(struct http_settings, host) },
	{ BLOCK_HTTP, "Port", take_port, offsetof(struct http_settings, port) },
	{ BLOCK_HTTP, "SocketFile", take_socket, offsetof(struct http_settings, socket_file) },
	{ BLOCK_MONITOR, "Interface", take_interface, 0 },
	{ BLOCK_MONITOR, "NetNS", take_netns, offsetof(struct monitor_settings, netns) },
	{ BLOCK_MONITOR, "Position", take_position, offsetof(struct monitor_settings, position) },
	{ BLOCK_MONITOR, "Share", take_bool, offsetof(struct monitor_settings, share) },
	{ BLOCK_MONITOR, "Pin", take_bool, offsetof(struct monitor_settings, pin) },
	{ BLOCK_MONITOR, "Hook", take_hook, offsetof(struct monitor_settings, hook) },
	{ BLOCK_MONITOR, "Dataplane", take_string, offsetof(struct monitor_settings, dataplane) },
	{ BLOCK_MONITOR, "Interval", take_interval, offsetof(struct monitor_settings, interval) },
	{ BLOCK_MONITOR, "LogLevel", take_log_level, offsetof(struct monitor_settings, log_level) },
	{ BLOCK_MONITOR, "PluginInstance", take_string,
	  offsetof(struct monitor_settings, plugin_instance) },
	{ BLOCK_METRIC, "Type", take_string, offsetof(struct metric_settings, type) },
	{ BLOCK_METRIC, "TypeInstance", take_string,
	  offsetof(struct metric_settings, type_instance) },
	{ BLOCK_METRIC, "Dispatch", take_bool, offsetof(struct metric_settings, dispatch) },
};

void settings_label(struct settings_node node, char *label, size_t size)
{
	const struct monitor_settings *monitor = node.object;
	const struct metric_settings *metric = node.object;

	switch (node.block) {
	case BLOCK_PLUGIN:
		snprintf(label, size, "<Plugin dynmon>");
		break;
	case BLOCK_HTTP:
		snprintf(label, size, "<Http>");
		break;
	case BLOCK_MONITOR:
		snprintf(label, size, "<Monitor \"%.63s\">", monitor->name);
		break;
	case BLOCK_METRIC:
		snprintf(label, size, "<Metric \"%.63s\">", metric->name);
		break;
	}
}

int settings_set(struct settings_node node, const char *name, const char *value, struct error *err)
{
	_cleanup_text_ struct text all = {};
	char label[128];

	settings_label(node, label, sizeof(label));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];
		int r;

		if (option->block != node.block)
			continue;
		text_printf(&all, "%s%s", all.len ? ", " : "", option->name);
		if (strcasecmp(option->name, name) != 0)
			continue;
		r = option->take((char *)node.object + option->offset, value, err);
		if (r < 0)
			return error_prefix(err, r, "%s: %s", label, option->name);
		return 0;
	}
	return error_set(err, -ENOENT, "%s: unknown option \"%.100s\"; there are %s", label, name,
			 text_str(&all));
}

int settings_init(struct settings *settings, struct error *err)
{
	*settings = (struct settings){
		.socket_file = strdup(DYNMON_SOCKET),
		.socket_perms = strdup("0660"),
		.dataplane_dir = strdup(DYNMON_DATAPLANE_DIR),
		.state_dir = strdup(DYNMON_STATE_DIR),
	};
	if (settings->socket_file && settings->socket_perms && settings->dataplane_dir &&
	    settings->state_dir)
		return 0;
	settings_release(settings);
	return error_oom(err);
}

struct settings_node settings_root(struct settings *settings)
{
	return (struct settings_node){ BLOCK_PLUGIN, settings };
}

/* Adds a zeroed element to an array. */
static void *list_add(void **list, size_t *n, size_t size)
{
	char *grown = realloc(*list, (*n + 1) * size);

	if (!grown)
		return NULL;
	*list = grown;
	memset(grown + *n * size, 0, size);
	return grown + (*n)++ * size;
}

static int http_open(struct settings *settings, const char *argument, struct settings_node *ret,
		     struct error *err)
{
	struct http_settings *http;

	if (argument)
		return error_set(err, -EINVAL, "<Http>: expected no name, found \"%.100s\"",
				 argument);
	http = list_add((void **)&settings->https, &settings->n_https, sizeof(*http));
	if (!http)
		return error_oom(err);
	*ret = (struct settings_node){ BLOCK_HTTP, http };
	return 0;
}

/* Names stand in file names, addresses and lines of words. */
static int monitor_name_check(const char *name, struct error *err)
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

int monitor_settings_init(struct monitor_settings *settings, const char *name, struct error *err)
{
	int r = monitor_name_check(name, err);

	*settings = (struct monitor_settings){};
	if (r < 0)
		return r;
	*settings = (struct monitor_settings){
		.name = strdup(name),
		.hook = strdup("auto"),
		.log_level = strdup("off"),
	};
	if (settings->name && settings->hook && settings->log_level)
		return 0;
	monitor_settings_release(settings);
	return error_oom(err);
}

static int monitor_open(struct settings *settings, const char *name, struct settings_node *ret,
			struct error *err)
{
	struct monitor_settings monitor, *added;
	int r;

	for (size_t i = 0; name && i < settings->n_monitors; i++)
		if (!strcmp(settings->monitors[i].name, name))
			return error_set(err, -EINVAL, "<Monitor \"%s\">: the name is taken", name);
	if (settings->n_monitors == MONITORS_MAX)
		return error_set(err, -E2BIG, "at most %d monitors are possible", MONITORS_MAX);
	r = monitor_settings_init(&monitor, name, err);
	if (r < 0)
		return r;
	added = list_add((void **)&settings->monitors, &settings->n_monitors, sizeof(*added));
	if (!added) {
		monitor_settings_release(&monitor);
		return error_oom(err);
	}
	*added = monitor;
	*ret = (struct settings_node){ BLOCK_MONITOR, added };
	return 0;
}

static int metric_open(struct monitor_settings *monitor, const char *name,
		       struct settings_node *ret, struct error *err)
{
	struct metric_settings *metric;

	if (!name || !*name)
		return error_set(err, -EINVAL, "<Metric>: expected the name of a metric");
	if (monitor_settings_metric(monitor, name))
		return error_set(err, -EINVAL, "<Metric \"%.100s\">: given twice", name);
	metric = list_add((void **)&monitor->metrics, &monitor->n_metrics, sizeof(*metric));
	if (!metric)
		return error_oom(err);
	metric->dispatch = true;
	metric->name = strdup(name);
	*ret = (struct settings_node){ BLOCK_METRIC, metric };
	return metric->name ? 0 : error_oom(err);
}

int settings_open(struct settings_node parent, const char *block, const char *argument,
		  struct settings_node *ret, struct error *err)
{
	char label[128];

	if (parent.block == BLOCK_PLUGIN && !strcasecmp(block, "Http"))
		return http_open(parent.object, argument, ret, err);
	if (parent.block == BLOCK_PLUGIN && !strcasecmp(block, "Monitor"))
		return monitor_open(parent.object, argument, ret, err);
	settings_label(parent, label, sizeof(label));
	if (parent.block == BLOCK_MONITOR && !strcasecmp(block, "Metric")) {
		int r = metric_open(parent.object, argument, ret, err);

		return r < 0 ? error_prefix(err, r, "%s", label) : 0;
	}
	return error_set(err, -ENOENT, "%s: unknown block <%.100s>", label, block);
}

int settings_check(struct settings_node node, struct error *err)
{
	const struct http_settings *http = node.object;

	if (node.block == BLOCK_HTTP && http->socket_file && (http->host || http->port))
		return error_set(
			err, -EINVAL,
			"<Http>: SocketFile \"%s\": expected either a socket or Host and Port",
			http->socket_file);
	return 0;
}

static void metric_settings_release(struct metric_settings *metric)
{
	free(metric->name);
	free(metric->type);
	free(metric->type_instance);
}

void monitor_settings_release(struct monitor_settings *settings)
{
	free(settings->name);
	for (size_t i = 0; i < settings->n_interfaces; i++)
		free(settings->interfaces[i]);
	free(settings->interfaces);
	free(settings->netns);
	free(settings->position);
	free(settings->hook);
	free(settings->dataplane);
	free(settings->log_level);
	free(settings->plugin_instance);
	for (size_t i = 0; i < settings->n_metrics; i++)
		metric_settings_release(&settings->metrics[i]);
	free(settings->metrics);
	*settings = (struct monitor_settings){};
}

void settings_release(struct settings *settings)
{
	free(settings->socket_file);
	free(settings->socket_group);
	free(settings->socket_perms);
	free(settings->dataplane_dir);
	free(settings->state_dir);
	free(settings->compiler);
	free(settings->include_dir);
	for (size_t i = 0; i < settings->n_https; i++) {
		free(settings->https[i].host);
		free(settings->https[i].port);
		free(settings->https[i].socket_file);
	}
	free(settings->https);
	for (size_t i = 0; i < settings->n_monitors; i++)
		monitor_settings_release(&settings->monitors[i]);
	free(settings->monitors);
	*settings = (struct settings){};
}

const struct metric_settings *monitor_settings_metric(const struct monitor_settings *settings,
						      const char *metric)
{
	for (size_t i = 0; i < settings->n_metrics; i++)
		if (!strcmp(settings->metrics[i].name, metric))
			return &settings->metrics[i];
	return NULL;
}
