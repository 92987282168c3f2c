/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed/feed.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "base/string.h"
#include "feed/feed_target.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

struct feed {
	unsigned int refs;	       /* atomic */
	uint64_t serial;	       /* unique among all feeds since the start */
	struct feed_settings settings; /* constant */
	bool others_logged;	       /* atomic: ignored values were logged */
	/* -- protected by lock -- */
	bool removed;	 /* the feed is no longer configured */
	bool listed;	 /* feeds_each() was called with fresh */
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
	uint64_t plugins;     /* atomic; Bloom filter of the plugins whose values any feed takes */
	uint64_t next_serial; /* used by feeds_set() */
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct table *table;
	uint64_t values; /* of removed feeds */
	uint64_t errors;
};

static void feed_unref(struct feed *feed)
{
	if (__atomic_sub_fetch(&feed->refs, 1, __ATOMIC_ACQ_REL))
		return;
	feed_settings_release(&feed->settings);
	free(feed->id);
	free(feed->error);
	free(feed);
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

/* Takes a reference. */
static struct table *current_table(struct feeds *feeds)
{
	struct table *table;

	pthread_mutex_lock(&feeds->lock);
	table = feeds->table;
	__atomic_add_fetch(&table->refs, 1, __ATOMIC_RELAXED);
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

static void report_feed(struct text *report, const struct feed_settings *settings, const char *what)
{
	if (report)
		text_printf(report, "feed \"%s\": %s\n", settings->name, what);
}

/* Returns NULL if memory ran out. New feeds in the table have no settings yet. */
static struct table *next_table(struct feeds *feeds, const struct settings *settings,
				const struct table *before)
{
	_cleanup_(table_unrefp) struct table *table = table_new(settings->n_feeds);

	for (size_t i = 0; table && i < settings->n_feeds; i++) {
		struct feed *feed = table_find(before, settings->feeds[i].name);

		if (feed && feed_settings_equal(&feed->settings, &settings->feeds[i])) {
			__atomic_add_fetch(&feed->refs, 1, __ATOMIC_RELAXED);
		} else {
			feed = calloc(1, sizeof(*feed));
			if (!feed)
				return NULL;
			feed->refs = 1;
			feed->serial = ++feeds->next_serial;
		}
		table->items[table->n++] = feed;
	}
	return steal_ptr(&table);
}

/*
 * The caller holds lock. The feed keeps the last value of its predecessor if the source is equal.
 */
static void feed_inherit(struct feed *feed, struct feed *old)
{
	old->removed = true;
	feed->values = old->values;
	feed->errors = old->errors;
	if (!string_equal(feed->settings.match, old->settings.match) ||
	    !string_equal(feed->settings.data_source, old->settings.data_source))
		return;
	feed->value = old->value;
	feed->time = old->time;
	feed->id = steal_ptr(&old->id);
}

int feeds_set(struct feeds *feeds, struct settings *settings, struct text *report,
	      struct error *err)
{
	_cleanup_(table_unrefp) struct table *before = current_table(feeds);
	struct table *table = next_table(feeds, settings, before);
	uint64_t plugins = 0;

	if (!table)
		return error_oom(err);
	for (size_t i = 0; i < settings->n_feeds; i++)
		plugins |= match_bits(settings->feeds[i].match);
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i], *old;

		if (feed->settings.name)
			continue;
		feed->settings = settings->feeds[i];
		settings->feeds[i] = (struct feed_settings){};
		old = table_find(before, feed->settings.name);
		if (old)
			feed_inherit(feed, old);
		report_feed(report, &feed->settings, old ? "settings changed" : "added");
	}
	for (size_t i = 0; i < before->n; i++) {
		struct feed *old = before->items[i];

		if (table_find(table, old->settings.name))
			continue;
		old->removed = true;
		feeds->values += old->values;
		feeds->errors += old->errors;
		report_feed(report, &old->settings, "removed, it is not configured any more");
	}
	feeds->table = table;
	pthread_mutex_unlock(&feeds->lock);
	table_unref(before); /* the reference held by feeds */
	__atomic_store_n(&feeds->plugins, plugins, __ATOMIC_RELAXED);
	return 0;
}

/* -- targets -- */

/* The caller holds lock. Drops targets of removed feeds. Returns NULL if memory ran out. */
static struct feed_target *get_target(const struct table *table, const struct feed *feed,
				      struct generation *generation)
{
	struct feed_target *target = feed_target_find(generation, feed->serial);

	if (target)
		return target;
	for (size_t i = generation->n_targets; i-- > 0;) {
		size_t j = 0;

		while (j < table->n && table->items[j]->serial != generation->targets[i].feed)
			j++;
		if (j == table->n)
			feed_target_drop(generation, i);
	}
	return feed_target_add(generation, feed->serial, &feed->settings);
}

void feeds_put(struct feeds *feeds, const char *monitor, struct generation *generation,
	       struct text *report)
{
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; generation && i < feeds->table->n; i++) {
		struct feed *feed = feeds->table->items[i];
		struct feed_target *target = NULL;

		if (!strcmp(feed->settings.monitor, monitor))
			target = get_target(feeds->table, feed, generation);
		if (!target)
			continue;
		if (feed->id && target->values != feed->values) {
			target->values = feed->values;
			feed->errors +=
				!feed_target_set(target, feed->value * feed->settings.scale);
		}
		if (report && target->error && !target->error_logged) {
			report_feed(report, &feed->settings, target->error);
			target->error_logged = true;
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

/*
 * Returns true if the feed takes the value. Write threads run in parallel: the older one of two
 * values of a source may arrive last.
 */
static bool store_value(struct feeds *feeds, struct feed *feed, const struct feed_source *source,
			double value)
{
	_cleanup_free_ char *id = strdup(source->id);
	bool stored;

	pthread_mutex_lock(&feeds->lock);
	stored = id && !feed->removed && !(source->time < feed->time && string_equal(feed->id, id));
	if (stored) {
		free(feed->id);
		feed->id = steal_ptr(&id);
		feed->value = value;
		feed->time = source->time;
		feed->values++;
		free(feed->error);
		feed->error = NULL;
	}
	pthread_mutex_unlock(&feeds->lock);
	return stored;
}

/* The value list has no usable value. */
static void store_error(struct feeds *feeds, struct feed *feed, const struct error *err,
			struct text *report)
{
	const char *message = error_message(err);

	pthread_mutex_lock(&feeds->lock);
	feed->errors++;
	if (!string_equal(feed->error, message)) {
		free(feed->error);
		feed->error = strdup(message);
		report_feed(report, &feed->settings, message);
	}
	pthread_mutex_unlock(&feeds->lock);
}

/* Logs once why values are ignored. The message does not quote data of the other host. */
static void report_ignored(struct feed *feed, struct text *report)
{
	const char *match = feed->settings.match;

	if (!__atomic_exchange_n(&feed->others_logged, true, __ATOMIC_RELAXED))
		text_printf(report,
			    "feed \"%s\": a value that came from another host or over the network "
			    "is ignored: Match \"%s\" takes only values of this host itself; write "
			    "\"HOST/%s\" or \"*/%s\" to accept values of other hosts\n",
			    feed->settings.name, match, match, match);
}

void feeds_take(struct feeds *feeds, const struct feed_source *source,
		void (*deliver)(void *data, const char *monitor), void *data, struct text *report)
{
	_cleanup_(table_unrefp) struct table *table = current_table(feeds);

	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i];
		_cleanup_error_ struct error err = {};
		double value;

		if (!feed_settings_match(&feed->settings, source->id))
			continue;
		if (!source->own && feed_settings_own_only(&feed->settings))
			report_ignored(feed, report);
		else if (source->get(source->data, feed->settings.data_source, &value, &err) < 0)
			store_error(feeds, feed, &err, report);
		else if (!isnan(value) && store_value(feeds, feed, source, value))
			deliver(data, feed->settings.monitor);
	}
}

/* -- reports -- */

void feeds_each(struct feeds *feeds, bool fresh,
		void (*each)(void *data, const char *feed, const char *monitor), void *data)
{
	_cleanup_(table_unrefp) struct table *table = current_table(feeds);

	for (size_t i = 0; i < table->n; i++) {
		struct feed *feed = table->items[i];
		bool listed;

		pthread_mutex_lock(&feeds->lock);
		listed = feed->listed;
		feed->listed = listed || fresh;
		pthread_mutex_unlock(&feeds->lock);
		if (!fresh || !listed)
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

void feeds_json(struct feeds *feeds, const char *monitor,
		const struct generation *const *generations, size_t n, struct text *out)
{
	struct json_writer json = { .out = out };

	json_array_begin(&json);
	pthread_mutex_lock(&feeds->lock);
	for (size_t i = 0; i < feeds->table->n; i++) {
		const struct feed *feed = feeds->table->items[i];
		const struct feed_settings *settings = &feed->settings;
		const char *error = NULL;

		if (strcmp(settings->monitor, monitor) != 0)
			continue;
		for (size_t j = 0; j < n && !error; j++) {
			const struct feed_target *target =
				generations[j] ? feed_target_find(generations[j], feed->serial)
					       : NULL;

			error = target ? target->error : NULL;
		}
		json_object_begin(&json);
		json_member_string(&json, "name", settings->name);
		json_member_string(&json, "match", settings->match);
		json_member_string(&json, "data-source", settings->data_source);
		json_member_string(&json, "direction", settings->direction);
		json_member_string(&json, "map", settings->map);
		json_member_string(&json, "key", settings->key ? settings->key : "0");
		json_member_string(&json, "field", settings->field);
		json_member_double(&json, "scale", settings->scale);
		json_member_string(&json, "from", feed->id);
		json_member_double(&json, "value", feed->id ? feed->value : NAN); /* NaN is null */
		json_key(&json, "time");
		if (feed->id)
			text_printf(json_value(&json), "%.3f", feed->time);
		else
			json_put_string(&json, NULL);
		json_member_u64(&json, "values", feed->values);
		json_member_u64(&json, "errors", feed->errors);
		json_member_string(&json, "last-error", error ? error : feed->error);
		json_object_end(&json);
	}
	pthread_mutex_unlock(&feeds->lock);
	json_array_end(&json);
}
