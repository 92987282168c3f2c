/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/series.h"
#include "metric/histogram.h"
#include "metric/label.h"

#include <errno.h>

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

/* A histogram is one family. */
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
	metric->n_numbers = metric_histograms(metric) * histogram_n_numbers(histogram);
	metric->rank = histogram->n_buckets; /* the count */
	return add_family(metric, "", err);
}

static int plan_families(struct metric *metric, struct error *err)
{
	const struct metric_config *config = metric->config;
	const struct field *field = metric->value_fields;
	/* The value is a number or an array of numbers, not a struct. */
	bool plain = metric->n_value_fields == 1 && field->numbers &&
		     (plan_is_number(&metric->value) || plan_n_integers(&metric->value));
	int r = 0;

	metric->families = calloc(metric->n_value_fields + 1, sizeof(*metric->families));
	if (!metric->families)
		return error_oom(err);
	if (config->value) {
		r = metric_find_field(metric, "value", config->value, true, &field, err);
		if (r == 0)
			r = add_field_family(metric, field, "", err);
	} else if (plain) {
		r = add_field_family(metric, field, "", err);
	} else {
		for (size_t i = 0; r == 0 && i < metric->n_value_fields; i++) {
			field = &metric->value_fields[i];
			/* Numbers with a format, such as ports, are no samples. */
			if (field->numbers && field->format == FORMAT_AUTO && !field->padding &&
			    !labels_include(metric, field))
				r = add_field_family(metric, field, field->name, err);
		}
	}
	metric->n_numbers = metric->n_columns;
	return r;
}

/* Determines the numbers that rank series: those of "top-by", or of the first family. */
static int plan_rank(struct metric *metric, struct error *err)
{
	const struct histogram *histogram = &metric->histogram;
	const struct field *field;
	int r;

	if (!metric->n_families)
		return 0;
	if (!metric->config->top_by) {
		metric->rank_numbers = metric->families->numbers;
		return 0;
	}
	r = metric_find_field(metric, "top-by", metric->config->top_by, true, &field, err);
	for (size_t i = 0; r == 0 && i < metric->n_columns; i++)
		if (metric->columns[i].field == field) {
			bool one = histogram_is_one(histogram);

			metric->rank = one ? histogram_rank(histogram, field) : i;
			metric->rank_numbers = one ? 1 : field->numbers;
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
		r = labels_plan(metric, err);
	if (r == 0)
		r = histogram_is_one(&metric->histogram) ? plan_histogram(metric, err)
							 : plan_families(metric, err);
	return r == 0 ? plan_rank(metric, err) : r;
}

void series_omitted(const struct metric *metric, struct text *out)
{
	if (metric->config->value || histogram_is_one(&metric->histogram))
		return;
	for (size_t i = 0; i < metric->n_value_fields; i++) {
		const struct field *field = &metric->value_fields[i];

		if (field->omitted && !field->padding && !labels_include(metric, field))
			fields_names(field, 1, "value", out);
	}
}

void series_release(struct metric *metric)
{
	labels_release(metric);
	for (size_t i = 0; i < metric->n_families; i++)
		free(metric->families[i].name);
	free(metric->families);
	free(metric->columns);
	histogram_release(&metric->histogram);
}
