/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/series.h"

#include <errno.h>

#define KEY   "key"
#define VALUE "value"

int series_no_such_field(const struct metric *metric, const char *what, const char *path,
			 struct error *err)
{
	_cleanup_text_ struct text all = {};

	fields_names(metric->key_fields, metric->n_key_fields, KEY, &all);
	if (metric_has_index(metric))
		text_printf(&all, "%sindex", all.len ? ", " : "");
	fields_names(metric->value_fields, metric->n_value_fields, VALUE, &all);
	if (metric_lists_cpus(metric))
		text_adds(&all, ", cpu");
	return error_set(err, -EINVAL, "%s: no field is called \"%s\"; there are %s", what, path,
			 text_str(&all));
}

/* Numbers that stand for something else are labels, if anything. */
static bool is_sample(const struct field *field)
{
	return field->numbers && field->format == FORMAT_AUTO;
}

static bool is_label(const struct metric *metric, const struct field *field)
{
	for (size_t i = 0; i < metric->n_labels; i++)
		if (metric->labels[i].field == field)
			return true;
	return false;
}

/* -- labels -- */

static bool name_is_taken(const struct metric *metric, const char *name)
{
	for (size_t i = 0; i < metric->n_labels; i++)
		if (!strcmp(metric->labels[i].name, name))
			return true;
	return false;
}

/* Names differ: a_b may be both a field and a nested one. Constants are the exporters' to see to.
 */
static int add_label(struct metric *metric, struct label label, const char *name, struct error *err)
{
	char *unique = strdup(name);

	for (size_t n = 2; unique && name_is_taken(metric, unique); n++) {
		free(unique);
		if (asprintf(&unique, "%s_%zu", name, n) < 0)
			unique = NULL;
	}
	if (!unique)
		return error_oom(err);
	label.name = unique;
	metric->labels[metric->n_labels++] = label;
	return 0;
}

static int label_format(const struct label_config *config, const struct field *field,
			enum format *ret, struct error *err)
{
	int format = config->format ? format_from_name(config->format) : FORMAT_AUTO;

	if (format < 0)
		return error_set(err, -EINVAL,
				 "label \"%s\": format: expected one of %s, found \"%.60s\"",
				 config->name, format_names(), config->format);
	if (!config->format)
		format = config->n_texts ? FORMAT_MAP : (int)field->format;
	if (plan_is_bits(&field->plan) && !format_fits_integer((enum format)format))
		return error_set(err, -EINVAL,
				 "label \"%s\": format \"%s\" is not for bit fields, and field "
				 "\"%s\" is one",
				 config->name, format_to_name((enum format)format), config->field);
	if (!plan_is_bits(&field->plan) && !format_fits((enum format)format, field->plan.size))
		return error_set(err, -EINVAL,
				 "label \"%s\": format \"%s\" is for %s, and field \"%s\" has %u",
				 config->name, format_to_name((enum format)format),
				 format_sizes((enum format)format), config->field,
				 field->plan.size);
	if (format == FORMAT_MAP && !config->n_texts)
		return error_set(
			err, -EINVAL,
			"label \"%s\": format \"map\" takes \"values\", an object of texts",
			config->name);
	/* Its texts stand for what the field says by itself. */
	*ret = format == FORMAT_MAP ? field->format : (enum format)format;
	return 0;
}

/* The label that the document makes of a field; NULL: it says nothing of that one. */
static const struct label_config *config_of(const struct metric *metric, const struct field *field)
{
	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const struct label_config *config = &metric->config->labels[i];

		if (config->field && (fields_find(metric->key_fields, metric->n_key_fields, KEY,
						  config->field) == field ||
				      fields_find(metric->value_fields, metric->n_value_fields,
						  VALUE, config->field) == field))
			return config;
	}
	return NULL;
}

static bool texts_repeat(const struct label_config *config)
{
	for (size_t i = 0; i < config->n_texts; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(config->texts[i].to, config->texts[j].to))
				return true;
	return false;
}

/* Whether its values are shown as numbers, as the index is, which has no field. */
static bool is_shown_as_number(const struct label *label)
{
	enum plan_kind kind = label->field ? label->field->plan.ops->kind : PLAN_UNSIGNED;

	switch (label->format) {
	case FORMAT_PORT:
	case FORMAT_BE16:
	case FORMAT_BE32:
		return true;
	case FORMAT_AUTO:
		return !label->field || (plan_is_number(&label->field->plan) && kind != PLAN_BOOL &&
					 kind != PLAN_FLOAT);
	default:
		return false;
	}
}

/* Whether the document's texts may be those of several values, or what another one is shown as. */
static bool texts_meet(const struct label *label)
{
	const struct label_config *config = label->config;

	if (!config)
		return false;
	if (!is_shown_as_number(label) || texts_repeat(config))
		return true;
	for (size_t i = 0; i < config->n_texts; i++)
		if (!config->texts[i].to[strspn(config->texts[i].to, "-0123456789")])
			return true;
	return false;
}

/* Whether two values of the field may have one text. */
static bool is_vague(const struct label *label)
{
	switch (label->format) {
	case FORMAT_STRING: /* up to NUL */
	case FORMAT_ERRNO:  /* negative or not */
	case FORMAT_KSYM:   /* anywhere in the function */
		return true;
	case FORMAT_AUTO:
		return plan_has_strings(&label->field->plan) || texts_meet(label);
	default:
		return texts_meet(label);
	}
}

static int add_field_label(struct metric *metric, enum label_from from, const struct field *field,
			   struct error *err)
{
	const struct label_config *config = config_of(metric, field);
	struct label label = { .from = from, .field = field, .format = field->format };
	int r = 0;

	if (config) {
		label.config = config->n_texts ? config : NULL;
		r = label_format(config, field, &label.format, err);
	}
	if (from == LABEL_VALUE && map_is_percpu(metric->map.type)) {
		label.cpu_stride = map_cpu_stride(&metric->map);
		label.lists_cpus = metric_lists_cpus(metric);
	}
	if (from == LABEL_KEY && is_vague(&label))
		metric->merges = true;
	return r < 0 ? r : add_label(metric, label, config ? config->name : field->name, err);
}

/* The index, or the CPU. */
static int add_other_label(struct metric *metric, enum label_from from, const char *name,
			   struct error *err)
{
	struct label label = { .from = from };

	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const struct label_config *config = &metric->config->labels[i];

		if (!config->field || strcmp(config->field, name) != 0)
			continue;
		label.config = config->n_texts ? config : NULL;
		if (from == LABEL_INDEX && texts_meet(&label))
			metric->merges = true;
		if (label.config && from == LABEL_CPU && texts_repeat(config))
			return error_set(err, -EINVAL,
					 "label \"%s\": two CPUs have one text: each is a series "
					 "of its own",
					 config->name);
		return add_label(metric, label, config->name, err);
	}
	return add_label(metric, label, name, err);
}

/* The slot of a histogram is what "le" says, and what differs within a series is no label. */
static int check_histogram_label(const struct metric *metric, const char *path, struct error *err)
{
	const struct histogram *histogram = &metric->histogram;
	bool slot = histogram->in == SLOTS_IN_INDEX
			    ? !strcmp(path, "index")
			    : histogram->in == SLOTS_IN_KEY &&
				      fields_find(metric->key_fields, metric->n_key_fields, KEY,
						  path) == histogram->field;

	if (slot)
		return error_set(err, -EINVAL,
				 "labels: \"%s\" is the histogram's slot, and no label", path);
	if (histogram_has_groups(histogram) &&
	    fields_find(metric->value_fields, metric->n_value_fields, VALUE, path))
		return error_set(
			err, -EINVAL,
			"labels: \"%s\" differs from slot to slot of one histogram, and is "
			"no label",
			path);
	return 0;
}

/* What a document asks for must be there. */
static int check_labels(const struct metric *metric, struct error *err)
{
	int r;

	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const struct label_config *config = &metric->config->labels[i];
		const char *path = config->field;

		if (!path)
			continue;
		r = check_histogram_label(metric, path, err);
		if (r < 0)
			return r;
		if (fields_find(metric->key_fields, metric->n_key_fields, KEY, path) ||
		    fields_find(metric->value_fields, metric->n_value_fields, VALUE, path) ||
		    (metric_has_index(metric) && !strcmp(path, "index")) ||
		    (metric_lists_cpus(metric) && !strcmp(path, "cpu")))
			continue;
		return series_no_such_field(metric, "labels", path, err);
	}
	return 0;
}

/* All fields of the key, so that no two series are the same, and of the value those asked for. */
static int plan_labels(struct metric *metric, struct error *err)
{
	int r = check_labels(metric, err);

	metric->labels =
		calloc(metric->n_key_fields + metric->n_value_fields + 2, sizeof(*metric->labels));
	if (r == 0 && !metric->labels)
		r = error_oom(err);
	for (size_t i = 0; r == 0 && i < metric->n_key_fields; i++)
		if (&metric->key_fields[i] != metric->histogram.field)
			r = add_field_label(metric, LABEL_KEY, &metric->key_fields[i], err);
	if (r == 0 && metric_has_index(metric) && metric->map.max_entries > 1 &&
	    metric->histogram.in != SLOTS_IN_INDEX)
		r = add_other_label(metric, LABEL_INDEX, "index", err);
	for (size_t i = 0; r == 0 && i < metric->n_value_fields; i++)
		if (config_of(metric, &metric->value_fields[i]))
			r = add_field_label(metric, LABEL_VALUE, &metric->value_fields[i], err);
	if (r == 0 && metric_lists_cpus(metric))
		r = add_other_label(metric, LABEL_CPU, "cpu", err);
	return r;
}

/* -- families -- */

static int add_family(struct metric *metric, const char *name, struct error *err)
{
	struct family *family = &metric->families[metric->n_families];

	family->name = strdup(name);
	if (!family->name)
		return error_oom(err);
	metric->n_families++;
	return 0;
}

static int add_columns(struct metric *metric, const struct field *field, uint32_t n, bool counts,
		       struct error *err)
{
	struct column *columns =
		realloc(metric->columns, (metric->n_columns + n) * sizeof(*metric->columns));

	if (!columns)
		return error_oom(err);
	metric->columns = columns;
	for (uint32_t i = 0; i < n; i++)
		columns[metric->n_columns++] = (struct column){ field, i, counts };
	return 0;
}

static int add_field_family(struct metric *metric, const struct field *field, const char *name,
			    struct error *err)
{
	struct family *family = &metric->families[metric->n_families];

	family->column = metric->n_columns;
	family->numbers = field->numbers;
	if (add_columns(metric, field, field->numbers, metric->config->type == METRIC_COUNTER,
			err) < 0)
		return -ENOMEM;
	return add_family(metric, name, err);
}

/* One family, whatever the number of slots. */
static int plan_histogram(struct metric *metric, struct error *err)
{
	const struct histogram *histogram = &metric->histogram;
	bool array = histogram->in == SLOTS_IN_VALUE;
	int r;

	metric->families = calloc(1, sizeof(*metric->families));
	if (!metric->families)
		return error_oom(err);
	r = add_columns(metric, array ? histogram->field : histogram->count,
			array ? plan_n_integers(&histogram->field->plan) : 1, true, err);
	if (r == 0 && histogram->sum)
		r = add_columns(metric, histogram->sum, 1, false, err);
	if (r < 0)
		return r;
	metric->n_numbers = histogram_n_numbers(histogram);
	metric->rank = histogram->n_buckets; /* how much was measured */
	return add_family(metric, "", err);
}

/* Samples are of the value; of no other field is it said that it does not exist. */
static int not_of_value(const struct metric *metric, const char *what, const char *path,
			struct error *err)
{
	_cleanup_text_ struct text all = {};

	fields_names(metric->value_fields, metric->n_value_fields, VALUE, &all);
	return error_set(err, -EINVAL,
			 "%s: expected a field of the value, found \"%s\"; there are %s", what,
			 path, text_str(&all));
}

static int find_field(const struct metric *metric, const char *what, const char *path,
		      const struct field **ret, struct error *err)
{
	*ret = fields_find(metric->value_fields, metric->n_value_fields, VALUE, path);
	if (!*ret && fields_find(metric->key_fields, metric->n_key_fields, KEY, path))
		return not_of_value(metric, what, path, err);
	return *ret ? 0 : series_no_such_field(metric, what, path, err);
}

static int no_number(const char *what, const char *path, struct error *err)
{
	return error_set(err, -EINVAL, "%s: field \"%s\" is no number", what, path);
}

int series_find_number(const struct metric *metric, const char *what, const char *path,
		       const struct field **ret, struct error *err)
{
	int r = find_field(metric, what, path, ret, err);

	return r == 0 && !plan_is_number(&(*ret)->plan) ? no_number(what, path, err) : r;
}

/* Whether the value is a number, or an array of them, and no struct. */
static bool is_itself(const struct metric *metric)
{
	return metric->n_value_fields == 1 && metric->value_fields->numbers &&
	       (plan_is_number(&metric->value) || plan_n_integers(&metric->value));
}

static int plan_families(struct metric *metric, struct error *err)
{
	const struct metric_config *config = metric->config;
	const struct field *field;
	int r = 0;

	metric->families = calloc(metric->n_value_fields + 1, sizeof(*metric->families));
	if (!metric->families)
		return error_oom(err);
	if (config->value) {
		r = find_field(metric, VALUE, config->value, &field, err);
		if (r == 0 && !field->numbers)
			r = no_number(VALUE, config->value, err);
		if (r == 0)
			r = add_field_family(metric, field, "", err);
	} else if (is_itself(metric)) {
		r = add_field_family(metric, metric->value_fields, "", err);
	} else {
		for (size_t i = 0; r == 0 && i < metric->n_value_fields; i++) {
			field = &metric->value_fields[i];
			if (is_sample(field) && !is_label(metric, field))
				r = add_field_family(metric, field, field->name, err);
		}
	}
	metric->n_numbers = metric->n_columns;
	return r;
}

/* Which family decides what is left out. */
static int plan_rank(struct metric *metric, struct error *err)
{
	const struct field *field;
	int r;

	if (!metric->n_families)
		return 0;
	if (!metric->config->top_by) {
		metric->rank_numbers = metric->families->numbers;
		return 0;
	}
	r = find_field(metric, "top-by", metric->config->top_by, &field, err);
	if (r == 0 && !field->numbers)
		r = no_number("top-by", metric->config->top_by, err);
	for (size_t i = 0; r == 0 && i < metric->n_columns; i++)
		if (metric->columns[i].field == field) {
			metric->rank = histogram_is_one(&metric->histogram)
					       ? histogram_rank(&metric->histogram, field)
					       : i;
			metric->rank_numbers =
				histogram_is_one(&metric->histogram) ? 1 : field->numbers;
			return 0;
		}
	return r < 0 ? r
		     : error_set(err, -EINVAL, "top-by: field \"%s\" is not among the samples",
				 metric->config->top_by);
}

int series_plan(struct metric *metric, struct error *err)
{
	int r = histogram_plan(metric, err);

	if (r == 0)
		r = plan_labels(metric, err);
	if (r == 0)
		r = histogram_is_one(&metric->histogram) ? plan_histogram(metric, err)
							 : plan_families(metric, err);
	return r == 0 ? plan_rank(metric, err) : r;
}

void series_release(struct metric *metric)
{
	for (size_t i = 0; i < metric->n_labels; i++)
		free(metric->labels[i].name);
	free(metric->labels);
	for (size_t i = 0; i < metric->n_families; i++)
		free(metric->families[i].name);
	free(metric->families);
	free(metric->columns);
	histogram_release(&metric->histogram);
}

/* Puts the document's text in the place of what a field says, from start on. */
static void replace_text(const struct label_config *config, size_t start, struct text *out)
{
	size_t len = out->len - start;

	for (size_t i = 0; i < config->n_texts; i++)
		if (strlen(config->texts[i].from) == len &&
		    !memcmp(config->texts[i].from, out->data + start, len)) {
			out->len = start;
			text_adds(out, config->texts[i].to);
			return;
		}
}

/* Where each CPU has a value: that of the CPU, or of the first one that has written the field. */
static const char *own_value(const struct label *label, const char *value, unsigned int cpu)
{
	const struct field *field = label->field;

	if (label->lists_cpus)
		return value + cpu * label->cpu_stride;
	for (unsigned int i = 0; label->cpu_stride && i < map_cpus(); i++) {
		const char *own = value + i * label->cpu_stride;

		for (uint32_t byte = 0; byte < field->plan.size; byte++)
			if (own[field->offset + byte])
				return own;
	}
	return value;
}

void label_text(const struct label *label, const char *key, const char *value, unsigned int cpu,
		struct text *out)
{
	size_t start = out->len;
	uint32_t index;

	switch (label->from) {
	case LABEL_INDEX:
		memcpy(&index, key, sizeof(index));
		text_u64(out, index);
		break;
	case LABEL_CPU:
		text_u64(out, cpu);
		break;
	case LABEL_KEY:
		field_text(label->field, label->format, key, out);
		break;
	case LABEL_VALUE:
		field_text(label->field, label->format, own_value(label, value, cpu), out);
		break;
	}
	if (label->config)
		replace_text(label->config, start, out);
}
