/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed/feed.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "feed/feed_target.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

struct feed {
	unsigned int refs;	       /* atomic */
	uint64_t serial;	       /* unique among all feeds since the start */
	struct feed_settings settings; /* constant */
	bool others_told;	       /* atomic: ignored values were logged */
	/* -- protected by lock -- */
	bool gone;	 /* the feed is no longer configured */
	bool asked;	 /* feeds_each() was called with fresh */
	uint64_t values; /* number of values taken */
	double value;	 /* last value, unscaled */
	double time;	 /* time of the last value */
	char *id;	 /* source of the last value; NULL: no value yet */
	uint64_t errors;
	char *error; /* why the last value list had no value, or NULL */
};

/* All feeds at one moment. Immutable except the fields guarded by the lock. */
struct table {
	unsigned int refs; /* atomic */
	struct feed **items;
	size_t n;
};

struct feeds {
	uint64_t plugins; /* atomic; Bloom filter of the plugins whose values any feed takes */
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct table *table;
	uint64_t next_serial;
	uint64_t values; /* of removed feeds */
	uint64_t errors;
};

static struct feed *feed_unref(struct feed *feed)
{
	if (!feed || __atomic_sub_fetch(&feed->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	feed_settings_release(&feed->settings);
	free(feed->id);
	free(feed->error);
	free(feed);
	return NULL;
}

static struct table *table_ref(struct table *table)
{
	__atomic_add_fetch(&table->refs, 1, __ATOMIC_RELAXED);
	return table;
}

static struct table *table_unref(struct table *table)
{
	if (!table || __atomic_sub_fetch(&table->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	for (size_t i = 0; i < table->n; i++)
		feed_unref(table->items[i]);
	free(table->items);
	free(table);
	return NULL;
}
DEFINE_CLEANUP(struct table *, table_unref);

static struct table *table_new(size_t n)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->refs = 1;
	table->items = calloc(n + 1, sizeof(struct feed *));
	return table->items ? table : table_unref(table);
}

static struct feed *table_find(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (!strcmp(table->items[i]->settings.name, name))
			return table->items[i];
	return NULL;
}

struct feeds *feeds_new(void)
{
	struct feeds *feeds = calloc(1, sizeof(*feeds));

	if (!feeds)
		return NULL;
	pthread_mutex_init(&feeds->lock, NULL);
	feeds->table = table_new(0);
	return feeds->table ? feeds : feeds_free(feeds);
}

struct feeds *feeds_free(struct feeds *feeds)
{
	if (!feeds)
		return NULL;
	table_unref(feeds->table);
	pthread_mutex_destroy(&feeds->lock);
	free(feeds);
	return NULL;
}

static struct table *current(struct feeds *feeds)
{
	struct table *table;

	pthread_mutex_lock(&feeds->lock);
	table = table_ref(feeds->table);
	pthread_mutex_unlock(&feeds->lock);
	return table;
}

/* -- selection of values -- */

/* Plugin names contain no "-". If a name has one, the rest is ignored on both sides. */
static uint64_t plugin_bit(const char *plugin)
{
	return 1ULL << hash_bytes(plugin, strcspn(plugin, "-/")) % 64;
}

/* All bits if the plugin in the pattern contains a wildcard. */
static uint64_t match_bits(const char *match)
{
	const char *type = strrchr(match, '/'), *plugin = type;

	while (plugin > match && plugin[-1] != '/')
		plugin--;
	return strcspn(plugin, "*?[") < strcspn(plugin, "-/") ? UINT64_MAX : plugin_bit(plugin);
}

bool feeds_want(const struct feeds *feeds, const char *plugin)
{
	return __atomic_load_n(&feeds->plugins, __ATOMIC_RELAXED) & plugin_bit(plugin);
}

/* -- configuration -- */

static bool feed_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct feed *feed_new(struct feeds *feeds)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->refs = 1;
	pthread_mutex_lock(&feeds->lock);
	feed->serial = ++feeds->next_serial;
	pthread_mutex_unlock(&feeds->lock);
	return feed;
}

/*
 * The caller holds lock. The feed keeps the last value of its predecessor if the source is equal.
 */
static void feed_follow(struct feed *feed, struct feed *old)
{
	old->gone = true;
	feed->values = old->values;
	feed->errors = old->errors;
	if (strcmp(feed->settings.match, old->settings.match) != 0 ||
	    !feed_same(feed->settings.data_source, old->settings.data_source))
		return;
	feed->value = old->value;
	feed->time = old->time;
	feed->id = steal_ptr(&old->id);
}

static void feed_tell(struct text *report, const struct feed_settings *settings, const char *what)
{
	if (report)
		text_printf(report, "feed \"%s\": %s\n", settings->name, what);
}

/* Makes a new table. New feeds in the table have no settings yet. */
static int table_make(struct feeds *feeds, const struct settings *settings,
		      const struct table *before, struct table **ret)
{
	_cleanup_(table_unrefp) struct table *table = table_new(settings->n_feeds);

	for (size_t i = 0; table && i < settings->n_feeds; i++) {
		const struct feed_settings *wanted = &settings->feeds[i];
		struct feed *feed = table_find(before, wanted->name);

		if (feed && feed_settings_equal(&feed->settings, wanted))
			__atomic_add_fetch(&feed->refs, 1, __ATOMIC_RELAXED);
		else
			feed = feed_new(feeds);
		if (!feed)
			return -ENOMEM;
		table->items[table->n++] = feed;
	}
	*ret = steal_ptr(&table);
	return *ret ? 0 : -ENOMEM;
}

/* The caller holds lock. */
static void table_change(struct feeds *feeds, struct table *table, struct settings *settings,
			 struct text *report)
{
	struct table *before = feeds->table;

	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i], *old;

		if (feed->settings.name)
			continue;
		feed->settings = settings->feeds[i];
		settings->feeds[i] = (struct feed_settings){};
		old = table_find(before, feed->settings.name);
		if (old)
			feed_follow(feed, old);
		feed_tell(report, &feed->settings, old ? "settings changed" : "added");
	}
	for (size_t i = 0; i < before->n; i++) {
		struct feed *old = before->items[i];

		if (table_find(table, old->settings.name))
			continue;
		old->gone = true;
		feeds->values += old->values;
		feeds->errors += old->errors;
		feed_tell(report, &old->settings, "removed, it is not configured any more");
	}
	feeds->table = table;
}

int feeds_set(struct feeds *feeds, struct settings *settings, struct text *report,
	      struct error *err)
{
	_cleanup_(table_unrefp) struct table *before = current(feeds);
	struct table *table;
	uint64_t plugins = 0;

	if (table_make(feeds, settings, before, &table) < 0)
		return error_oom(err);
	for (size_t i = 0; i < settings->n_feeds; i++)
		plugins |= match_bits(settings->feeds[i].match);
	pthread_mutex_lock(&feeds->lock);
	table_change(feeds, table, settings, report);
	pthread_mutex_unlock(&feeds->lock);
	table_unref(before); /* the reference held by feeds */
	__atomic_store_n(&feeds->plugins, plugins, __ATOMIC_RELAXED);
	return 0;
}

/* -- targets -- */

static bool is_configured(const struct table *table, uint64_t serial)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->items[i]->serial == serial)
			return true;
	return false;
}

/* The caller holds lock. Drops targets of removed feeds. Returns NULL if memory ran out. */
static struct feed_target *target_of(const struct table *table, const struct feed *feed,
				     struct generation *generation)
{
	struct feed_target *target = feed_target_find(generation, feed->serial);

	if (target)
		return target;
	for (size_t i = generation->n_targets; i-- > 0;)
		if (!is_configured(table, generation->targets[i].feed))
			feed_target_drop(generation, i);
	return feed_target_add(generation, feed->serial, &feed->settings);
}

void feeds_put(struct feeds *feeds, const char *monitor, struct generation *generation,
	       struct text *news)
{
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; generation && i < feeds->table->n; i++) {
		struct feed *feed = feeds->table->items[i];
		struct feed_target *target = NULL;

		if (!strcmp(feed->settings.monitor, monitor))
			target = target_of(feeds->table, feed, generation);
		if (!target)
			continue;
		if (feed->id && target->values != feed->values) {
			target->values = feed->values;
			feed->errors +=
				!feed_target_set(target, feed->value * feed->settings.scale);
		}
		if (news && target->error && !target->told) {
			text_printf(news, "feed \"%s\": %s\n", feed->settings.name, target->error);
			target->told = true;
		}
	}
	pthread_mutex_unlock(&feeds->lock);
}

void feeds_refill(struct feeds *feeds, const char *monitor, struct generation *generation,
		  bool second)
{
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; i < feeds->table->n; i++) {
		const struct feed *feed = feeds->table->items[i];
		struct feed_target *target = NULL;

		if (feed->id && !strcmp(feed->settings.monitor, monitor))
			target = feed_target_find(generation, feed->serial);
		if (target)
			feed_target_set_copy(target, second, feed->value * feed->settings.scale);
	}
	pthread_mutex_unlock(&feeds->lock);
}

/* -- values -- */

/* Write threads run in parallel: the older one of two values of a source may arrive last. */
static bool note_value(struct feeds *feeds, struct feed *feed, const struct feed_source *source,
		       double value)
{
	char *id = strdup(source->id);
	bool noted;

	pthread_mutex_lock(&feeds->lock);
	noted = id && !feed->gone &&
		!(feed->id && source->time < feed->time && !strcmp(feed->id, id));
	if (noted) {
		char *old = feed->id;

		feed->id = id;
		id = old;
		feed->value = value;
		feed->time = source->time;
		feed->values++;
		free(feed->error);
		feed->error = NULL;
	}
	pthread_mutex_unlock(&feeds->lock);
	free(id);
	return noted;
}

/* The value list has no usable value. */
static void note_error(struct feeds *feeds, struct feed *feed, const struct error *err,
		       struct text *news)
{
	const char *words = error_message(err);

	pthread_mutex_lock(&feeds->lock);
	feed->errors++;
	if (!feed_same(feed->error, words)) {
		free(feed->error);
		feed->error = strdup(words);
		text_printf(news, "feed \"%s\": %s\n", feed->settings.name, words);
	}
	pthread_mutex_unlock(&feeds->lock);
}

/* Logs once why values are ignored. The message does not quote data of the other host. */
static void ignore_other(struct feed *feed, struct text *news)
{
	const char *match = feed->settings.match;

	if (!__atomic_exchange_n(&feed->others_told, true, __ATOMIC_RELAXED))
		text_printf(news,
			    "feed \"%s\": a value that came from another host or over the network "
			    "is ignored: Match \"%s\" takes only values of this host itself; write "
			    "\"HOST/%s\" or \"*/%s\" to accept values of other hosts\n",
			    feed->settings.name, match, match, match);
}

void feeds_take(struct feeds *feeds, const struct feed_source *source,
		void (*deliver)(void *data, const char *monitor), void *data, struct text *news)
{
	_cleanup_(table_unrefp) struct table *table = current(feeds);

	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i];
		_cleanup_error_ struct error err = {};
		double value;

		if (!feed_settings_match(&feed->settings, source->id))
			continue;
		if (!source->own && feed_settings_own_only(&feed->settings))
			ignore_other(feed, news);
		else if (source->get(source->data, feed->settings.data_source, &value, &err) < 0)
			note_error(feeds, feed, &err, news);
		else if (!isnan(value) && note_value(feeds, feed, source, value))
			deliver(data, feed->settings.monitor);
	}
}

/* -- reports -- */

void feeds_each(struct feeds *feeds, bool fresh,
		void (*each)(void *data, const char *feed, const char *monitor), void *data)
{
	_cleanup_(table_unrefp) struct table *table = current(feeds);

	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i];
		bool asked;

		pthread_mutex_lock(&feeds->lock);
		asked = feed->asked;
		feed->asked = asked || fresh;
		pthread_mutex_unlock(&feeds->lock);
		if (!fresh || !asked)
			each(data, feed->settings.name, feed->settings.monitor);
	}
}

void feeds_stats(struct feeds *feeds, struct feed_stats *ret)
{
	pthread_mutex_lock(&feeds->lock);
	*ret = (struct feed_stats){ feeds->table->n, feeds->values, feeds->errors };
	for (size_t i = 0; i < feeds->table->n; i++) {
		ret->values += feeds->table->items[i]->values;
		ret->errors += feeds->table->items[i]->errors;
	}
	pthread_mutex_unlock(&feeds->lock);
}

/* The reason why an instance does not have the last value; NULL: all have it. */
static const char *find_error(const struct feed *feed, const struct generation *const *generations,
			      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct feed_target *target =
			generations[i] ? feed_target_find(generations[i], feed->serial) : NULL;

		if (target && target->error)
			return target->error;
	}
	return feed->error;
}

static void feed_json(const struct feed *feed, const struct generation *const *generations,
		      size_t n, struct json_writer *json)
{
	const struct feed_settings *settings = &feed->settings;

	json_object_begin(json);
	json_member_string(json, "name", settings->name);
	json_member_string(json, "match", settings->match);
	json_member_string(json, "data-source", settings->data_source);
	json_member_string(json, "direction", settings->direction);
	json_member_string(json, "map", settings->map);
	json_member_string(json, "key", settings->key ? settings->key : "0");
	json_member_string(json, "field", settings->field);
	json_member_double(json, "scale", settings->scale);
	json_member_string(json, "from", feed->id);
	json_member_double(json, "value", feed->id ? feed->value : NAN); /* NaN is null */
	json_key(json, "time");
	if (feed->id)
		text_printf(json_value(json), "%.3f", feed->time);
	else
		json_put_string(json, NULL);
	json_member_u64(json, "values", feed->values);
	json_member_u64(json, "errors", feed->errors);
	json_member_string(json, "last-error", find_error(feed, generations, n));
	json_object_end(json);
}

void feeds_json(struct feeds *feeds, const char *monitor,
		const struct generation *const *generations, size_t n, struct text *out)
{
	struct json_writer json = { .out = out };

	json_array_begin(&json);
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; i < feeds->table->n; i++)
		if (!strcmp(feeds->table->items[i]->settings.monitor, monitor))
			feed_json(feeds->table->items[i], generations, n, &json);
	pthread_mutex_unlock(&feeds->lock);
	json_array_end(&json);
}
