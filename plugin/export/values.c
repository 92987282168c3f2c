/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/values.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "export/value_pairs.h"
#include "metric/histogram.h"
#include "metric/label.h"
#include "metric/sampling.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* The state of values_read(). */
struct conversion {
	const struct snapshot_item *item;
	void (*sink)(void *data, const struct value *value);
	void *data;
	/* -- of the current metric -- */
	enum direction direction;
	const struct metric *metric;
	const char *type;	   /* option Type, or NULL */
	struct value_pairs *pairs; /* receives the values of both directions; NULL: single values */
	int pairs_error;
	struct text name; /* for %{metric} */
	const char *instance_template;
	struct text type_template;
	bool has_own_labels; /* the template names labels: do not append them */
	/* -- of the current entry -- */
	struct text labels; /* label values of the entry, each with a NUL */
	bool is_vague;	    /* other label values may give the same identifier */
	/* -- of the current value -- */
	const char *field;	  /* for %{field} */
	struct value_label *list; /* constants of the document, then labels of the entry */
	size_t n_constants, n_list;
	struct text suffix, text;
	struct value value;
};

/* Returns NULL if there is no such label. */
static const char *find_label(const struct conversion *conversion, const char *name, size_t len)
{
	for (size_t i = 0; i < conversion->n_list; i++) {
		const struct value_label *label = &conversion->list[i];

		if (strlen(label->name) == len && !memcmp(label->name, name, len))
			return label->value;
	}
	return NULL;
}

/* Returns the value of %{name}; NULL if the name is unknown, then the text is kept as it is. */
static const char *variable_value(const struct conversion *conversion, const char *name, size_t len)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "monitor", conversion->item->monitor->name },
		{ "interface", conversion->item->interface },
		{ "direction", conversion->metric->both_directions
				       ? "both"
				       : direction_name(conversion->direction) },
		{ "metric", conversion->name.data },
		{ "field", conversion->field },
	};
	static const char label[] = "label:";
	const size_t prefix = sizeof(label) - 1;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return known[i].value;
	if (len > prefix && !memcmp(name, label, prefix)) {
		const char *value = find_label(conversion, name + prefix, len - prefix);

		return value ? value : "";
	}
	return NULL;
}

/* Expands a template, appends the suffix and converts the result to a field of the value. */
static void expand_field(struct conversion *conversion, const char *template, const char *suffix,
			 char field[VALUE_FIELD_MAX + 1])
{
	struct text *text = &conversion->text;

	text_clear(text);
	while (*template) {
		const char *end = strncmp(template, "%{", 2) ? NULL : strchr(template, '}');
		const char *value =
			end ? variable_value(conversion, template + 2, (size_t)(end - template) - 2)
			    : NULL;

		if (value) {
			text_adds(text, value);
			template = end + 1;
		} else {
			text_addc(text, *template ++);
		}
	}
	text_adds(text, suffix);
	value_field(text_str(text), text->len, field);
}

/* Passes one scaled number on, but no NaN, which has no meaning for write plugins. */
static void send_value(struct conversion *conversion, const char *type, const char *field,
		       const char *suffix, struct number number)
{
	struct value *value = &conversion->value;

	if (number.kind == NUMBER_FLOAT && isnan(number.f))
		return;
	conversion->field = field;
	expand_field(conversion, conversion->instance_template, "", value->plugin_instance);
	if (!*conversion->type_template.data && *suffix == '-')
		suffix++;
	expand_field(conversion, conversion->type_template.data, suffix, value->type_instance);
	/* A truncated name would identify another value. */
	if (text_status(&conversion->suffix) < 0 || text_status(&conversion->text) < 0)
		return;
	value->type = type;
	value->numbers[0] = number;
	value->n_numbers = 1;
	value->is_gauge = type == conversion->type &&
			  conversion->metric->config->type != METRIC_COUNTER &&
			  conversion->metric->config->type != METRIC_UNTYPED;
	value->labels = conversion->list;
	value->n_labels = conversion->n_list;
	if (!conversion->pairs)
		conversion->sink(conversion->data, value);
	else if (conversion->pairs_error == 0)
		conversion->pairs_error =
			value_pairs_add(conversion->pairs, value, conversion->direction);
}

/* Returns the label values of the current entry as the end of the type instance. */
static const char *label_suffix(struct conversion *conversion)
{
	struct text *suffix = &conversion->suffix;

	text_clear(suffix);
	if (!conversion->has_own_labels)
		for (size_t i = conversion->n_constants; i < conversion->n_list; i++)
			text_printf(suffix, "-%s", conversion->list[i].value);
	if (conversion->is_vague)
		text_printf(suffix, "-%08x",
			    hash_bytes(conversion->labels.data, conversion->labels.len));
	return text_str(suffix);
}

/* Returns the type of the samples of a family; counts and sums have other types. */
static const char *sample_type(const struct conversion *conversion, const char *family)
{
	return conversion->type ? conversion->type : value_type(conversion->metric->config, family);
}

/* Passes on count and sum as counters. A float sum becomes a gauge, as counters are integers. */
static void send_count_and_sum(struct conversion *conversion, const struct number *numbers,
			       const char *suffix)
{
	const struct histogram *histogram = &conversion->metric->histogram;
	struct number sum;

	send_value(conversion, "derive", "count", suffix, histogram_count(histogram, numbers));
	if (!histogram_has_sum(histogram))
		return;
	sum = metric_scale(conversion->metric, histogram_sum(histogram, numbers));
	send_value(conversion, sum.kind == NUMBER_FLOAT ? "gauge" : "derive", "sum", suffix, sum);
}

static void send_histogram(struct conversion *conversion, const struct number *numbers)
{
	const struct histogram *histogram = &conversion->metric->histogram;
	const char *suffix = label_suffix(conversion);

	send_count_and_sum(conversion, numbers, suffix);
	for (size_t i = 0; i < histogram->n_quantiles; i++) {
		double quantile = histogram->quantiles[i];
		char name[32];

		/* "p50" or "p99_9", because Graphite takes a point as a separator. */
		snprintf(name, sizeof(name), "p%.10g", 100 * quantile);
		for (char *c = name + 1; *c; c++)
			if (!isdigit((unsigned char)*c))
				*c = '_';
		send_value(conversion, sample_type(conversion, ""), name, suffix,
			   (struct number){ NUMBER_FLOAT, .f = histogram_quantile(
								  histogram, numbers, quantile) });
	}
}

static void send_family(struct conversion *conversion, const struct family *family,
			const struct metric_batch *batch, uint32_t i, unsigned int cpu)
{
	const struct metric *metric = conversion->metric;
	const char *value = batch->entries.values + i * batch->entries.value_stride;
	size_t n_list = conversion->n_list;
	/* The map may already have a label "index". */
	const char *index = find_label(conversion, "index", 5) ? "exported_index" : "index";
	char text[16];

	for (uint32_t element = 0; element < family->numbers; element++) {
		size_t column = family->column + element;
		struct number number = metric_lists_cpus(metric)
					       ? metric_sample_cpu(metric, column, value, cpu)
					       : metric_batch_sample(metric, column, batch, i);

		if (family->numbers > 1) {
			snprintf(text, sizeof(text), "%u", element);
			conversion->list[n_list] = (struct value_label){ index, text };
			conversion->n_list = n_list + 1;
		}
		send_value(conversion, sample_type(conversion, family->name), family->name,
			   label_suffix(conversion), metric_scale(metric, number));
	}
	conversion->n_list = n_list;
}

/* Returns true if a text chosen by packets or tenants contains a separator or a replaced byte. */
static bool label_text_is_vague(const struct label *label, const char *text, bool alone)
{
	const struct plan *plan = label->field ? &label->field->plan : NULL;
	bool chosen = label->format == FORMAT_STRING ||
		      (label->format == FORMAT_AUTO && plan && plan->ops->kind == PLAN_STRING);

	return chosen && strpbrk(text, alone ? "/" : "/-");
}

/* Sets the labels of an entry, after the constants in the list. Returns 0 or -ENOMEM. */
static int set_entry_labels(struct conversion *conversion, const char *key, const char *value,
			    unsigned int cpu)
{
	const struct metric *metric = conversion->metric;
	struct text *labels = &conversion->labels;
	const char *text;

	text_clear(labels);
	for (size_t i = 0; i < metric->n_labels; i++) {
		label_text(&metric->labels[i], key, value, cpu, labels);
		text_addc(labels, '\0');
	}
	if (text_status(labels) < 0)
		return -ENOMEM;
	conversion->n_list = conversion->n_constants;
	conversion->is_vague = false;
	text = labels->data;
	for (size_t i = 0; i < metric->n_labels; i++) {
		const struct label *label = &metric->labels[i];

		conversion->list[conversion->n_list++] = (struct value_label){ label->name, text };
		if (label_text_is_vague(label, text, metric->n_labels == 1))
			conversion->is_vague = true;
		text += strlen(text) + 1;
	}
	return 0;
}

static void send_entry(struct conversion *conversion, const struct metric_batch *batch, uint32_t i)
{
	const struct map_batch *entries = &batch->entries;
	const char *key = entries->keys + i * entries->key_stride;
	const char *value = entries->values + i * entries->value_stride;
	const struct metric *metric = conversion->metric;
	unsigned int cpus = metric_lists_cpus(metric) ? map_cpus() : 1;

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		if (set_entry_labels(conversion, key, value, cpu) < 0)
			return;
		if (histogram_is_one(&metric->histogram)) {
			const struct number *numbers = metric_histogram_of(
				metric, &batch->numbers[i * metric->n_numbers], cpu);

			if (cpus == 1 || histogram_count(&metric->histogram, numbers).u)
				send_histogram(conversion, numbers);
			continue;
		}
		for (size_t n = 0; n < metric->n_families; n++)
			send_family(conversion, &metric->families[n], batch, i, cpu);
	}
}

/* Passes on the number of left-out series and the sums over all series. */
static void send_left_out(struct conversion *conversion, const struct sampling *sampling)
{
	const struct selection *selection = sampling->selection;
	const struct metric *metric = conversion->metric;
	bool histogram = histogram_is_one(&metric->histogram);
	uint64_t left_out = sampling_left_out(sampling);

	sampling_note_left_out(sampling, READER_COLLECTD);
	if (!left_out)
		return;
	conversion->n_list = conversion->n_constants;
	if (histogram)
		send_count_and_sum(conversion, selection->sums, "-total");
	for (size_t i = 0; !histogram && i < metric->n_families; i++) {
		const char *family = metric->families[i].name;

		send_value(conversion, sample_type(conversion, family), family, "-total",
			   metric_scale(metric, metric_family_sum(metric, i, selection->sums)));
	}
	send_value(conversion, "gauge", histogram ? "count" : metric->families[0].name, "-left_out",
		   (struct number){ NUMBER_UNSIGNED, .u = left_out });
}

/* Sets the data shared by all values of a metric. Returns 0 or -ENOMEM. */
static int conversion_begin(struct conversion *conversion, const struct snapshot_metric *from,
			    const struct metric_settings *settings)
{
	const struct snapshot_item *item = conversion->item;
	const struct metric *metric = from->metric;
	const struct metric_config *config = metric->config;
	const char *name = config->name, *template = item->settings->plugin_instance;
	bool fields = metric->n_families > 1 || *metric->families[0].name ||
		      histogram_is_one(&metric->histogram);
	bool ambiguous = false, both = false;
	struct snapshot_metric other = {};

	while (snapshot_item_next_metric(item, &other)) {
		if (!strcmp(other.metric->config->name, name))
			both = both || other.direction != from->direction;
		else
			ambiguous = ambiguous || value_names_clash(other.metric->config, config);
	}
	conversion->direction = from->direction;
	conversion->metric = metric;
	conversion->value.metric = name;
	conversion->type = settings ? settings->type : NULL;
	text_clear(&conversion->name);
	text_name(&conversion->name, name, value_name_len(config));
	if (ambiguous)
		text_printf(&conversion->name, "-%08x", hash_bytes(name, strlen(name)));
	text_addc(&conversion->name, '\0');
	if (!template)
		template = *item->interface ? "%{monitor}-%{interface}" : "%{monitor}";
	conversion->instance_template = template;
	template = settings ? settings->type_instance : NULL;
	conversion->has_own_labels = template && strstr(template, "%{label:");
	text_clear(&conversion->type_template);
	text_adds(&conversion->type_template, template ? template : "%{metric}");
	if (fields && !(template && conversion->pairs))
		value_distinguish(&conversion->type_template, "%{field}", template,
				  conversion->instance_template);
	if (both && !conversion->pairs)
		value_distinguish(&conversion->type_template, "%{direction}", template,
				  conversion->instance_template);
	text_addc(&conversion->type_template, '\0');
	free(conversion->list);
	conversion->n_constants = 0;
	conversion->list =
		calloc(config->n_labels + metric->n_labels + 2, sizeof(*conversion->list));
	if (!conversion->list || text_status(&conversion->name) < 0 ||
	    text_status(&conversion->type_template) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_labels; i++)
		if (config->labels[i].value)
			conversion->list[conversion->n_constants++] =
				(struct value_label){ config->labels[i].name,
						      config->labels[i].value };
	return 0;
}

static int convert_metric(struct conversion *conversion, const struct snapshot_metric *from,
			  const struct metric_settings *settings)
{
	uint32_t limit = from->metric->config->max_series;
	struct sampling sampling;
	struct metric_batch batch;
	int r = conversion_begin(conversion, from, settings);

	if (settings && settings->max_series)
		limit = settings->max_series;
	if (r == 0)
		r = sampling_init(&sampling, from->metric, METRIC_FOR_SAMPLES,
				  limit ? limit : VALUE_SERIES_MAX);
	if (r < 0)
		return r;
	while ((r = sampling_next(&sampling, &batch)) > 0)
		for (uint32_t i = 0; i < batch.entries.count; i++)
			send_entry(conversion, &batch, i);
	if (!conversion->pairs)
		send_left_out(conversion, &sampling);
	else if (r == 0 && sampling_left_out(&sampling))
		r = -E2BIG;
	sampling_release(&sampling);
	if (text_status(&conversion->labels) < 0 || text_status(&conversion->suffix) < 0 ||
	    text_status(&conversion->text) < 0)
		return -ENOMEM;
	return r;
}

/* Sets the error of a metric whose map cannot be read. Returns r. */
static int read_error(struct error *err, const struct snapshot_metric *from, int r)
{
	const struct metric_config *config = from->metric->config;

	return error_set(err, r, "monitor %s: reading map %s of metric \"%s\": %s",
			 from->item->settings->name, config->map_name, config->name,
			 map_reader_strerror(r));
}

/* Finds the metric of the same name in a direction. */
static bool find_in_direction(const struct snapshot_metric *like, enum direction direction,
			      struct snapshot_metric *ret)
{
	*ret = (struct snapshot_metric){};
	while (snapshot_item_next_metric(like->item, ret))
		if (ret->direction == direction && ret->metric->n_families &&
		    !strcmp(ret->metric->config->name, like->metric->config->name))
			return true;
	return false;
}

/* Adds the values of one direction to the pairs. Returns 0, or -errno with the error. */
static int convert_direction(struct conversion *conversion, const struct snapshot_metric *from,
			     const struct metric_settings *settings, struct error *err)
{
	const char *fault = value_pairs_fault(from, settings);
	int r = fault ? -EINVAL : convert_metric(conversion, from, settings);

	if (r == 0)
		r = conversion->pairs_error;
	if (r == -E2BIG)
		fault = "the metric has too many series; increase MaxSeries";
	if (r == -EEXIST)
		fault = "several values have the same name; change TypeInstance";
	if (!fault)
		return r < 0 ? read_error(err, from, r) : 0;
	return error_set(err, r, "monitor %s: metric \"%s\": type \"%s\" has rx and tx: %s",
			 from->item->settings->name, from->metric->config->name, settings->type,
			 fault);
}

/*
 * Converts both directions of a metric to values with two numbers, when called for the first one.
 * If a direction fails, no value is passed on: a zero would be wrong.
 */
static int convert_pairs(struct conversion *conversion, const struct snapshot_metric *from,
			 const struct metric_settings *settings, struct error *err)
{
	_cleanup_(value_pairs_release) struct value_pairs pairs = {};
	struct snapshot_metric metric;
	int r = 0;

	if (from->direction == EGRESS && find_in_direction(from, INGRESS, &metric))
		return 0;
	conversion->pairs = &pairs;
	conversion->pairs_error = 0;
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++)
		if (find_in_direction(from, direction, &metric))
			r = convert_direction(conversion, &metric, settings, err);
	conversion->pairs = NULL;
	if (r < 0)
		return r;
	r = value_pairs_send(&pairs, from->metric->config->name, settings->type, conversion->sink,
			     conversion->data);
	return r < 0 ? read_error(err, from, r) : 0;
}

static void conversion_release_texts(struct conversion *conversion)
{
	text_release(&conversion->name);
	text_release(&conversion->type_template);
	text_release(&conversion->labels);
	text_release(&conversion->suffix);
	text_release(&conversion->text);
}

void values_read(const struct snapshot_item *item,
		 void (*sink)(void *data, const struct value *value),
		 void (*failed)(void *data, const struct error *err), void *data)
{
	struct conversion conversion = { .item = item, .sink = sink, .data = data };
	struct snapshot_metric each = {};

	while (snapshot_item_next_metric(item, &each)) {
		const struct metric_settings *settings =
			monitor_settings_metric(item->settings, each.metric->config->name);
		_cleanup_error_ struct error err = {};
		int r;

		if (!each.metric->n_families || (settings && !settings->dispatch))
			continue;
		if (settings && settings->type && value_type_is_pair(settings->type)) {
			r = convert_pairs(&conversion, &each, settings, &err);
		} else {
			r = convert_metric(&conversion, &each, settings);
			if (r < 0)
				read_error(&err, &each, r);
		}
		if (r == -ENOMEM) /* a failed text stays failed until it is released */
			conversion_release_texts(&conversion);
		if (r < 0)
			failed(data, &err);
	}
	free(conversion.list);
	conversion_release_texts(&conversion);
}
