/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/settings.h"
#include "config/option.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

/* -- kinds of blocks -- */

static int http_name_check(const char *name, struct error *err)
{
	return name ? error_set(err, -EINVAL, "Http: expected no name, found \"%.100s\"", name) : 0;
}

static int metric_name_check(const char *name, struct error *err)
{
	return name && *name ? 0 : error_set(err, -EINVAL, "Metric: expected the name of a metric");
}

static int feed_name_check(const char *name, struct error *err)
{
	if (name && *name && strlen(name) <= FEED_NAME_MAX)
		return 0;
	return error_set(err, -EINVAL, "Feed: expected a name of 1 to %d bytes, found \"%.100s\"",
			 FEED_NAME_MAX, name ? name : "");
}

/* Blocks in a block are elements of an array in the struct of the outer block. */
static const struct block {
	const char *name;
	size_t size; /* of the struct, whose first member is the name of the block if named */
	bool named;
	int (*name_check)(const char *name, struct error *err);
	enum settings_block parent;
	size_t array, count; /* offsets of the array and its number of elements in the parent */
	size_t max;	     /* elements; 0: unlimited */
} blocks[] = {
	[BLOCK_PLUGIN] = { "Plugin dynmon", sizeof(struct settings) },
	[BLOCK_HTTP] = { "Http", sizeof(struct http_settings), false, http_name_check, BLOCK_PLUGIN,
			 offsetof(struct settings, https), offsetof(struct settings, n_https) },
	[BLOCK_MONITOR] = { "Monitor", sizeof(struct monitor_settings), true, monitor_name_check,
			    BLOCK_PLUGIN, offsetof(struct settings, monitors),
			    offsetof(struct settings, n_monitors), MONITORS_MAX },
	[BLOCK_METRIC] = { "Metric", sizeof(struct metric_settings), true, metric_name_check,
			   BLOCK_MONITOR, offsetof(struct monitor_settings, metrics),
			   offsetof(struct monitor_settings, n_metrics) },
	[BLOCK_FEED] = { "Feed", sizeof(struct feed_settings), true, feed_name_check, BLOCK_PLUGIN,
			 offsetof(struct settings, feeds), offsetof(struct settings, n_feeds),
			 FEEDS_MAX },
};

void settings_label(struct settings_node node, char *label, size_t size)
{
	const struct block *block = &blocks[node.block];

	if (block->named)
		snprintf(label, size, "%s \"%.63s\"", block->name, *(char **)node.object);
	else
		snprintf(label, size, "%s", block->name);
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
		r = option_set(option, node.object, value, err);
		return r < 0 ? error_prefix(err, r, "%s: %s", label, option->name) : 0;
	}
	return error_set(err, -ENOENT, "%s: unknown option \"%.100s\", expected one of %s", label,
			 name, text_str(&all));
}

static void block_release(enum settings_block kind, void *object)
{
	struct monitor_settings *monitor = object;

	if (kind == BLOCK_MONITOR && monitor->positions)
		for (size_t i = 0; i < monitor->n_interfaces; i++)
			free(monitor->positions[i]);
	if (kind == BLOCK_MONITOR)
		free(monitor->positions);
	for (const struct option *option = options; option->name; option++)
		if (option->block == kind)
			option_release(option, object);
	for (enum settings_block inner = BLOCK_HTTP; inner < ARRAY_SIZE(blocks); inner++) {
		const struct block *block = &blocks[inner];
		char *array;

		if (block->parent != kind)
			continue;
		array = *(char **)((char *)object + block->array);
		for (size_t n = *(size_t *)((char *)object + block->count); n-- > 0;)
			block_release(inner, array + n * block->size);
		free(array);
	}
	if (blocks[kind].named)
		free(*(char **)object);
	memset(object, 0, blocks[kind].size);
}

/* Sets the name and the defaults. name: checked; NULL: the block has none. */
static int block_init(enum settings_block kind, void *object, const char *name, struct error *err)
{
	int r = 0;

	memset(object, 0, blocks[kind].size);
	if (name && !(*(char **)object = strdup(name)))
		r = error_oom(err);
	for (const struct option *option = options; r == 0 && option->name; option++)
		if (option->block == kind && option->initial)
			r = option_set(option, object, option->initial, err);
	if (r < 0)
		block_release(kind, object);
	return r;
}

static bool block_equal(enum settings_block kind, const void *a, const void *b)
{
	for (const struct option *option = options; option->name; option++)
		if (option->block == kind && !option_equal(option, a, b))
			return false;
	return true;
}

/* Returns NULL if the block cannot contain blocks of this name. */
static const struct block *find_block(enum settings_block parent, const char *name)
{
	for (size_t i = BLOCK_HTTP; i < ARRAY_SIZE(blocks); i++)
		if (blocks[i].parent == parent && !strcasecmp(blocks[i].name, name))
			return &blocks[i];
	return NULL;
}

bool settings_has_block(struct settings_node parent, const char *block)
{
	return find_block(parent.block, block) != NULL;
}

/* Appends a block to the array of its parent. */
static int add_block(const struct block *block, struct settings_node parent, const char *name,
		     struct settings_node *ret, struct error *err)
{
	char **array = (char **)((char *)parent.object + block->array), *grown;
	size_t *n = (size_t *)((char *)parent.object + block->count);
	int r = block->name_check(name, err);

	if (r < 0)
		return r;
	for (size_t i = 0; block->named && i < *n; i++)
		if (!strcmp(*(char **)(*array + i * block->size), name))
			return error_set(err, -EINVAL, "%s \"%s\": the name is already used",
					 block->name, name);
	if (block->max && *n == block->max)
		return error_set(err, -E2BIG, "expected at most %zu blocks of the kind %s", *n,
				 block->name);
	grown = reallocarray(*array, *n + 1, block->size);
	if (!grown)
		return error_oom(err);
	*array = grown;
	*ret = (struct settings_node){ (enum settings_block)(block - blocks),
				       grown + *n * block->size };
	r = block_init(ret->block, ret->object, name, err);
	if (r == 0)
		++*n;
	return r;
}

int settings_open(struct settings_node parent, const char *name, const char *argument,
		  struct settings_node *ret, struct error *err)
{
	const struct block *block = find_block(parent.block, name);
	char label[128];
	int r;

	settings_label(parent, label, sizeof(label));
	if (!block)
		return error_set(err, -ENOENT, "%s: unknown block <%.100s>", label, name);
	r = add_block(block, parent, argument, ret, err);
	return r < 0 && parent.block != BLOCK_PLUGIN ? error_prefix(err, r, "%s", label) : r;
}

int settings_check(struct settings_node node, struct error *err)
{
	const struct http_settings *http = node.object;
	char label[128];

	settings_label(node, label, sizeof(label));
	for (const struct option *option = options; option->name; option++)
		if (option->block == node.block && option->required &&
		    !*(char **)((char *)node.object + option->offset))
			return error_set(err, -EINVAL, "%s: expected the option %s", label,
					 option->name);
	if (node.block == BLOCK_HTTP && http->socket_file &&
	    (http->host || http->port || http->n_server_names))
		return error_set(err, -EINVAL,
				 "%s: SocketFile \"%s\" cannot be combined with Host, Port or "
				 "ServerName",
				 label, http->socket_file);
	return 0;
}

/* -- the whole configuration -- */

int settings_init(struct settings *settings, struct error *err)
{
	return block_init(BLOCK_PLUGIN, settings, NULL, err);
}

void settings_release(struct settings *settings)
{
	block_release(BLOCK_PLUGIN, settings);
}

struct settings_node settings_root(struct settings *settings)
{
	return (struct settings_node){ BLOCK_PLUGIN, settings };
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
	static const char hint[] = ": a change takes effect when collectd is started again\n";
	bool https = running->n_https == new->n_https;

	for (const struct option *option = options; option->name; option++)
		if (option->block == BLOCK_PLUGIN && !option->live &&
		    !option_equal(option, running, new))
			text_printf(report, "%s%s", option->name, hint);
	for (size_t i = 0; https && i < new->n_https; i++)
		https = block_equal(BLOCK_HTTP, &running->https[i], &new->https[i]);
	if (!https)
		text_printf(report, "Http%s", hint);
}

/* -- monitors -- */

int monitor_settings_init(struct monitor_settings *settings, const char *name, struct error *err)
{
	int r = monitor_name_check(name, err);

	*settings = (struct monitor_settings){};
	return r < 0 ? r : block_init(BLOCK_MONITOR, settings, name, err);
}

void monitor_settings_release(struct monitor_settings *settings)
{
	block_release(BLOCK_MONITOR, settings);
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

int monitor_settings_try(const char *monitor, const char *option, const char *value,
			 struct error *err)
{
	struct monitor_settings scratch;
	int r = monitor_settings_init(&scratch, monitor, err);

	if (r == 0)
		r = settings_set((struct settings_node){ BLOCK_MONITOR, &scratch }, option, value,
				 err);
	monitor_settings_release(&scratch);
	return r;
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

int monitor_settings_set_position(struct monitor_settings *settings, const char *position,
				  struct error *err)
{
	struct monitor_settings parsed = { .name = settings->name };
	size_t last = settings->n_interfaces - 1;
	int r;

	if (!settings->positions)
		settings->positions = calloc(INTERFACE_OPTIONS_MAX, sizeof(char *));
	if (!settings->positions || !settings->n_interfaces)
		return error_oom(err);
	r = settings_set((struct settings_node){ BLOCK_MONITOR, &parsed }, "Position", position,
			 err);
	if (r < 0)
		return r;
	free(settings->positions[last]);
	settings->positions[last] = parsed.position;
	return 0;
}

/* -- feeds and listeners -- */

void feed_settings_release(struct feed_settings *settings)
{
	block_release(BLOCK_FEED, settings);
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

bool http_settings_allow_writes(const struct http_settings *http)
{
	return http->allow_writes == CHOICE_DEFAULT ? http->socket_file != NULL
						    : http->allow_writes == CHOICE_TRUE;
}
