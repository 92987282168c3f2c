/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/text_encoder.h"
#include "metric/histogram.h"
#include "metric/label.h"

struct text_encoder {
	struct encoder encoder;
	bool openmetrics;    /* otherwise Prometheus */
	struct text scratch; /* a label value before it is escaped */
	struct text labels;  /* of the current series of a histogram */
};

static struct encoder *text_encoder_new(const struct encoding *encoding)
{
	struct text_encoder *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->encoder.encoding = encoding;
	text->openmetrics = encoding == &encoding_openmetrics;
	return &text->encoder;
}

static void text_encoder_free(struct encoder *encoder)
{
	struct text_encoder *text = (struct text_encoder *)encoder;

	text_release(&text->scratch);
	text_release(&text->labels);
	free(text);
}

static void text_family(struct encoder *encoder, const char *name, enum metric_type type,
			const char *unit, const char *help, struct text *out)
{
	static const char *const types[][2] = {
		[METRIC_COUNTER] = { "counter", "counter" },
		[METRIC_GAUGE] = { "gauge", "gauge" },
		[METRIC_HISTOGRAM] = { "histogram", "histogram" },
		[METRIC_SUMMARY] = { "summary", "summary" },
		[METRIC_UNTYPED] = { "untyped", "unknown" },
	};
	bool openmetrics = ((struct text_encoder *)encoder)->openmetrics;
	int len = (int)strlen(name);

	if (openmetrics && type == METRIC_COUNTER)
		len -= (int)strlen("_total");
	text_printf(out, "# HELP %.*s ", len, name);
	exposition_help(out, help, openmetrics);
	text_printf(out, "\n# TYPE %.*s %s\n", len, name, types[type][openmetrics]);
	if (unit && openmetrics)
		text_printf(out, "# UNIT %.*s %s\n", len, name, unit);
}

static void text_number(struct text *out, struct number number)
{
	number_text(number, out);
	text_addc(out, '\n');
}

static void text_sample(struct encoder *encoder, const char *name, const struct value_label *labels,
			size_t n_labels, struct number number, struct text *out)
{
	(void)encoder;
	text_adds(out, name);
	for (size_t i = 0; i < n_labels; i++) {
		text_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		exposition_label_value(out, labels[i].value, strlen(labels[i].value));
		text_addc(out, '"');
	}
	text_adds(out, n_labels ? "} " : " ");
	text_number(out, number);
}

/* Appends the labels of a series, without the closing brace. */
static void text_labels(struct text_encoder *text, const struct source_series *series,
			struct text *out)
{
	const struct source *source = series->source;
	const struct metric *metric = source->metric;

	text_addc(out, '{');
	text_add(out, source->labels.data, source->labels.len);
	for (size_t i = 0; i < metric->n_labels; i++) {
		text_adds(out, source->label_heads[i]);
		text_clear(&text->scratch);
		label_text(&metric->labels[i], series->key, series->value, series->cpu,
			   &text->scratch);
		exposition_label_value(out, text->scratch.data, text->scratch.len);
		text_addc(out, '"');
	}
	if (text_status(&text->scratch) < 0) /* a truncated label would identify another series */
		out->failed = true;
}

static void text_series(struct encoder *encoder, const struct source_series *series,
			struct number number, struct text *out)
{
	const struct source *source = series->source;

	text_adds(out, source->name);
	text_labels((struct text_encoder *)encoder, series, out);
	if (source_family(source)->numbers > 1) {
		text_adds(out, source->label_heads[source->metric->n_labels]);
		text_u64(out, series->element);
		text_addc(out, '"');
	}
	text_add(out, "} ", 2);
	text_number(out, number);
}

/* Appends "name_suffix{labels} number". tail closes the labels: "} " or one with a bound. */
static void text_part(const struct text_encoder *text, const struct source *source,
		      const char *suffix, const char *tail, struct number number, struct text *out)
{
	text_adds(out, source->name);
	text_adds(out, suffix);
	text_add(out, text->labels.data, text->labels.len);
	text_adds(out, tail);
	text_number(out, number);
}

/*
 * Returns true if a series has a sum. A parser would reject the whole exposition because of a
 * negative sum or NaN. With negative bounds the sum of a histogram may decrease.
 */
static bool has_sum(const struct source *source, const struct number *numbers)
{
	const struct histogram *histogram = &source->metric->histogram;
	struct number sum;

	if (!histogram_has_sum(histogram) ||
	    (source->type == METRIC_HISTOGRAM && histogram->bounds[0] < 0))
		return false;
	sum = histogram_sum(histogram, numbers);
	return sum.kind == NUMBER_UNSIGNED || number_double(sum) >= 0;
}

/* Appends all samples of a series: cumulative buckets or quantiles, count and sum. */
static void text_histogram(struct encoder *encoder, const struct source_series *series,
			   const struct number *numbers, struct text *out)
{
	struct text_encoder *text = (struct text_encoder *)encoder;
	const struct source *source = series->source;
	const struct histogram *histogram = &source->metric->histogram;
	bool summary = source->type == METRIC_SUMMARY, sum = has_sum(source, numbers);
	struct number below = { NUMBER_UNSIGNED, .u = 0 };

	text_clear(&text->labels);
	text_labels(text, series, &text->labels);
	if (text_status(&text->labels) < 0)
		out->failed = true;
	for (size_t n = 0; n < source->n_tails; n++) {
		struct number quantile = { NUMBER_FLOAT };

		if (summary)
			quantile.f =
				histogram_quantile(histogram, numbers, histogram->quantiles[n]);
		else
			below = number_add(below, numbers[n]);
		if (quantile.f < 0) /* rejected by parsers, too */
			continue;
		text_part(text, source, summary ? "" : "_bucket", source->tails[n],
			  summary ? quantile : below, out);
	}
	/* OpenMetrics allows a histogram _count only together with _sum. */
	if (summary || sum)
		text_part(text, source, "_count", "} ", histogram_count(histogram, numbers), out);
	if (sum)
		text_part(text, source, "_sum", "} ",
			  metric_scale(source->metric, histogram_sum(histogram, numbers)), out);
}

static void text_end(struct encoder *encoder, struct text *out)
{
	if (((struct text_encoder *)encoder)->openmetrics)
		text_adds(out, "# EOF\n");
}

const struct encoding encoding_openmetrics = {
	.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	.media_types = { "application/openmetrics-text" },
	.new = text_encoder_new,
	.free = text_encoder_free,
	.family = text_family,
	.sample = text_sample,
	.series = text_series,
	.histogram = text_histogram,
	.end = text_end,
};

const struct encoding encoding_prometheus = {
	.content_type = "text/plain; version=0.0.4; charset=utf-8",
	.media_types = { "text/", "*/*" },
	.new = text_encoder_new,
	.free = text_encoder_free,
	.family = text_family,
	.sample = text_sample,
	.series = text_series,
	.histogram = text_histogram,
	.end = text_end,
};
