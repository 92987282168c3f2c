/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/protobuf.h"
#include "export/prometheus.pb-c.h"
#include "metric/histogram.h"
#include "metric/label.h"

#include <math.h>

/* Labels of an entry, with cpu and index, or of a self metric. */
#define SAMPLE_LABELS_MAX (FIXED_MAX + FIELDS_MAX + 2)

/* Messages consist of pointers to their parts. The parts are allocated once and reused. */
struct protobuf {
	struct encoder encoder;
	enum metric_type type; /* of the current family */
	struct text family;    /* packed head and metrics, which concatenated form one message */
	struct text raw, values;
	size_t n_labels;
	Prometheus__LabelPair labels[SAMPLE_LABELS_MAX], *label_list[SAMPLE_LABELS_MAX];
	Prometheus__Quantile quantiles[QUANTILES_MAX], *quantile_list[QUANTILES_MAX];
	Prometheus__Bucket buckets[BUCKETS_MAX], *bucket_list[BUCKETS_MAX];
	Prometheus__BucketSpan span, *span_list[1];
	int64_t deltas[SLOTS_DEFAULT];
};

static struct encoder *protobuf_new(const struct encoding *encoding)
{
	struct protobuf *protobuf = calloc(1, sizeof(*protobuf));

	if (!protobuf)
		return NULL;
	protobuf->encoder.encoding = encoding;
	for (size_t i = 0; i < SAMPLE_LABELS_MAX; i++) {
		protobuf->labels[i] = (Prometheus__LabelPair)PROMETHEUS__LABEL_PAIR__INIT;
		protobuf->label_list[i] = &protobuf->labels[i];
	}
	for (size_t i = 0; i < QUANTILES_MAX; i++) {
		protobuf->quantiles[i] = (Prometheus__Quantile)PROMETHEUS__QUANTILE__INIT;
		protobuf->quantile_list[i] = &protobuf->quantiles[i];
	}
	for (size_t i = 0; i < BUCKETS_MAX; i++) {
		protobuf->buckets[i] = (Prometheus__Bucket)PROMETHEUS__BUCKET__INIT;
		protobuf->bucket_list[i] = &protobuf->buckets[i];
	}
	protobuf->span = (Prometheus__BucketSpan)PROMETHEUS__BUCKET_SPAN__INIT;
	protobuf->span_list[0] = &protobuf->span;
	return &protobuf->encoder;
}

static void protobuf_free(struct encoder *encoder)
{
	struct protobuf *protobuf = (struct protobuf *)encoder;

	text_release(&protobuf->family);
	text_release(&protobuf->raw);
	text_release(&protobuf->values);
	free(protobuf);
}

/* Appends a part of the family: its head or a metric. */
static void pack(struct protobuf *protobuf, const Prometheus__MetricFamily *part)
{
	size_t n = prometheus__metric_family__get_packed_size(part);
	char *to = text_reserve(&protobuf->family, n);

	if (to)
		protobuf->family.len += prometheus__metric_family__pack(part, (uint8_t *)to);
}

static void pack_metric(struct protobuf *protobuf, Prometheus__Metric *metric)
{
	Prometheus__MetricFamily part = PROMETHEUS__METRIC_FAMILY__INIT;

	metric->n_label = protobuf->n_labels;
	metric->label = protobuf->label_list;
	part.n_metric = 1;
	part.metric = &metric;
	pack(protobuf, &part);
}

/* -- families -- */

static void protobuf_end(struct encoder *encoder, struct text *out)
{
	struct protobuf *protobuf = (struct protobuf *)encoder;
	size_t n = protobuf->family.len;

	if (text_status(&protobuf->family) < 0)
		out->failed = true;
	if (!n)
		return;
	for (; n > 0x7f; n >>= 7)
		text_addc(out, (char)(n | 0x80));
	text_addc(out, (char)n);
	text_add(out, protobuf->family.data, protobuf->family.len);
	text_release(&protobuf->family);
}

static void protobuf_family(struct encoder *encoder, const char *name, enum metric_type type,
			    const char *unit, const char *help, struct text *out)
{
	static const Prometheus__MetricType types[] = {
		[METRIC_COUNTER] = PROMETHEUS__METRIC_TYPE__COUNTER,
		[METRIC_GAUGE] = PROMETHEUS__METRIC_TYPE__GAUGE,
		[METRIC_HISTOGRAM] = PROMETHEUS__METRIC_TYPE__HISTOGRAM,
		[METRIC_SUMMARY] = PROMETHEUS__METRIC_TYPE__SUMMARY,
		[METRIC_UNTYPED] = PROMETHEUS__METRIC_TYPE__UNTYPED,
	};
	struct protobuf *protobuf = (struct protobuf *)encoder;
	Prometheus__MetricFamily head = PROMETHEUS__METRIC_FAMILY__INIT;

	protobuf_end(encoder, out);
	protobuf->type = type;
	head.name = (char *)name;
	head.help = (char *)help;
	head.has_type = 1;
	head.type = types[type];
	head.unit = (char *)unit;
	pack(protobuf, &head);
}

/* -- metrics -- */

/* Appends a value to a text that may move as it grows; call set_label_values() after the last one.
 */
static void protobuf_add_label(struct protobuf *protobuf, const char *name, const char *value,
			       size_t len)
{
	protobuf->labels[protobuf->n_labels++].name = (char *)name;
	exposition_label_plain(&protobuf->values, value, len);
	text_addc(&protobuf->values, '\0');
}

/* Sets the value pointers of the labels from the first added one on. */
static void set_label_values(struct protobuf *protobuf, size_t first)
{
	char *value = protobuf->values.data;

	/* After a failed append some values are missing. */
	if (text_status(&protobuf->raw) < 0 || text_status(&protobuf->values) < 0) {
		protobuf->family.failed = true;
		protobuf->n_labels = first;
	}
	for (size_t i = first; i < protobuf->n_labels; i++) {
		protobuf->labels[i].value = value;
		value += strlen(value) + 1;
	}
}

/* Sets the labels of a series: the fixed ones of its source, whose values are valid UTF-8, first.
 */
static void protobuf_set_labels(struct protobuf *protobuf, const struct source_series *series)
{
	const struct source *source = series->source;
	const struct metric *metric = source->metric;
	struct text *raw = &protobuf->raw;

	text_clear(&protobuf->values);
	for (size_t i = 0; i < source->n_fixed; i++) {
		protobuf->labels[i].name = (char *)source->fixed[i].name;
		protobuf->labels[i].value = (char *)source->fixed[i].value;
	}
	protobuf->n_labels = source->n_fixed;
	for (size_t i = 0; i < metric->n_labels; i++) {
		text_clear(raw);
		label_text(&metric->labels[i], series->key, series->value, series->cpu, raw);
		protobuf_add_label(protobuf, source->label_names[i], raw->data, raw->len);
	}
	if (source_family(source)->numbers > 1) {
		text_clear(raw);
		text_u64(raw, series->element);
		protobuf_add_label(protobuf, source->label_names[metric->n_labels], raw->data,
				   raw->len);
	}
	set_label_values(protobuf, source->n_fixed);
}

/* Packs a metric that is a single number. */
static void pack_number(struct protobuf *protobuf, struct number number)
{
	Prometheus__Metric metric = PROMETHEUS__METRIC__INIT;
	Prometheus__Counter counter = PROMETHEUS__COUNTER__INIT;
	Prometheus__Gauge gauge = PROMETHEUS__GAUGE__INIT;
	Prometheus__Untyped untyped = PROMETHEUS__UNTYPED__INIT;

	counter.has_value = gauge.has_value = untyped.has_value = 1;
	counter.value = gauge.value = untyped.value = number_double(number);
	if (protobuf->type == METRIC_COUNTER)
		metric.counter = &counter;
	else if (protobuf->type == METRIC_GAUGE)
		metric.gauge = &gauge;
	else
		metric.untyped = &untyped;
	pack_metric(protobuf, &metric);
}

/* An unknown sum is NaN, because a missing field would be read as 0. */
static double sum_of(const struct metric *metric, const struct number *numbers)
{
	const struct histogram *histogram = &metric->histogram;

	return histogram_has_sum(histogram)
		       ? number_double(metric_scale(metric, histogram_sum(histogram, numbers)))
		       : NAN;
}

static void pack_summary(struct protobuf *protobuf, const struct metric *metric,
			 const struct number *numbers)
{
	const struct histogram *histogram = &metric->histogram;
	Prometheus__Metric message = PROMETHEUS__METRIC__INIT;
	Prometheus__Summary summary = PROMETHEUS__SUMMARY__INIT;

	for (size_t i = 0; i < histogram->n_quantiles; i++) {
		Prometheus__Quantile *quantile = &protobuf->quantiles[i];

		quantile->has_quantile = quantile->has_value = 1;
		quantile->quantile = histogram->quantiles[i];
		quantile->value = histogram_quantile(histogram, numbers, quantile->quantile);
	}
	summary.n_quantile = histogram->n_quantiles;
	summary.quantile = protobuf->quantile_list;
	summary.has_sample_count = summary.has_sample_sum = 1;
	summary.sample_count = histogram_count(histogram, numbers).u;
	summary.sample_sum = sum_of(metric, numbers);
	message.summary = &summary;
	pack_metric(protobuf, &message);
}

static void set_classic(struct protobuf *protobuf, const struct histogram *histogram,
			const struct number *numbers, Prometheus__Histogram *message)
{
	uint64_t below = 0;

	for (size_t i = 0; i < histogram->n_buckets; i++) {
		Prometheus__Bucket *bucket = &protobuf->buckets[i];

		below += numbers[i].u;
		bucket->has_cumulative_count = bucket->has_upper_bound = 1;
		bucket->cumulative_count = below;
		bucket->upper_bound =
			i + 1 < histogram->n_buckets ? histogram->bounds[i] : INFINITY;
	}
	message->n_bucket = histogram->n_buckets;
	message->bucket = protobuf->bucket_list;
}

/* Sets one span of buckets, from the first to the last nonempty one. */
static void set_native(struct protobuf *protobuf, const struct histogram *histogram,
		       const struct number *numbers, Prometheus__Histogram *message)
{
	size_t zero = histogram->native_zero, first = zero, end = histogram->n_buckets;
	uint64_t before = 0;

	message->has_schema = message->has_zero_threshold = message->has_zero_count = 1;
	message->schema = 0;
	message->zero_threshold = ldexp(1, histogram->native_exponent);
	for (size_t i = 0; i < zero; i++)
		message->zero_count += numbers[i].u;
	while (end > zero && !numbers[end - 1].u)
		end--;
	while (first < end && !numbers[first].u)
		first++;
	if (first == end)
		return;
	protobuf->span.has_offset = protobuf->span.has_length = 1;
	protobuf->span.offset = histogram->native_first + (int)(first - zero);
	protobuf->span.length = (uint32_t)(end - first);
	message->n_positive_span = 1;
	message->positive_span = protobuf->span_list;
	for (size_t i = first; i < end; i++) {
		protobuf->deltas[i - first] = (int64_t)(numbers[i].u - before);
		before = numbers[i].u;
	}
	message->n_positive_delta = end - first;
	message->positive_delta = protobuf->deltas;
}

static void protobuf_histogram(struct encoder *encoder, const struct source_series *series,
			       const struct number *numbers, struct text *out)
{
	struct protobuf *protobuf = (struct protobuf *)encoder;
	const struct metric *metric = series->source->metric;
	const struct histogram *histogram = &metric->histogram;
	Prometheus__Metric message = PROMETHEUS__METRIC__INIT;
	Prometheus__Histogram part = PROMETHEUS__HISTOGRAM__INIT;

	(void)out;
	protobuf_set_labels(protobuf, series);
	if (protobuf->type == METRIC_SUMMARY) {
		pack_summary(protobuf, metric, numbers);
		return;
	}
	part.has_sample_count = part.has_sample_sum = 1;
	part.sample_count = histogram_count(histogram, numbers).u;
	part.sample_sum = sum_of(metric, numbers);
	set_classic(protobuf, histogram, numbers, &part);
	if (series->source->native)
		set_native(protobuf, histogram, numbers, &part);
	message.histogram = &part;
	pack_metric(protobuf, &message);
}

static void protobuf_series(struct encoder *encoder, const struct source_series *series,
			    struct number number, struct text *out)
{
	struct protobuf *protobuf = (struct protobuf *)encoder;

	(void)out;
	protobuf_set_labels(protobuf, series);
	pack_number(protobuf, number);
}

static void protobuf_sample(struct encoder *encoder, const char *name,
			    const struct value_label *labels, size_t n_labels, struct number number,
			    struct text *out)
{
	struct protobuf *protobuf = (struct protobuf *)encoder;

	(void)name; /* that of the family */
	(void)out;
	text_clear(&protobuf->values);
	protobuf->n_labels = 0;
	for (size_t i = 0; i < n_labels; i++)
		protobuf_add_label(protobuf, labels[i].name, labels[i].value,
				   strlen(labels[i].value));
	set_label_values(protobuf, 0);
	pack_number(protobuf, number);
}

const struct encoding encoding_protobuf = {
	.content_type = "application/vnd.google.protobuf; "
			"proto=io.prometheus.client.MetricFamily; encoding=delimited",
	.media_types = { "application/vnd.google.protobuf" },
	.parameters = { { "proto", "io.prometheus.client.MetricFamily" },
			{ "encoding", "delimited" } },
	.new = protobuf_new,
	.free = protobuf_free,
	.family = protobuf_family,
	.sample = protobuf_sample,
	.series = protobuf_series,
	.histogram = protobuf_histogram,
	.end = protobuf_end,
};
