/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/metric_config.h"
#include "dataplane/json_reader.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const metric_type_names[] = {
	[METRIC_COUNTER] = "counter",	  [METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram", [METRIC_SUMMARY] = "summary",
	[METRIC_UNTYPED] = "untyped",
};

const char *metric_type_name(enum metric_type type)
{
	return metric_type_names[type];
}

static int take_label_value(struct json_reader *json_reader, struct json_object *value, void *to)
{
	return take_bounded(json_reader, value, LABEL_MAX_BYTES, to);
}

static int take_help(struct json_reader *json_reader, struct json_object *value, void *to)
{
	return take_bounded(json_reader, value, HELP_MAX_BYTES, to);
}

static int take_metric_type(struct json_reader *json_reader, struct json_object *value, void *to)
{
	if (json_object_is_type(value, json_type_string))
		for (size_t i = 0; i < ARRAY_SIZE(metric_type_names); i++)
			if (!strcasecmp(json_object_get_string(value), metric_type_names[i])) {
				*(enum metric_type *)to = (enum metric_type)i;
				return 0;
			}
	return json_reader_wrong(json_reader, "counter, gauge, histogram, summary or untyped",
				 value);
}

/* A name [a-zA-Z_][a-zA-Z0-9_]*. Prometheus reserves names that start with "__". */
static int take_label_name(struct json_reader *json_reader, struct json_object *value, void *to)
{
	const char *name;
	int r = take_string(json_reader, value, to);

	if (r < 0)
		return r;
	name = *(char **)to;
	if (!*name || isdigit((unsigned char)*name) || !strncmp(name, "__", 2) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return json_reader_wrong(
			json_reader, "a label name ([a-zA-Z_][a-zA-Z0-9_]*, not starting with __)",
			value);
	return 0;
}

/* Reads replacement texts: {"0": "none", "1": "some"}. */
static int take_texts(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct label_config *label = to;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(json_reader, "an object of texts", value);
	if ((size_t)json_object_object_length(value) > LABEL_TEXTS_MAX)
		return error_set(json_reader->err, -E2BIG, "%s: at most %d texts are possible",
				 text_str(&json_reader->where), LABEL_TEXTS_MAX);
	label->texts = calloc((size_t)json_object_object_length(value) + 1, sizeof(*label->texts));
	if (!label->texts)
		return error_oom(json_reader->err);
	json_object_object_foreach(value, from, text) {
		struct label_text *entry = &label->texts[label->n_texts];
		int r = take_bounded(json_reader, text, LABEL_MAX_BYTES, &entry->to);

		if (r < 0)
			return r;
		label->n_texts++;
		entry->from = strdup(from);
		if (!entry->from)
			return error_oom(json_reader->err);
	}
	return 0;
}

static int take_label(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "name", take_label_name, offsetof(struct label_config, name), true },
		{ "value", take_label_value, offsetof(struct label_config, value), false },
		{ "field", take_name, offsetof(struct label_config, field), false },
		{ "format", take_name, offsetof(struct label_config, format), false },
		{ "values", take_texts, 0, false },
		{},
	};
	const struct label_config *label = to;
	int r = json_reader_object(json_reader, value, keys, to);

	if (r == 0 && !label->value == !label->field)
		return error_set(json_reader->err, -EINVAL,
				 "%s: expected either \"value\", a constant, or \"field\"",
				 text_str(&json_reader->where));
	if (r == 0 && label->value && (label->format || label->texts))
		return error_set(json_reader->err, -EINVAL,
				 "%s: a constant has no \"format\" and no \"values\"",
				 text_str(&json_reader->where));
	return r;
}

static int take_labels(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;
	int r = json_reader_list(json_reader, value, LABELS_MAX, sizeof(*metric->labels),
				 take_label, (void **)&metric->labels, &metric->n_labels);

	for (size_t i = 0; r == 0 && i < metric->n_labels; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(metric->labels[i].name, metric->labels[j].name))
				return error_set(
					json_reader->err, -EINVAL,
					"%s[%zu].name: \"%s\" is the name of [%zu] already",
					text_str(&json_reader->where), i, metric->labels[i].name,
					j);
	return r;
}

/* A unit is part of the name of a metric and may have only the characters of such a name. */
static int take_unit(struct json_reader *json_reader, struct json_object *value, void *to)
{
	const char *unit;
	int r = take_name(json_reader, value, to);

	if (r < 0)
		return r;
	unit = *(char **)to;
	if (unit[strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return json_reader_wrong(json_reader,
					 "a unit such as seconds or bytes ([a-zA-Z0-9_]+)", value);
	return 0;
}

static int take_scale(struct json_reader *json_reader, struct json_object *value, void *to)
{
	double scale = json_object_get_double(value);

	if ((!json_object_is_type(value, json_type_double) &&
	     !json_object_is_type(value, json_type_int)) ||
	    !isfinite(scale) || scale <= 0)
		return json_reader_wrong(json_reader, "a factor above 0", value);
	*(double *)to = scale;
	return 0;
}

/* Reads a list of strictly increasing numbers between least and most, inclusive. */
static int take_rising(struct json_reader *json_reader, struct json_object *value, size_t max,
		       double least, double most, const char *expected, double **items, size_t *n)
{
	size_t len =
		json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;

	if (len > max)
		return error_set(json_reader->err, -EFBIG,
				 "%s: %zu elements, at most %zu are possible",
				 text_str(&json_reader->where), len, max);
	if (!len)
		return json_reader_wrong(json_reader, expected, value);
	free(*items);
	*n = 0;
	*items = calloc(len, sizeof(**items));
	if (!*items)
		return error_oom(json_reader->err);
	for (size_t i = 0; i < len; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);
		double number = json_object_get_double(item);

		if ((!json_object_is_type(item, json_type_double) &&
		     !json_object_is_type(item, json_type_int)) ||
		    !(number >= least && number <= most) || (i && number <= (*items)[i - 1]))
			return json_reader_wrong(json_reader, expected, value);
		(*items)[(*n)++] = number;
	}
	return 0;
}

static int take_quantiles(struct json_reader *json_reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;

	metric->has_histogram = true;
	return take_rising(json_reader, value, QUANTILES_MAX, 0, 1,
			   "a list of rising numbers from 0 to 1, such as [0.5, 0.9, 0.99]",
			   &metric->quantiles, &metric->n_quantiles);
}

/* Reads the name of a scheme or a list of upper bounds. */
static int take_buckets(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const char *const words[] = {
		[BUCKETS_LOG2] = "log2",
		[BUCKETS_LOG2_FLOOR] = "log2-floor",
		[BUCKETS_LOG2_BITS] = "log2-bits",
		[BUCKETS_LINEAR] = "linear",
	};
	static const char expected[] = "log2, log2-floor, log2-bits, linear, or a list of rising "
				       "upper bounds";
	struct histogram_config *histogram = to;

	if (json_object_is_type(value, json_type_array)) {
		histogram->buckets = BUCKETS_BOUNDS;
		return take_rising(json_reader, value, BUCKETS_MAX - 1, -DBL_MAX, DBL_MAX, expected,
				   &histogram->bounds, &histogram->n_bounds);
	}
	if (json_object_is_type(value, json_type_string))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (!strcasecmp(json_object_get_string(value), words[i])) {
				histogram->buckets = (enum buckets)i;
				return 0;
			}
	return json_reader_wrong(json_reader, expected, value);
}

static int take_width(struct json_reader *json_reader, struct json_object *value, void *to)
{
	int64_t n = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || n < 1 || n > UINT32_MAX)
		return json_reader_wrong(json_reader, "a width from 1 to 4294967295", value);
	*(uint32_t *)to = (uint32_t)n;
	return 0;
}

static int take_slots(struct json_reader *json_reader, struct json_object *value, void *to)
{
	int64_t n = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || n < 2 || n > BUCKETS_MAX)
		return json_reader_wrong(json_reader, "a number of slots from 2 to 1024", value);
	*(uint32_t *)to = (uint32_t)n;
	return 0;
}

static int take_histogram(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "buckets", take_buckets, 0, false },
		{ "width", take_width, offsetof(struct histogram_config, width), false },
		{ "slots", take_slots, offsetof(struct histogram_config, slots), false },
		{ "bucket-field", take_name, offsetof(struct histogram_config, bucket_field),
		  false },
		{ "sum-field", take_name, offsetof(struct histogram_config, sum_field), false },
		{},
	};
	struct metric_config *metric = to;
	struct histogram_config *histogram = &metric->histogram;
	int r = json_reader_object(json_reader, value, keys, histogram);

	metric->has_histogram = true;
	if (r == 0 && histogram->width && histogram->buckets != BUCKETS_LINEAR)
		return error_set(json_reader->err, -EINVAL,
				 "%s: \"width\" is for \"linear\" buckets",
				 text_str(&json_reader->where));
	if (r == 0 && histogram->slots && histogram->buckets == BUCKETS_BOUNDS)
		return error_set(json_reader->err, -EINVAL,
				 "%s: a list of bounds says how many slots there are: no "
				 "\"slots\" beside it",
				 text_str(&json_reader->where));
	return r;
}

static int metric_config_take_series(struct json_reader *json_reader, struct json_object *value,
				     void *to)
{
	int64_t n = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || n < 1 || n > SERIES_MAX)
		return json_reader_wrong(json_reader, "a number of series from 1 to 10000000",
					 value);
	*(uint32_t *)to = (uint32_t)n;
	return 0;
}

static int take_per_cpu(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const char *const words[] = {
		[PER_CPU_SUM] = "sum",
		[PER_CPU_MAX] = "max",
		[PER_CPU_MIN] = "min",
		[PER_CPU_LIST] = "list",
	};

	if (json_object_is_type(value, json_type_string))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (!strcasecmp(json_object_get_string(value), words[i])) {
				*(enum per_cpu *)to = (enum per_cpu)i;
				return 0;
			}
	return json_reader_wrong(json_reader, "sum, max, min or list", value);
}

static int take_metadata(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "help", take_help, offsetof(struct metric_config, help), false },
		{ "type", take_metric_type, offsetof(struct metric_config, type), true },
		{ "labels", take_labels, 0, false },
		{ "value", take_name, offsetof(struct metric_config, value), false },
		{ "unit", take_unit, offsetof(struct metric_config, unit), false },
		{ "scale", take_scale, offsetof(struct metric_config, scale), false },
		{ "histogram", take_histogram, 0, false },
		{ "quantiles", take_quantiles, 0, false },
		{},
	};
	struct metric_config *metric = to;
	int r;

	metric->exported = true;
	r = json_reader_object(json_reader, value, keys, to);
	if (r == 0 && metric->has_histogram && metric->type != METRIC_HISTOGRAM &&
	    metric->type != METRIC_SUMMARY)
		return error_set(json_reader->err, -EINVAL,
				 "%s: \"histogram\" and \"quantiles\" are for the types histogram "
				 "and summary, found \"%s\"",
				 text_str(&json_reader->where), metric_type_name(metric->type));
	return r;
}

static int take_extraction_options(struct json_reader *json_reader, struct json_object *value,
				   void *to)
{
	static const struct key keys[] = {
		{ "empty-on-read", take_bool, offsetof(struct metric_config, empty_on_read),
		  false },
		{ "swap-on-read", take_bool, offsetof(struct metric_config, swap_on_read), false },
		{},
	};

	return json_reader_object(json_reader, value, keys, to);
}

int take_metric_config(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "name", take_name, offsetof(struct metric_config, name), true },
		{ "map-name", take_name, offsetof(struct metric_config, map_name), true },
		{ "extraction-options", take_extraction_options, 0, false },
		{ "open-metrics-metadata", take_metadata, 0, false },
		{ "max-series", metric_config_take_series,
		  offsetof(struct metric_config, max_series), false },
		{ "top-by", take_name, offsetof(struct metric_config, top_by), false },
		{ "per-cpu", take_per_cpu, offsetof(struct metric_config, per_cpu), false },
		{},
	};
	struct metric_config *metric = to;

	metric->type = METRIC_UNTYPED;
	return json_reader_object(json_reader, value, keys, metric);
}

static void label_config_release(struct label_config *label)
{
	free(label->name);
	free(label->value);
	free(label->field);
	free(label->format);
	for (size_t i = 0; i < label->n_texts; i++) {
		free(label->texts[i].from);
		free(label->texts[i].to);
	}
	free(label->texts);
}

void metric_config_release(struct metric_config *metric)
{
	free(metric->name);
	free(metric->map_name);
	free(metric->help);
	for (size_t i = 0; i < metric->n_labels; i++)
		label_config_release(&metric->labels[i]);
	free(metric->labels);
	free(metric->value);
	free(metric->unit);
	free(metric->top_by);
	free(metric->histogram.bounds);
	free(metric->histogram.bucket_field);
	free(metric->histogram.sum_field);
	free(metric->quantiles);
}
