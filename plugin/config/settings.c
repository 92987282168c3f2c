/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/settings.h"
#include "config/option.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

void settings_label(struct settings_node node, char *label, size_t size)
{
	const struct monitor_settings *monitor = node.object;
	const struct metric_settings *metric = node.object;
	const struct feed_settings *feed = node.object;

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
	case BLOCK_FEED:
		snprintf(label, size, "<Feed \"%.63s\">", feed->name);
		break;
	}
}

int settings_set(struct settings_node node, const char *name, const char *value, struct error *err)
{
	_cleanup_text_ struct text all = {};
	char label[128];

	settings_label(node, label, sizeof(label));
	for (const struct option *option = options; option->name; option++) {
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

bool http_settings_allow_writes(const struct http_settings *http)
{
	return http->allow_writes == CHOICE_DEFAULT ? http->socket_file != NULL
						    : http->allow_writes == CHOICE_TRUE;
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

int monitor_settings_try(const char *monitor, const char *option, const char *value,
			 struct error *err)
{
	struct monitor_settings words;
	int r = monitor_settings_init(&words, monitor, err);

	if (r == 0)
		r = settings_set((struct settings_node){ BLOCK_MONITOR, &words }, option, value,
				 err);
	monitor_settings_release(&words);
	return r;
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

static int feed_open(struct settings *settings, const char *name, struct settings_node *ret,
		     struct error *err)
{
	struct feed_settings *feed;

	if (!name || !*name || strlen(name) > FEED_NAME_MAX)
		return error_set(err, -EINVAL,
				 "<Feed>: expected a name of 1 to %d bytes, found \"%.100s\"",
				 FEED_NAME_MAX, name ? name : "");
	for (size_t i = 0; i < settings->n_feeds; i++)
		if (!strcmp(settings->feeds[i].name, name))
			return error_set(err, -EINVAL, "<Feed \"%s\">: the name is taken", name);
	if (settings->n_feeds == FEEDS_MAX)
		return error_set(err, -E2BIG, "at most %d feeds are possible", FEEDS_MAX);
	feed = list_add((void **)&settings->feeds, &settings->n_feeds, sizeof(*feed));
	if (!feed)
		return error_oom(err);
	feed->scale = 1;
	feed->name = strdup(name);
	if (!feed->name) {
		settings->n_feeds--;
		return error_oom(err);
	}
	*ret = (struct settings_node){ BLOCK_FEED, feed };
	return 0;
}

bool settings_has_block(struct settings_node parent, const char *block)
{
	if (parent.block == BLOCK_PLUGIN)
		return !strcasecmp(block, "Http") || !strcasecmp(block, "Monitor") ||
		       !strcasecmp(block, "Feed");
	return parent.block == BLOCK_MONITOR && !strcasecmp(block, "Metric");
}

int settings_open(struct settings_node parent, const char *block, const char *argument,
		  struct settings_node *ret, struct error *err)
{
	char label[128];

	if (parent.block == BLOCK_PLUGIN && !strcasecmp(block, "Http"))
		return http_open(parent.object, argument, ret, err);
	if (parent.block == BLOCK_PLUGIN && !strcasecmp(block, "Monitor"))
		return monitor_open(parent.object, argument, ret, err);
	if (parent.block == BLOCK_PLUGIN && !strcasecmp(block, "Feed"))
		return feed_open(parent.object, argument, ret, err);
	settings_label(parent, label, sizeof(label));
	if (parent.block == BLOCK_MONITOR && !strcasecmp(block, "Metric")) {
		int r = metric_open(parent.object, argument, ret, err);

		return r < 0 ? error_prefix(err, r, "%s", label) : 0;
	}
	return error_set(err, -ENOENT, "%s: unknown block <%.100s>", label, block);
}

/* Checks the required options. */
static int feed_check(const struct feed_settings *feed, struct error *err)
{
	const char *missing = !feed->match     ? "Match"
			      : !feed->monitor ? "Monitor"
			      : !feed->map     ? "Map"
					       : NULL;

	return missing ? error_set(err, -EINVAL, "<Feed \"%s\">: expected a %s", feed->name,
				   missing)
		       : 0;
}

int settings_check(struct settings_node node, struct error *err)
{
	const struct http_settings *http = node.object;

	if (node.block == BLOCK_FEED)
		return feed_check(node.object, err);

	if (node.block == BLOCK_HTTP && http->socket_file &&
	    (http->host || http->port || http->n_server_names))
		return error_set(err, -EINVAL,
				 "<Http>: SocketFile \"%s\" cannot be combined with Host, Port or "
				 "ServerName",
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
	for (size_t i = 0; i < settings->n_interfaces; i++) {
		free(settings->interfaces[i]);
		if (settings->positions)
			free(settings->positions[i]);
	}
	free(settings->interfaces);
	free(settings->positions);
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

struct monitor_settings *monitor_settings_share(struct monitor_settings *settings)
{
	struct monitor_settings *shared = malloc(sizeof(*shared));

	if (!shared) {
		monitor_settings_release(settings);
		return NULL;
	}
	*shared = *settings;
	shared->refs = 1;
	*settings = (struct monitor_settings){};
	return shared;
}

struct monitor_settings *monitor_settings_ref(struct monitor_settings *settings)
{
	__atomic_add_fetch(&settings->refs, 1, __ATOMIC_RELAXED);
	return settings;
}

struct monitor_settings *monitor_settings_unref(struct monitor_settings *settings)
{
	if (settings && !__atomic_sub_fetch(&settings->refs, 1, __ATOMIC_ACQ_REL)) {
		monitor_settings_release(settings);
		free(settings);
	}
	return NULL;
}

void feed_settings_release(struct feed_settings *settings)
{
	free(settings->name);
	free(settings->match);
	free(settings->data_source);
	free(settings->monitor);
	free(settings->direction);
	free(settings->map);
	free(settings->key);
	free(settings->field);
	*settings = (struct feed_settings){};
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
		for (size_t j = 0; j < settings->https[i].n_server_names; j++)
			free(settings->https[i].server_names[j]);
		free(settings->https[i].server_names);
	}
	free(settings->https);
	for (size_t i = 0; i < settings->n_monitors; i++)
		monitor_settings_release(&settings->monitors[i]);
	free(settings->monitors);
	for (size_t i = 0; i < settings->n_feeds; i++)
		feed_settings_release(&settings->feeds[i]);
	free(settings->feeds);
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

bool monitor_settings_has_interface(const struct monitor_settings *settings, const char *interface)
{
	for (size_t i = 0; i < settings->n_interfaces; i++)
		if (!strcmp(settings->interfaces[i], interface))
			return true;
	return false;
}

static bool block_equal(enum settings_block block, const void *a, const void *b)
{
	for (const struct option *option = options; option->name; option++)
		if (option->block == block && !option_equal(option, a, b))
			return false;
	return true;
}

bool monitor_settings_equal(const struct monitor_settings *a, const struct monitor_settings *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_metrics != b->n_metrics)
		return false;
	for (size_t i = 0; i < a->n_metrics; i++) {
		const struct metric_settings *other =
			monitor_settings_metric(b, a->metrics[i].name);

		if (!other || !block_equal(BLOCK_METRIC, &a->metrics[i], other))
			return false;
	}
	return block_equal(BLOCK_MONITOR, a, b);
}

bool feed_settings_equal(const struct feed_settings *a, const struct feed_settings *b)
{
	return !strcmp(a->name, b->name) && block_equal(BLOCK_FEED, a, b);
}

bool feed_settings_own_only(const struct feed_settings *settings)
{
	return strchr(settings->match, '/') == strrchr(settings->match, '/');
}

bool feed_settings_match(const struct feed_settings *settings, const char *id)
{
	const char *slash = feed_settings_own_only(settings) ? strchr(id, '/') : NULL;

	return fnmatch(settings->match, slash ? slash + 1 : id, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

struct monitor_settings *settings_monitor(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_monitors; i++)
		if (settings->monitors[i].name && !strcmp(settings->monitors[i].name, name))
			return &settings->monitors[i];
	return NULL;
}

void settings_report_fixed(const struct settings *running, const struct settings *new,
			   struct text *report)
{
	static const char words[] = ": a change takes effect when collectd is started again\n";
	bool https = running->n_https == new->n_https;

	for (const struct option *option = options; option->name; option++)
		if (option->block == BLOCK_PLUGIN && !option->live &&
		    !option_equal(option, running, new))
			text_printf(report, "%s%s", option->name, words);
	for (size_t i = 0; https && i < new->n_https; i++)
		https = block_equal(BLOCK_HTTP, &running->https[i], &new->https[i]);
	if (!https)
		text_printf(report, "<Http>%s", words);
}

int monitor_settings_set_position(struct monitor_settings *settings, const char *position,
				  struct error *err)
{
	const struct settings_node node = { BLOCK_MONITOR, settings };
	char *all = settings->position, *own;
	int r;

	if (!settings->positions)
		settings->positions = calloc(INTERFACE_OPTIONS_MAX, sizeof(char *));
	if (!settings->positions || !settings->n_interfaces)
		return error_oom(err);
	/* Parse with the option of the block, then restore the option. */
	settings->position = NULL;
	r = settings_set(node, "Position", position, err);
	own = settings->position;
	settings->position = all;
	if (r < 0)
		return r;
	free(settings->positions[settings->n_interfaces - 1]);
	settings->positions[settings->n_interfaces - 1] = own;
	return 0;
}
