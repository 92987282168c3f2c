/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/values.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/utf8.h"
#include "metric/histogram.h"
#include "metric/label.h"
#include "metric/sampling.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define VALUE_HASH_LEN 9 /* "-" and eight digits */

void value_field(const char *text, size_t len, char field[VALUE_FIELD_MAX + 1])
{
	if (utf8_show_line(field, VALUE_FIELD_MAX + 1, text, len, "") < len) {
		utf8_show_line(field, VALUE_FIELD_MAX + 1 - VALUE_HASH_LEN, text, len, "");
		snprintf(field + strlen(field), VALUE_HASH_LEN + 1, "-%08x", hash_bytes(text, len));
	}
	for (char *c = field; *c; c++)
		if (*c == '/')
			*c = '_';
}

/* State of values_read(): data shared by all samples of a metric, and the current sample. */
struct making {
	const struct snapshot_item *item;
	int direction;
	const struct metric *metric;
	struct text name;  /* of the metric, for %{metric} */
	const char *field; /* of the current sample */
	const char *type;  /* of samples; counts and sums have other types */
	const char *instance_template, *type_template;
	bool has_own_labels; /* the template names labels: do not append them */
	struct text labels;  /* label values of the entry, each with a NUL */
	bool is_vague;	     /* other label values may give the same identifier */
	struct value_label *list;
	size_t n_constants, n_list;
	struct text text;
	struct value value;
	void (*sink)(void *data, const struct value *value);
	void *data;
};

/* Returns NULL if there is no such label. */
static const char *label_value(const struct making *making, const char *name, size_t len)
{
	for (size_t i = 0; i < making->n_list; i++)
		if (strlen(making->list[i].name) == len && !memcmp(making->list[i].name, name, len))
			return making->list[i].value;
	return NULL;
}

/* Returns the value of %{name}; NULL if the name is unknown, then the text is kept as it is. */
static const char *variable(const struct making *making, const char *name, size_t len)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "monitor", making->item->monitor->name },
		{ "interface", making->item->interface },
		{ "direction", direction_name((enum direction)making->direction) },
		{ "metric", making->name.data },
		{ "field", making->field },
	};
	static const char label[] = "label:";

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return known[i].value;
	if (len > sizeof(label) - 1 && !memcmp(name, label, sizeof(label) - 1)) {
		const char *value =
			label_value(making, name + sizeof(label) - 1, len - (sizeof(label) - 1));

		return value ? value : "";
	}
	return NULL;
}

static void expand(const struct making *making, const char *template, struct text *out)
{
	while (*template) {
		const char *end = strncmp(template, "%{", 2) ? NULL : strchr(template, '}');
		const char *value =
			end ? variable(making, template + 2, (size_t)(end - template) - 2) : NULL;

		if (value) {
			text_adds(out, value);
			template = end + 1;
		} else {
			text_addc(out, *template ++);
		}
	}
}

/* Returns true if both directions have a metric of that name; the direction then becomes part of
 * the name. */
static bool on_both_directions(const struct generation *generation, int direction, const char *name)
{
	const struct generation_direction *other = &generation->directions[!direction];

	for (size_t i = 0; i < other->n_metrics; i++)
		if (!strcmp(other->metrics[i].config->name, name))
			return true;
	return false;
}

/* Returns true if two names give the same identifier, see value_field(). */
static bool looks_the_same(const char *a, const char *b)
{
	for (; *a && (*a == *b || (strchr("/_", *a) && *b && strchr("/_", *b))); a++, b++)
		;
	return *a == *b;
}

/* Sets making->name, with a hash if another metric's name would give the same identifier. */
static int set_name(struct making *making)
{
	const char *name = making->metric->config->name;
	struct snapshot_metric each = {};
	bool ambiguous = false;

	while (snapshot_item_next_metric(making->item, &each)) {
		const char *other = each.metric->config->name;

		ambiguous = ambiguous || (strcmp(other, name) != 0 && looks_the_same(other, name));
	}
	text_clear(&making->name);
	utf8_name(&making->name, name, strlen(name));
	if (ambiguous)
		text_printf(&making->name, "-%08x", hash_bytes(name, strlen(name)));
	text_addc(&making->name, '\0');
	return text_status(&making->name);
}

/* Chooses a type with one data source from the stock types.db, by unit and metric type. */
static const char *type_of(const struct metric *metric, const struct metric_settings *settings)
{
	static const struct {
		const char *unit, *counter, *gauge;
	} types[] = {
		{ "bytes", "total_bytes", "bytes" },
		{ "packets", "packets", NULL },
		{ "seconds", NULL, "duration" },
		{ "percent", NULL, "percent" },
		{ "requests", "total_requests", NULL },
		{ "connections", "total_connections", NULL },
	};
	bool counter = metric->config->type == METRIC_COUNTER;

	if (settings && settings->type)
		return settings->type;
	for (size_t i = 0; metric->config->unit && i < ARRAY_SIZE(types); i++) {
		const char *type = counter ? types[i].counter : types[i].gauge;

		if (type && !strcmp(types[i].unit, metric->config->unit))
			return type;
	}
	return counter ? "derive" : "gauge";
}

/* Returns true if a text chosen by packets or tenants contains a separator or a replaced byte. */
static bool values_is_vague(const struct label *label, const char *text, bool alone)
{
	const struct plan *plan = label->field ? &label->field->plan : NULL;
	bool chosen = label->format == FORMAT_STRING ||
		      (label->format == FORMAT_AUTO && plan && plan->ops->kind == PLAN_STRING);

	for (; chosen && *text; text++)
		if (*text == '/' || (*text == '-' && !alone))
			return true;
	return false;
}

/* Sets the labels of an entry, after the constants in the list. */
static void values_set_labels(struct making *making, const char *key, const char *value,
			      unsigned int cpu)
{
	const struct metric *metric = making->metric;
	size_t at = 0;

	text_clear(&making->labels);
	for (size_t i = 0; i < metric->n_labels; i++) {
		label_text(&metric->labels[i], key, value, cpu, &making->labels);
		text_addc(&making->labels, '\0');
	}
	making->n_list = making->n_constants + metric->n_labels;
	making->is_vague = false;
	for (size_t i = 0; i < metric->n_labels && text_status(&making->labels) == 0; i++) {
		const char *text = making->labels.data + at;

		making->list[making->n_constants + i] =
			(struct value_label){ metric->labels[i].name, text };
		making->is_vague = making->is_vague ||
				   values_is_vague(&metric->labels[i], text, metric->n_labels == 1);
		at += strlen(text) + 1;
	}
}

static void set_field(struct making *making, const char *template, const char *end,
		      char field[VALUE_FIELD_MAX + 1])
{
	text_clear(&making->text);
	expand(making, template, &making->text);
	text_adds(&making->text, end);
	value_field(text_str(&making->text), making->text.len, field);
}

/* Passes one scaled number to the sink. */
static void values_give(struct making *making, const char *type, const char *field,
			struct number number)
{
	_cleanup_text_ struct text end = {};

	making->field = field;
	making->value.type = type;
	for (size_t i = making->n_constants; !making->has_own_labels && i < making->n_list; i++)
		text_printf(&end, "-%s", making->list[i].value);
	if (making->is_vague)
		text_printf(&end, "-%08x", hash_bytes(making->labels.data, making->labels.len));
	set_field(making, making->instance_template, "", making->value.plugin_instance);
	set_field(making, making->type_template, text_str(&end), making->value.type_instance);
	if (text_status(&end) < 0)
		making->text.failed = true;
	if (text_status(&making->text) < 0) /* a truncated name would identify another value */
		return;
	making->value.number = number;
	making->value.labels = making->list;
	making->value.n_labels = making->n_list;
	making->sink(making->data, &making->value);
}

typedef void give_fn(struct making *making, const char *type, const char *field,
		     struct number number);

/* Passes on count and sum as counters. A float sum becomes a gauge, as counters are integers. */
static void give_totals(struct making *making, const struct number *numbers, give_fn *with)
{
	const struct metric *metric = making->metric;
	const struct histogram *histogram = &metric->histogram;
	struct number sum;

	with(making, "derive", "count", histogram_count(histogram, numbers));
	if (!histogram->sum)
		return;
	sum = metric_scale(metric, histogram_sum(histogram, numbers));
	with(making, sum.kind == NUMBER_FLOAT ? "gauge" : "derive", "sum", sum);
}

/* Formats as "p50" or "p99_9", because Graphite takes a point as a separator. */
static void quantile_name(double quantile, char name[32])
{
	snprintf(name, 32, "p%.10g", 100 * quantile);
	for (char *c = name; *c; c++)
		if (!isdigit((unsigned char)*c) && *c != 'p')
			*c = '_';
}

static void give_histogram(struct making *making, const struct number *numbers)
{
	const struct histogram *histogram = &making->metric->histogram;

	give_totals(making, numbers, values_give);
	for (size_t i = 0; i < histogram->n_quantiles; i++) {
		double quantile = histogram_quantile(histogram, numbers, histogram->quantiles[i]);
		char name[32];

		quantile_name(histogram->quantiles[i], name);
		values_give(making, making->type, name,
			    (struct number){ NUMBER_FLOAT, .f = quantile });
	}
}

/* Adds the array index of a number as a label. The map may already have a label "index". */
static void set_element(struct making *making, uint32_t element, char text[16])
{
	size_t n = making->n_list = making->n_constants + making->metric->n_labels;
	bool taken = label_value(making, "index", strlen("index"));

	snprintf(text, 16, "%u", element);
	making->list[n] = (struct value_label){ taken ? "exported_index" : "index", text };
	making->n_list = n + 1;
}

static void give_family(struct making *making, size_t n, const struct metric_batch *batch,
			uint32_t i, unsigned int cpu)
{
	const struct metric *metric = making->metric;
	const struct family *family = &metric->families[n];
	const char *value = batch->entries.values + i * batch->entries.value_stride;
	char text[16];

	for (uint32_t element = 0; element < family->numbers; element++) {
		size_t column = family->column + element;
		struct number number = metric_lists_cpus(metric)
					       ? metric_sample_cpu(metric, column, value, cpu)
					       : metric_batch_sample(metric, column, batch, i);

		if (family->numbers > 1)
			set_element(making, element, text);
		values_give(making, making->type, family->name, metric_scale(metric, number));
	}
	making->n_list = making->n_constants + metric->n_labels;
}

static void give_entry(struct making *making, const struct metric_batch *batch, uint32_t i)
{
	const struct map_batch *entries = &batch->entries;
	const char *key = entries->keys + i * entries->key_stride;
	const char *value = entries->values + i * entries->value_stride;
	const struct metric *metric = making->metric;
	bool histogram = histogram_is_one(&metric->histogram);
	unsigned int cpus = metric_lists_cpus(metric) ? map_cpus() : 1;

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		values_set_labels(making, key, value, cpu);
		if (text_status(&making->labels) < 0)
			return;
		if (histogram) {
			give_histogram(making, &batch->numbers[i * metric->n_numbers]);
			continue;
		}
		for (size_t n = 0; n < metric->n_families; n++)
			give_family(making, n, batch, i, cpu);
	}
}

static void give_sum(struct making *making, const char *type, const char *field,
		     struct number number)
{
	making->field = field;
	making->value.type = type;
	set_field(making, making->type_template, "-total", making->value.type_instance);
	if (text_status(&making->text) < 0)
		return;
	making->value.number = number;
	making->sink(making->data, &making->value);
}

/* Passes on the number of left-out series and the sums over all series. */
static void give_left_out(struct making *making, const struct sampling *sampling)
{
	const struct selection *selection = sampling->selection;
	const struct metric *metric = making->metric;

	metric_set_left_out(metric, READER_COLLECTD, sampling_left_out(sampling));
	if (!sampling_left_out(sampling))
		return;
	if (metric_log_left_out_once(metric))
		log_warning(
			"monitor %s: metric \"%s\": %llu series, of which the largest %u are given "
			"to collectd",
			making->item->monitor->name, metric->config->name,
			(unsigned long long)selection->seen, selection->count);
	making->n_list = making->value.n_labels = making->n_constants;
	making->field = metric->families[0].name;
	set_field(making, making->instance_template, "", making->value.plugin_instance);
	if (histogram_is_one(&metric->histogram))
		give_totals(making, selection->sums, give_sum);
	for (size_t n = 0; !histogram_is_one(&metric->histogram) && n < metric->n_families; n++)
		give_sum(making, making->type, metric->families[n].name,
			 metric_scale(metric, metric_family_sum(metric, n, selection->sums)));
	making->field = histogram_is_one(&metric->histogram) ? "count" : metric->families[0].name;
	making->value.type = "gauge";
	set_field(making, making->type_template, "-left_out", making->value.type_instance);
	if (text_status(&making->text) < 0)
		return;
	making->value.number = (struct number){ NUMBER_UNSIGNED, .u = sampling_left_out(sampling) };
	making->sink(making->data, &making->value);
}

static uint32_t values_limit_of(const struct metric *metric, const struct metric_settings *settings)
{
	if (settings && settings->max_series)
		return settings->max_series;
	return metric->config->max_series ? metric->config->max_series : VALUE_SERIES_MAX;
}

static int metric_read(struct making *making, const struct metric_settings *settings)
{
	struct sampling sampling;
	struct metric_batch batch;
	int r = sampling_init(&sampling, making->metric, METRIC_FOR_SAMPLES,
			      values_limit_of(making->metric, settings));

	if (r < 0)
		return r;
	while ((r = sampling_next(&sampling, &batch)) > 0)
		for (uint32_t i = 0; i < batch.entries.count; i++)
			give_entry(making, &batch, i);
	give_left_out(making, &sampling);
	sampling_release(&sampling);
	if (text_status(&making->labels) < 0 || text_status(&making->text) < 0) {
		text_release(&making->labels);
		text_release(&making->text);
		return -ENOMEM;
	}
	return r;
}

/* Sets the data shared by all values of a metric. */
static int making_begin(struct making *making, int direction, const struct metric *metric,
			const struct metric_settings *settings)
{
	const struct snapshot_item *item = making->item;
	const struct monitor_settings *monitor = item->settings;
	bool both = on_both_directions(item->generation, direction, metric->config->name);
	bool fields = metric->n_families > 1 || *metric->families[0].name ||
		      histogram_is_one(&metric->histogram);

	making->direction = direction;
	making->metric = metric;
	if (set_name(making) < 0)
		return -ENOMEM;
	making->field = metric->families[0].name;
	making->instance_template = monitor->plugin_instance;
	if (!making->instance_template)
		making->instance_template =
			*item->interface ? "%{monitor}-%{interface}" : "%{monitor}";
	making->type_template = settings ? settings->type_instance : NULL;
	making->has_own_labels = making->type_template && strstr(making->type_template, "%{label:");
	if (!making->type_template)
		making->type_template =
			both ? fields ? "%{metric}-%{field}-%{direction}" : "%{metric}-%{direction}"
			: fields ? "%{metric}-%{field}"
				 : "%{metric}";
	making->value.metric = metric->config->name;
	making->type = type_of(metric, settings);
	free(making->list);
	making->n_constants = 0;
	making->list =
		calloc(metric->config->n_labels + metric->n_labels + 2, sizeof(*making->list));
	if (!making->list)
		return -ENOMEM;
	for (size_t i = 0; i < metric->config->n_labels; i++)
		if (metric->config->labels[i].value)
			making->list[making->n_constants++] =
				(struct value_label){ metric->config->labels[i].name,
						      metric->config->labels[i].value };
	return 0;
}

void values_read(const struct snapshot_item *item,
		 void (*sink)(void *data, const struct value *value),
		 void (*trouble)(void *data, const struct error *err), void *data)
{
	const struct monitor_settings *monitor = item->settings;
	struct making making = { .item = item, .sink = sink, .data = data };
	struct snapshot_metric each = {};

	while (snapshot_item_next_metric(item, &each)) {
		const struct metric *metric = each.metric;
		const struct metric_settings *settings =
			monitor_settings_metric(monitor, metric->config->name);
		_cleanup_error_ struct error err = {};
		int r;

		if (!metric->n_families || (settings && !settings->dispatch))
			continue;
		r = making_begin(&making, each.direction, metric, settings);
		if (r == 0)
			r = metric_read(&making, settings);
		if (r < 0) {
			error_set(&err, r, "monitor %s: reading map %s of metric \"%s\": %s",
				  monitor->name, metric->config->map_name, metric->config->name,
				  map_reader_strerror(r));
			trouble(data, &err);
		}
	}
	free(making.list);
	text_release(&making.name);
	text_release(&making.labels);
	text_release(&making.text);
}
