/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/metric_config.h"
#include "base/array.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char *const metric_type_names[] = {
	[METRIC_COUNTER] = "counter",	  [METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram", [METRIC_SUMMARY] = "summary",
	[METRIC_UNTYPED] = "untyped",	  NULL,
};

static const char *const per_cpu_names[] = {
	[PER_CPU_SUM] = "sum",
	[PER_CPU_MAX] = "max",
	[PER_CPU_MIN] = "min",
	[PER_CPU_LIST] = "list",
	NULL,
};

static const char *const bucket_names[] = {
	[BUCKETS_LOG2] = "log2",
	[BUCKETS_LOG2_FLOOR] = "log2-floor",
	[BUCKETS_LOG2_BITS] = "log2-bits",
	[BUCKETS_EXP2] = "exp2",
	[BUCKETS_EXP2_ZERO] = "exp2-zero",
	[BUCKETS_LINEAR] = "linear",
	NULL,
};

const char *metric_type_name(enum metric_type type)
{
	return metric_type_names[type];
}

/* A name [a-zA-Z_][a-zA-Z0-9_]*. Prometheus reserves names that start with "__". */
static int parse_label_name(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = json_parse_string(reader, value, to);
	const char *name = *(char **)to;

	if (r == 0 && (!*name || isdigit((unsigned char)*name) || !strncmp(name, "__", 2) ||
		       name[strspn(name, NAME_CHARACTERS)]))
		return json_reader_wrong(
			reader, "a label name ([a-zA-Z_][a-zA-Z0-9_]*, not starting with __)",
			value);
	return r;
}

/* Parses replacement texts: {"0": "none", "1": "some"}. */
static int parse_texts(struct json_reader *reader, struct json_object *value, void *to)
{
	struct label_config *label = to;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(reader, "an object of texts", value);
	if ((size_t)json_object_object_length(value) > LABEL_TEXTS_MAX)
		return error_set(reader->err, -E2BIG, "%s: at most %d texts are possible",
				 text_str(&reader->where), LABEL_TEXTS_MAX);
	json_object_object_foreach(value, from, text) {
		struct label_text *entry = array_append(label->texts, label->n_texts);
		int r = entry ? json_parse_string(reader, text, &entry->to)
			      : error_oom(reader->err);

		if (r < 0)
			return r;
		entry->from = strdup(from);
		if (!entry->from)
			return error_oom(reader->err);
	}
	return 0;
}

/*
 * Parses a regular expression. Intervals and references to groups are rejected, because the memory
 * or time that they take has no limit.
 */
static int parse_pattern(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = json_parse_name(reader, value, to);

	for (const char *c = r == 0 ? *(char **)to : ""; *c; c++) {
		if (*c == '{' || (*c == '\\' && isdigit((unsigned char)c[1])))
			return json_reader_wrong(reader, "a regular expression without {} and \\1",
						 value);
		c += *c == '\\' && c[1];
	}
	return r;
}

/* Parses one regular expression or a list. */
static int parse_patterns(struct json_reader *reader, struct json_object *value, void *to)
{
	struct label_config *label = (void *)((char *)to - offsetof(struct label_config, patterns));

	if (json_object_is_type(value, json_type_array) && json_object_array_length(value))
		return json_parse_list(reader, value, to);
	if (!json_object_is_type(value, json_type_string))
		return json_reader_wrong(reader, "a regular expression or a list of them", value);
	label->patterns = calloc(1, sizeof(*label->patterns));
	if (!label->patterns)
		return error_oom(reader->err);
	label->n_patterns = 1;
	return parse_pattern(reader, value, label->patterns);
}

static const struct json_key label_keys[] = {
	{ "name", parse_label_name, offsetof(struct label_config, name), true },
	{ "value", json_parse_string, offsetof(struct label_config, value),
	  .bytes = LABEL_MAX_BYTES },
	{ "field", json_parse_name, offsetof(struct label_config, field) },
	{ "format", json_parse_name, offsetof(struct label_config, format) },
	{ "values", parse_texts, .bytes = LABEL_MAX_BYTES },
	{ "regexp", parse_patterns, offsetof(struct label_config, patterns),
	  .count = offsetof(struct label_config, n_patterns), .max = PATTERNS_MAX,
	  .size = sizeof(char *), .element = parse_pattern },
	{},
};

static int parse_label(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct label_config *label = to;
	int r = json_reader_object(reader, value, label_keys, to);

	if (r == 0 && !label->value == !label->field)
		return error_set(reader->err, -EINVAL,
				 "%s: expected either \"value\", a constant, or \"field\"",
				 text_str(&reader->where));
	if (r == 0 && label->value &&
	    (label->format || label->n_patterns || json_object_object_get(value, "values")))
		return error_set(reader->err, -EINVAL,
				 "%s: a constant has no \"format\", \"values\" and \"regexp\"",
				 text_str(&reader->where));
	return r;
}

/* A unit is part of the name of a metric and may have only the characters of such a name. */
static int parse_unit(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = json_parse_name(reader, value, to);
	const char *unit = *(char **)to;

	if (r == 0 && unit[strspn(unit, NAME_CHARACTERS)])
		return json_reader_wrong(reader, "a unit such as seconds or bytes ([a-zA-Z0-9_]+)",
					 value);
	return r;
}

static bool is_numeric(struct json_object *value)
{
	return json_object_is_type(value, json_type_double) ||
	       json_object_is_type(value, json_type_int);
}

static int parse_scale(struct json_reader *reader, struct json_object *value, void *to)
{
	double scale = json_object_get_double(value);

	if (!is_numeric(value) || !isfinite(scale) || scale <= 0)
		return json_reader_wrong(reader, "a factor above 0", value);
	*(double *)to = scale;
	return 0;
}

/* Parses a list of strictly increasing numbers between least and most, inclusive. */
static int parse_increasing(struct json_reader *reader, struct json_object *value, double least,
			    double most, double **items, size_t *n)
{
	const struct json_key *key = reader->key;
	bool list = json_object_is_type(value, json_type_array);
	size_t len = list ? json_object_array_length(value) : 0;

	if (len > key->max)
		return error_set(reader->err, -EFBIG, "%s: %zu elements, at most %u are possible",
				 text_str(&reader->where), len, key->max);
	if (!len)
		return json_reader_wrong(reader, key->expected, value);
	*items = calloc(len, sizeof(**items));
	if (!*items)
		return error_oom(reader->err);
	for (; *n < len; ++*n) {
		struct json_object *item = json_object_array_get_idx(value, *n);
		double number = json_object_get_double(item);

		if (!is_numeric(item) || !(number >= least && number <= most) ||
		    (*n && number <= (*items)[*n - 1]))
			return json_reader_wrong(reader, key->expected, value);
		(*items)[*n] = number;
	}
	return 0;
}

static int parse_quantiles(struct json_reader *reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;

	metric->has_histogram = true;
	return parse_increasing(reader, value, 0, 1, &metric->quantiles, &metric->n_quantiles);
}

/* Parses the name of a scheme or a list of upper bounds. */
static int parse_buckets(struct json_reader *reader, struct json_object *value, void *to)
{
	struct histogram_config *histogram = to;

	if (!json_object_is_type(value, json_type_array))
		return json_parse_enum(reader, value, &histogram->buckets);
	histogram->buckets = BUCKETS_BOUNDS;
	return parse_increasing(reader, value, -DBL_MAX, DBL_MAX, &histogram->bounds,
				&histogram->n_bounds);
}

static const struct json_key histogram_keys[] = {
	{ "buckets", parse_buckets, .names = bucket_names, .max = BUCKETS_MAX - 1,
	  .expected = "log2, log2-floor, log2-bits, exp2, exp2-zero, linear, or a list "
		      "of rising upper bounds" },
	{ "width", json_parse_u32, offsetof(struct histogram_config, width), .min = 1,
	  .max = UINT32_MAX, .expected = "a width from 1 to 4294967295" },
	{ "slots", json_parse_u32, offsetof(struct histogram_config, slots), .min = 2,
	  .max = BUCKETS_MAX, .expected = "a number of slots from 2 to 1024" },
	{ "bucket-field", json_parse_name, offsetof(struct histogram_config, bucket_field) },
	{ "sum-field", json_parse_name, offsetof(struct histogram_config, sum_field) },
	{ "sum-slot", json_parse_bool, offsetof(struct histogram_config, sum_slot) },
	{},
};

static int parse_histogram(struct json_reader *reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;
	struct histogram_config *histogram = &metric->histogram;
	int r = json_reader_object(reader, value, histogram_keys, histogram);

	metric->has_histogram = true;
	if (r == 0 && histogram->width && histogram->buckets != BUCKETS_LINEAR)
		return error_set(reader->err, -EINVAL,
				 "%s: \"width\" requires \"buckets\": \"linear\"",
				 text_str(&reader->where));
	if (r == 0 && histogram->sum_slot && histogram->sum_field)
		return error_set(
			reader->err, -EINVAL,
			"%s: remove \"sum-field\" or \"sum-slot\": a histogram has one sum",
			text_str(&reader->where));
	if (r == 0 && histogram->slots && histogram->buckets == BUCKETS_BOUNDS)
		return error_set(reader->err, -EINVAL,
				 "%s: remove \"slots\": the list of bounds determines the number "
				 "of slots",
				 text_str(&reader->where));
	return r;
}

static const struct json_key metadata_keys[] = {
	{ "help", json_parse_string, offsetof(struct metric_config, help),
	  .bytes = HELP_MAX_BYTES },
	{ "type", json_parse_enum, offsetof(struct metric_config, type), true,
	  .names = metric_type_names, .expected = "counter, gauge, histogram, summary or untyped" },
	{ "labels", json_parse_list, offsetof(struct metric_config, labels),
	  .count = offsetof(struct metric_config, n_labels), .max = LABELS_MAX,
	  .size = sizeof(struct label_config), .element = parse_label, .keys = label_keys,
	  .unique = true },
	{ "value", json_parse_name, offsetof(struct metric_config, value) },
	{ "unit", parse_unit, offsetof(struct metric_config, unit) },
	{ "scale", parse_scale, offsetof(struct metric_config, scale) },
	{ "histogram", parse_histogram, .keys = histogram_keys },
	{ "quantiles", parse_quantiles, .max = QUANTILES_MAX,
	  .expected = "a list of rising numbers from 0 to 1, such as [0.5, 0.9, 0.99]" },
	{},
};

static int parse_metadata(struct json_reader *reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;
	int r = json_reader_object(reader, value, metadata_keys, to);

	metric->exported = true;
	if (r == 0 && metric->has_histogram && metric->type != METRIC_HISTOGRAM &&
	    metric->type != METRIC_SUMMARY)
		return error_set(reader->err, -EINVAL,
				 "%s: \"histogram\" and \"quantiles\" require the type histogram "
				 "or summary, found \"%s\"",
				 text_str(&reader->where), metric_type_name(metric->type));
	return r;
}

static const struct json_key option_keys[] = {
	{ "empty-on-read", json_parse_bool, offsetof(struct metric_config, empty_on_read) },
	{ "swap-on-read", json_parse_bool, offsetof(struct metric_config, swap_on_read) },
	{},
};

const struct json_key metric_config_keys[] = {
	{ "name", json_parse_name, offsetof(struct metric_config, name), true },
	{ "map-name", json_parse_name, offsetof(struct metric_config, map_name), true },
	{ "extraction-options", json_parse_object, .keys = option_keys },
	{ "open-metrics-metadata", parse_metadata, .keys = metadata_keys },
	{ "max-series", json_parse_u32, offsetof(struct metric_config, max_series), .min = 1,
	  .max = SERIES_MAX, .expected = "a number of series from 1 to 10000000" },
	{ "top-by", json_parse_name, offsetof(struct metric_config, top_by) },
	{ "per-cpu", json_parse_enum, offsetof(struct metric_config, per_cpu),
	  .names = per_cpu_names, .expected = "sum, max, min or list" },
	{},
};

int metric_config_parse(struct json_reader *reader, struct json_object *value, void *to)
{
	struct metric_config *metric = to;

	metric->type = METRIC_UNTYPED;
	return json_reader_object(reader, value, metric_config_keys, metric);
}

void metric_config_release(struct metric_config *metric)
{
	free(metric->name);
	free(metric->map_name);
	free(metric->help);
	for (size_t i = 0; i < metric->n_labels; i++) {
		struct label_config *label = &metric->labels[i];

		free(label->name);
		free(label->value);
		free(label->field);
		free(label->format);
		for (size_t j = 0; j < label->n_texts; j++) {
			free(label->texts[j].from);
			free(label->texts[j].to);
		}
		free(label->texts);
		for (size_t j = 0; j < label->n_patterns; j++)
			free(label->patterns[j]);
		free(label->patterns);
	}
	free(metric->labels);
	free(metric->value);
	free(metric->unit);
	free(metric->top_by);
	free(metric->histogram.bounds);
	free(metric->histogram.bucket_field);
	free(metric->histogram.sum_field);
	free(metric->quantiles);
}
