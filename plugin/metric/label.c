/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/label.h"

#include <errno.h>

static bool has_label(const struct metric *metric, const char *name)
{
	for (size_t i = 0; i < metric->n_labels; i++)
		if (!strcmp(metric->labels[i].name, name))
			return true;
	return false;
}

/*
 * Adds a label with a unique name: a_b may be a field, and also field b of struct a. Encoders make
 * the names of constant labels unique.
 */
static int labels_append(struct metric *metric, struct label label, const char *name,
			 struct error *err)
{
	label.name = strdup(name);
	for (size_t n = 2; label.name && has_label(metric, label.name); n++) {
		free(label.name);
		if (asprintf(&label.name, "%s_%zu", name, n) < 0)
			label.name = NULL;
	}
	if (!label.name)
		return error_oom(err);
	metric->labels[metric->n_labels++] = label;
	return 0;
}

/* Returns the format that the document names, FORMAT_AUTO if it names none, or -EINVAL. */
static int format_of(const struct label_config *config, struct error *err)
{
	int format = config->format ? format_from_name(config->format) : FORMAT_AUTO;

	if (format < 0)
		return error_set(err, -EINVAL,
				 "label \"%s\": format: expected one of %s, found \"%.60s\"",
				 config->name, format_names(), config->format);
	return format;
}

static int label_format(const struct label_config *config, const struct field *field,
			enum format *ret, struct error *err)
{
	int format = format_of(config, err);
	const char *name;

	if (format < 0)
		return format;
	if (!config->format)
		format = config->n_texts ? FORMAT_MAP : (int)field->format;
	name = format_to_name((enum format)format);
	if (field->repeated && format != FORMAT_AUTO && format != FORMAT_MAP)
		return error_set(
			err, -EINVAL,
			"label \"%s\": format \"%s\" requires a single field, but \"%s\" is "
			"in an array of structs",
			config->name, name, config->field);
	if (plan_is_bits(&field->plan) && !format_fits_integer((enum format)format))
		return error_set(
			err, -EINVAL,
			"label \"%s\": format \"%s\" does not support the bit field \"%s\"",
			config->name, name, config->field);
	if (!plan_is_bits(&field->plan) && !format_fits((enum format)format, field->plan.size))
		return error_set(err, -EINVAL,
				 "label \"%s\": format \"%s\" requires %s, but field \"%s\" has %u",
				 config->name, name, format_sizes((enum format)format),
				 config->field, field->plan.size);
	if (format == FORMAT_MAP && !config->n_texts)
		return error_set(
			err, -EINVAL,
			"label \"%s\": format \"map\" requires \"values\", an object of texts",
			config->name);
	/* The document's texts replace what the field's own format yields. */
	*ret = format == FORMAT_MAP ? field->format : (enum format)format;
	return 0;
}

/* Determines the format of an array index, or of the number of a CPU. */
static int number_format(const struct label_config *config, bool cpu, enum format *ret,
			 struct error *err)
{
	int format = format_of(config, err);

	if (format < 0)
		return format;
	if (format == FORMAT_MAP)
		format = FORMAT_AUTO;
	if (format != FORMAT_AUTO &&
	    (cpu || format == FORMAT_ENUM || !format_fits((enum format)format, sizeof(uint32_t))))
		return error_set(err, -EINVAL,
				 "label \"%s\": format \"%s\" does not support \"%s\"",
				 config->name, config->format, config->field);
	*ret = (enum format)format;
	return 0;
}

/* Compiles the regular expressions of the last label. */
static int compile_patterns(struct metric *metric, const struct label_config *config,
			    struct error *err)
{
	struct label *label = &metric->labels[metric->n_labels - 1];

	if (!config->n_patterns)
		return 0;
	if (label->from != LABEL_KEY && label->from != LABEL_INDEX)
		return error_set(err, -EINVAL,
				 "label \"%s\": \"regexp\" requires a field of the key, but \"%s\" "
				 "is none",
				 config->name, config->field);
	label->patterns = calloc(config->n_patterns, sizeof(*label->patterns));
	if (!label->patterns)
		return error_oom(err);
	for (; label->n_patterns < config->n_patterns; label->n_patterns++) {
		const char *pattern = config->patterns[label->n_patterns];
		regex_t *to = &label->patterns[label->n_patterns];
		int r = regcomp(to, pattern, REG_EXTENDED);
		char reason[128];

		if (r != 0) {
			regerror(r, to, reason, sizeof(reason));
			return error_set(err, -EINVAL, "label \"%s\": regexp \"%.100s\": %s",
					 config->name, pattern, reason);
		}
	}
	metric->merges = true;
	return 0;
}

/* Returns the document's label for a field, NULL if there is none. */
static const struct label_config *config_of(const struct metric *metric, const struct field *field)
{
	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const struct label_config *config = &metric->config->labels[i];

		if (config->field && (metric_key_field(metric, config->field) == field ||
				      metric_value_field(metric, config->field) == field))
			return config;
	}
	return NULL;
}

/* Returns true if a text of the document may stand for two values. */
static bool texts_repeat(const struct label_config *config)
{
	for (size_t i = 0; i < config->n_texts; i++)
		if (!strcmp(config->texts[i].from, "*"))
			return true;
	for (size_t i = 0; i < config->n_texts; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(config->texts[i].to, config->texts[j].to))
				return true;
	return false;
}

/* Returns true if the label's values are shown as numbers. The index has no field and is. */
static bool is_shown_as_number(const struct label *label)
{
	enum plan_kind kind = label->field ? label->field->plan.ops->kind : PLAN_UNSIGNED;

	switch (label->format) {
	case FORMAT_PORT:
	case FORMAT_BE16:
	case FORMAT_BE32:
	case FORMAT_UINT:
		return true;
	case FORMAT_AUTO:
		return !label->field || (plan_is_number(&label->field->plan) && kind != PLAN_BOOL &&
					 kind != PLAN_FLOAT);
	default:
		return false;
	}
}

/* Returns true if a text of the document may stand for two values, or equal another value. */
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

/* Returns true if two values of the field may have the same text. */
static bool label_is_vague(const struct label *label)
{
	switch (label->format) {
	case FORMAT_STRING: /* ends at the first NUL */
	case FORMAT_ERRNO:  /* ignores the sign */
	case FORMAT_DNAME:
	case FORMAT_KSYM: /* same name for all addresses in a function */
	case FORMAT_KSTACK:
		return true;
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
	if (from == LABEL_KEY && label_is_vague(&label))
		metric->merges = true;
	if (r == 0)
		r = labels_append(metric, label, config ? config->name : field->name, err);
	return r == 0 && config ? compile_patterns(metric, config, err) : r;
}

/* Adds the label of the index or the CPU. */
static int add_other_label(struct metric *metric, enum label_from from, const char *name,
			   struct error *err)
{
	struct label label = { .from = from };

	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const struct label_config *config = &metric->config->labels[i];
		int r;

		if (!config->field || strcmp(config->field, name) != 0)
			continue;
		label.config = config->n_texts ? config : NULL;
		r = number_format(config, from == LABEL_CPU, &label.format, err);
		if (r < 0)
			return r;
		if (from == LABEL_INDEX && label_is_vague(&label))
			metric->merges = true;
		if (label.config && from == LABEL_CPU && texts_repeat(config))
			return error_set(err, -EINVAL,
					 "label \"%s\": \"values\" may have the same text for two "
					 "CPUs, but each CPU is a series",
					 config->name);
		r = labels_append(metric, label, config->name, err);
		return r == 0 ? compile_patterns(metric, config, err) : r;
	}
	return labels_append(metric, label, name, err);
}

/*
 * Checks that the fields the document names exist. Rejects the slot of a histogram, which becomes
 * the label "le", and fields of the value that differ within a series.
 */
static int labels_check(const struct metric *metric, struct error *err)
{
	const struct histogram *histogram = &metric->histogram;

	for (size_t i = 0; i < metric->config->n_labels; i++) {
		const char *path = metric->config->labels[i].field;
		const struct field *key, *value;
		bool index;

		if (!path)
			continue;
		key = metric_key_field(metric, path);
		value = metric_value_field(metric, path);
		index = metric_has_index(metric) && !strcmp(path, "index");
		if ((histogram->in == SLOTS_IN_INDEX && index) ||
		    (histogram->in == SLOTS_IN_KEY && key == histogram->field))
			return error_set(err, -EINVAL,
					 "labels: remove \"%s\": it is the slot of the histogram",
					 path);
		if (histogram_has_groups(histogram) && value)
			return error_set(
				err, -EINVAL,
				"labels: remove \"%s\": it differs between the slots of one "
				"histogram",
				path);
		if (!key && !value && !index &&
		    !(metric_lists_cpus(metric) && !strcmp(path, "cpu")))
			return metric_no_such_field(metric, "labels", path, err);
	}
	return 0;
}

int labels_plan(struct metric *metric, struct error *err)
{
	int r = labels_check(metric, err);

	metric->labels =
		calloc(metric->n_key_fields + metric->n_value_fields + 2, sizeof(*metric->labels));
	if (r == 0 && !metric->labels)
		r = error_oom(err);
	for (size_t i = 0; r == 0 && i < metric->n_key_fields; i++) {
		const struct field *field = &metric->key_fields[i];

		if (field->padding && !config_of(metric, field))
			metric->merges = true; /* padding may differ */
		else if (field != metric->histogram.field)
			r = add_field_label(metric, LABEL_KEY, field, err);
	}
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

void labels_release(struct metric *metric)
{
	for (size_t i = 0; i < metric->n_labels; i++) {
		struct label *label = &metric->labels[i];

		for (size_t j = 0; j < label->n_patterns; j++)
			regfree(&label->patterns[j]);
		free(label->patterns);
		free(label->name);
	}
	free(metric->labels);
}

bool labels_include(const struct metric *metric, const struct field *field)
{
	for (size_t i = 0; i < metric->n_labels; i++)
		if (metric->labels[i].field == field)
			return true;
	return false;
}

/* Replaces the text from start on by the document's text for it, if there is one. */
static void replace_text(const struct label_config *config, size_t start, struct text *out)
{
	size_t end = out->len, len = end - start;
	const char *to = NULL, *other = NULL;

	for (size_t i = 0; !to && i < config->n_texts; i++) {
		const struct label_text *text = &config->texts[i];

		if (strlen(text->from) == len && !memcmp(text->from, out->data + start, len))
			to = text->to;
		else if (!strcmp(text->from, "*"))
			other = text->to;
	}
	if (to)
		text_adds(out, to);
	for (const char *c = other; !to && c && *c; c++) {
		char *room = text_reserve(out, len);

		if (*c != '*') {
			text_addc(out, *c);
		} else if (room) {
			memcpy(room, out->data + start, len);
			out->len += len;
		}
	}
	if (to || other) {
		memmove(out->data + start, out->data + end, out->len - end);
		out->len -= len;
	}
}

/*
 * Replaces the text from start on by the part that the first matching pattern matches: its first
 * group, or all of the match if it has no group. Returns false if no pattern matches.
 */
static bool match_patterns(const struct label *label, size_t start, struct text *out)
{
	const char *text = text_str(out) + start;

	for (size_t i = 0; i < label->n_patterns; i++) {
		regmatch_t matches[2];
		const regmatch_t *match = &matches[label->patterns[i].re_nsub > 0];

		if (regexec(&label->patterns[i], text, ARRAY_SIZE(matches), matches, 0) != 0)
			continue;
		/* A group that takes no part in the match is empty. */
		out->len = start;
		if (match->rm_so >= 0) {
			memmove(out->data + start, text + match->rm_so,
				(size_t)(match->rm_eo - match->rm_so));
			out->len += (size_t)(match->rm_eo - match->rm_so);
		}
		return true;
	}
	return !label->n_patterns;
}

/*
 * Returns the value to read a label from. Of a per-CPU map that is the given CPU's value if the
 * metric lists CPUs, or else the first value in which the field is not zero.
 */
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

bool label_text(const struct label *label, const char *key, const char *value, unsigned int cpu,
		struct text *out)
{
	size_t start = out->len;
	uint32_t index;

	switch (label->from) {
	case LABEL_INDEX:
		memcpy(&index, key, sizeof(index));
		if (!format_text(label->format, (const char *)&index, sizeof(index), out))
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
	return match_patterns(label, start, out);
}
