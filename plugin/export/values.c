/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/values.h"
#include "base/hash.h"
#include "metric/reader.h"

#include <errno.h>
#include <string.h>

void value_field(const char *text, size_t len, char field[VALUE_FIELD_MAX + 1])
{
	size_t n = len > VALUE_FIELD_MAX ? VALUE_FIELD_MAX - 9 : len;

	/* not in the middle of a character */
	while (n < len && n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		field[i] = c < 0x20 || c == 0x7f || c == '/' ? '_' : text[i];
	}
	field[n] = '\0';
	if (n < len)
		snprintf(field + n, 10, "-%08x", hash_bytes(text, len));
}

/* What a template's %{...} can stand for. */
struct variables {
	const char *monitor, *interface, *path, *metric;
};

static void expand(const char *template, const struct variables *variables, struct text *out)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "%{monitor}", variables->monitor },
		{ "%{interface}", variables->interface },
		{ "%{path}", variables->path },
		{ "%{metric}", variables->metric },
	};

	while (*template) {
		size_t i, len = 1;

		for (i = 0; i < ARRAY_SIZE(known); i++) {
			len = strlen(known[i].name);
			if (!strncmp(template, known[i].name, len))
				break;
		}
		if (i < ARRAY_SIZE(known)) {
			text_adds(out, known[i].value);
			template += len;
		} else {
			text_addc(out, *template ++);
		}
	}
}

/* Whether the other path has a metric of that name, so that the path must tell them apart. */
static bool on_both_paths(const struct generation *generation, int path, const char *name)
{
	const struct generation_path *other = &generation->paths[!path];

	for (size_t i = 0; i < other->n_metrics; i++)
		if (!strcmp(other->metrics[i].config->name, name))
			return true;
	return false;
}

static const char *type_of(const struct metric *metric, const struct metric_settings *settings)
{
	if (settings && settings->type)
		return settings->type;
	return metric->config->type == METRIC_COUNTER ? "derive" : "gauge";
}

/* What tells an entry from the others of its map: "-3", "-10.0.0.1-80". */
static void entry_text(const struct metric *metric, const char *key, struct text *out)
{
	if (metric_has_index(metric) && metric->map.max_entries > 1) {
		uint32_t index;

		memcpy(&index, key, sizeof(index));
		text_addc(out, '-');
		text_u64(out, index);
	}
	for (size_t i = 0; i < metric->n_key_fields; i++) {
		text_addc(out, '-');
		field_text(&metric->key_fields[i], key, out);
	}
}

struct reading {
	void (*sink)(void *data, const struct value *value);
	void *data;
	struct text instance; /* the type instance; its first stem bytes stay */
	size_t stem;
	struct value value;
	uint32_t seen;
	bool more; /* than are read */
};

static void entries_read(struct reading *reading, const struct metric *metric,
			 const struct metric_batch *batch)
{
	const struct map_batch *entries = &batch->entries;

	for (uint32_t i = 0; i < entries->count; i++) {
		if (reading->seen == VALUE_SERIES_MAX) {
			reading->more = true;
			return;
		}
		reading->seen++;
		reading->instance.len = reading->stem;
		entry_text(metric, entries->keys + i * entries->key_stride, &reading->instance);
		if (text_status(&reading->instance) < 0)
			return;
		value_field(reading->instance.data, reading->instance.len,
			    reading->value.type_instance);
		reading->value.number = metric_batch_sample(metric, batch, i);
		reading->sink(reading->data, &reading->value);
	}
}

static int metric_read(struct reading *reading, const struct metric *metric)
{
	struct metric_reader reader;
	struct metric_batch batch;
	int r = metric_reader_init(&reader, metric, METRIC_FOR_SAMPLES);

	if (r < 0)
		return r;
	/* What is taken out is dispatched: the rest stays in the map for the next read. */
	if (metric->config->empty_on_read && reader.map.capacity > VALUE_SERIES_MAX)
		reader.map.capacity = VALUE_SERIES_MAX;
	while (!reading->more && (r = metric_reader_next(&reader, &batch)) > 0)
		entries_read(reading, metric, &batch);
	metric_reader_release(&reader);
	return r < 0 ? r : 0;
}

/* Sets what all values of a metric have in common. */
static void reading_begin(struct reading *reading, const struct view_item *item, int path,
			  const struct metric *metric, const struct metric_settings *settings)
{
	const struct monitor_settings *monitor = &item->monitor->settings;
	const char *instance = monitor->plugin_instance;
	const char *template = settings ? settings->type_instance : NULL;
	const char *name = metric->config->name;
	const struct variables variables = { monitor->name, item->interface,
					     path_name((enum path)path), name };

	if (!instance)
		instance = *item->interface ? "%{monitor}-%{interface}" : "%{monitor}";
	if (!template)
		template = on_both_paths(item->generation, path, name) ? "%{metric}-%{path}"
								       : "%{metric}";
	reading->value.metric = name;
	reading->value.type = type_of(metric, settings);
	text_clear(&reading->instance);
	expand(instance, &variables, &reading->instance);
	value_field(text_str(&reading->instance), reading->instance.len,
		    reading->value.plugin_instance);
	text_clear(&reading->instance);
	expand(template, &variables, &reading->instance);
	reading->stem = reading->instance.len;
	reading->seen = 0;
	reading->more = false;
}

void values_read(const struct view_item *item, void (*sink)(void *data, const struct value *value),
		 void (*trouble)(void *data, const struct error *err), void *data, bool *left_out)
{
	const struct monitor_settings *monitor = &item->monitor->settings;
	struct reading reading = { .sink = sink, .data = data };

	for (int path = 0; item->generation && path < PATH_COUNT; path++) {
		const struct generation_path *from = &item->generation->paths[path];

		for (size_t i = 0; i < from->n_metrics; i++) {
			const struct metric *metric = &from->metrics[i];
			const struct metric_settings *settings =
				monitor_settings_metric(monitor, metric->config->name);
			_cleanup_error_ struct error err = {};
			int r;

			if (!metric->sampled || (settings && !settings->dispatch))
				continue;
			reading_begin(&reading, item, path, metric, settings);
			r = metric_read(&reading, metric);
			if (r < 0) {
				error_set(&err, r,
					  "monitor %s: reading map %s of metric \"%s\": %s",
					  monitor->name, metric->config->map_name,
					  metric->config->name, strerror(-r));
				trouble(data, &err);
			}
			*left_out = *left_out || reading.more;
		}
	}
	text_release(&reading.instance);
}
