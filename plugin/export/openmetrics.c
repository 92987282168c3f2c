/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/openmetrics.h"
#include "base/clock.h"
#include "base/log.h"
#include "export/exposer.h"
#include "export/self_metrics.h"
#include "metric/json.h"
#include "monitor/swap_read.h"

#include <errno.h>

/* Limit of series per metric unless the document sets one. */
#define SERIES_DEFAULT 10000

struct openmetrics_stream {
	struct stream stream;
	struct snapshot snapshot;
	struct exposer exposer;
	uint32_t look; /* limit of series of openmetrics_look_new(); 0: a normal read */
	struct sources sources;
	/* -- position -- */
	size_t at;
	const char *family; /* the family begun last; NULL: none yet */
	bool reading;
	struct metric_batch batch;
	uint32_t entry; /* the next entry in the batch */
	struct text scratch;
	struct text labels; /* of the current series of a histogram */
};

static void family_header(struct openmetrics_stream *stream, const struct source *source,
			  struct text *out)
{
	const struct metric_config *config = source->metric->config;
	_cleanup_text_ struct text help = {};

	if (config->help && *config->help)
		text_adds(&help, config->help);
	else
		text_printf(&help, "Map %s.", config->map_name);
	if (text_status(&help) < 0)
		out->failed = true;
	exposer_family(&stream->exposer, source->name, source->type, config->unit, text_str(&help),
		       out);
}

/* Appends the labels of an entry, without the closing brace. */
static void labels(struct openmetrics_stream *stream, const struct source *source, uint32_t i,
		   unsigned int cpu, struct text *out)
{
	const struct map_batch *entries = &stream->batch.entries;
	const struct metric *metric = source->metric;
	const char *key = entries->keys + i * entries->key_stride;
	const char *value = entries->values + i * entries->value_stride;

	text_addc(out, '{');
	text_add(out, source->labels.data, source->labels.len);
	for (size_t l = 0; l < metric->n_labels; l++) {
		text_adds(out, source->label_heads[l]);
		text_clear(&stream->scratch);
		label_text(&metric->labels[l], key, value, cpu, &stream->scratch);
		exposition_label_value(out, stream->scratch.data, stream->scratch.len);
		text_addc(out, '"');
	}
}

/* Appends "name_suffix{labels} number". tail closes the labels: "} " or one with a bound. */
static void sample_of(const struct openmetrics_stream *stream, const struct source *source,
		      const char *suffix, const char *tail, struct number number, struct text *out)
{
	text_adds(out, source->name);
	text_adds(out, suffix);
	text_add(out, stream->labels.data, stream->labels.len);
	text_adds(out, tail);
	number_text(number, out);
	text_addc(out, '\n');
}

/* A negative sum, or NaN, would make a parser reject the whole exposition. */
static bool is_total(struct number number)
{
	return number.kind == NUMBER_UNSIGNED || number_double(number) >= 0;
}

/* A histogram with negative bounds must not have a sum, because the sum may decrease. */
static bool has_sum(const struct source *source, const struct number *numbers)
{
	const struct histogram *histogram = &source->metric->histogram;
	bool falls = source->type == METRIC_HISTOGRAM && histogram->bounds[0] < 0;

	return histogram->sum && !falls && is_total(histogram_sum(histogram, numbers));
}

/* Appends all samples of a series: cumulative buckets or quantiles, count and sum. */
static void histogram_samples(struct openmetrics_stream *stream, const struct source *source,
			      uint32_t i, struct text *out)
{
	const struct metric *metric = source->metric;
	const struct histogram *histogram = &metric->histogram;
	const struct number *numbers = &stream->batch.numbers[i * metric->n_numbers];
	bool summary = source->type == METRIC_SUMMARY, sum = has_sum(source, numbers);
	struct number below = { NUMBER_UNSIGNED, .u = 0 };

	text_clear(&stream->labels);
	labels(stream, source, i, 0, &stream->labels);
	for (size_t n = 0; n < source->n_tails; n++) {
		struct number quantile = { NUMBER_FLOAT };

		if (summary)
			quantile.f =
				histogram_quantile(histogram, numbers, histogram->quantiles[n]);
		else
			below = number_add(below, numbers[n]);
		if (quantile.f < 0) /* rejected by parsers, too */
			continue;
		sample_of(stream, source, summary ? "" : "_bucket", source->tails[n],
			  summary ? quantile : below, out);
	}
	/* OpenMetrics allows a histogram _count only together with _sum. */
	if (summary || sum)
		sample_of(stream, source, "_count", "} ", histogram_count(histogram, numbers), out);
	if (sum)
		sample_of(stream, source, "_sum", "} ",
			  metric_scale(metric, histogram_sum(histogram, numbers)), out);
}

static void sample(struct openmetrics_stream *stream, const struct source *source, uint32_t i,
		   unsigned int cpu, uint32_t element, struct text *out)
{
	const struct metric *metric = source->metric;
	struct number n;

	if (!source_number(source, &stream->batch, i, cpu, element, &n))
		return;
	text_adds(out, source->name);
	labels(stream, source, i, cpu, out);
	if (metric->families[source->family].numbers > 1) {
		text_adds(out, source->label_heads[metric->n_labels]);
		text_u64(out, element);
		text_addc(out, '"');
	}
	text_add(out, "} ", 2);
	number_text(n, out);
	text_addc(out, '\n');
}

/* Writes all samples of an entry in a family: for each CPU and array element. */
static void samples(struct openmetrics_stream *stream, const struct source *source, uint32_t i,
		    struct text *out)
{
	const struct metric *metric = source->metric;
	struct protobuf *protobuf = stream->exposer.protobuf;
	unsigned int cpus = metric_lists_cpus(metric) ? map_cpus() : 1;
	uint32_t numbers = metric->families[source->family].numbers;

	if (histogram_is_one(&metric->histogram)) {
		if (protobuf)
			protobuf_histogram(protobuf, source, &stream->batch, i);
		else
			histogram_samples(stream, source, i, out);
		return;
	}
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		for (uint32_t element = 0; element < numbers; element++)
			if (protobuf)
				protobuf_entry(protobuf, source, &stream->batch, i, cpu, element);
			else
				sample(stream, source, i, cpu, element, out);
}

static int source_begin(struct openmetrics_stream *stream, const struct source *source,
			struct text *out)
{
	uint32_t limit = source->metric->config->max_series;
	struct held *held = source->held;
	int r;

	if (!limit)
		limit = SERIES_DEFAULT;
	if (stream->look && stream->look < limit)
		limit = stream->look;
	if (!stream->family || strcmp(stream->family, source->name) != 0)
		family_header(stream, source, out);
	stream->family = source->name;
	stream->entry = 0;
	stream->batch = (struct metric_batch){};
	stream->reading = true;
	if (held->open) {
		sampling_rewind(&held->sampling);
		return 0;
	}
	r = sampling_init(&held->sampling, source->metric,
			  stream->look ? METRIC_FOR_LOOKING : METRIC_FOR_SAMPLES, limit);
	held->open = r == 0;
	return r;
}

/* Ends a family; after the metric's last one, records left-out series. Returns 0 or -ENOMEM. */
static int source_end(struct openmetrics_stream *stream)
{
	struct held *held = stream->sources.items[stream->at].held;
	const struct selection *selection = held->sampling.selection;
	int r = 0;

	stream->reading = false;
	stream->at++;
	if (--held->users || !held->open)
		return 0;
	held->left_out = sampling_left_out(&held->sampling);
	if (!stream->look)
		metric_set_left_out(held->metric, READER_OPENMETRICS, held->left_out);
	if (held->left_out && !stream->look && metric_tell_left_out(held->metric))
		log_warning("%smetric \"%s\": %llu series, of which the largest %u are shown",
			    metric_owner(held->metric), held->metric->config->name,
			    (unsigned long long)selection->seen, selection->count);
	if (held->left_out) {
		size_t size = held->metric->n_numbers * sizeof(*held->sums);

		held->sums = malloc(size);
		if (held->sums)
			memcpy(held->sums, selection->sums, size);
		else
			r = -ENOMEM;
	}
	sampling_release(&held->sampling);
	held->open = false;
	return r;
}

/* Writes a sample about a source, with its fixed labels and a label for its name. */
static void left_out_sample(struct openmetrics_stream *stream, const struct source *source,
			    const char *name, const char *suffix, struct number number,
			    struct text *out)
{
	struct value_label labels[FIXED_MAX + 1];
	_cleanup_(names_release) struct names names = {};
	_cleanup_text_ struct text metric = {};

	text_printf(&metric, "%s%s", source->name, suffix);
	labels[source->n_fixed] =
		(struct value_label){ names_add(&names, "metric"), text_str(&metric) };
	/* A constant of the document may be called "metric", too. */
	for (size_t i = 0; i < source->n_fixed; i++)
		labels[i] = (struct value_label){ names_add(&names, source->fixed[i].name),
						  source->fixed[i].value };
	for (size_t i = 0; i <= source->n_fixed; i++)
		if (!labels[i].name || text_status(&metric) < 0) {
			out->failed = true;
			return;
		}
	exposer_sample(&stream->exposer, name, labels, source->n_fixed + 1, number, out);
}

/* Writes the sums over all series of a metric; for a histogram count and sum. */
static void left_out_sums(struct openmetrics_stream *stream, const struct source *source,
			  const char *name, struct text *out)
{
	const struct metric *metric = source->metric;
	const struct histogram *histogram = &metric->histogram;
	const struct number *sums = source->held->sums;

	if (!histogram_is_one(histogram)) {
		left_out_sample(
			stream, source, name, "",
			metric_scale(metric, metric_family_sum(metric, source->family, sums)), out);
		return;
	}
	left_out_sample(stream, source, name, "_count", histogram_count(histogram, sums), out);
	if (histogram->sum)
		left_out_sample(stream, source, name, "_sum",
				metric_scale(metric, histogram_sum(histogram, sums)), out);
}

/* Writes one of the families "dynmon_series_..." for all metrics with left-out series. */
static void left_out(struct openmetrics_stream *stream, bool sums, struct text *out)
{
	const char *name = sums ? "dynmon_series_sum" : "dynmon_series_left_out";
	bool first = true;

	for (size_t i = 0; i < stream->sources.n; i++) {
		const struct source *source = &stream->sources.items[i];
		const struct held *held = source->held;

		if (!held->left_out)
			continue;
		if (first)
			exposer_family(&stream->exposer, name, METRIC_GAUGE, NULL,
				       sums ? "Sum over all series of a metric, shown or left out."
					    : "Series of a metric that are not shown.",
				       out);
		first = false;
		if (sums)
			left_out_sums(stream, source, name, out);
		else
			left_out_sample(stream, source, name, "",
					(struct number){ NUMBER_UNSIGNED, .u = held->left_out },
					out);
	}
}

static int finish(struct openmetrics_stream *stream, struct text *out, struct error *err)
{
	if (!stream->look)
		snapshot_note_read(&stream->snapshot, READER_OPENMETRICS);
	left_out(stream, false, out);
	left_out(stream, true, out);
	if (stream->snapshot.registry &&
	    self_metrics_expose(&stream->snapshot, &stream->exposer, out) < 0)
		return error_oom(err);
	exposer_end(&stream->exposer, out);
	return text_status(out) < 0 ? error_oom(err) : 0;
}

/* Writes entries of the current batch until the piece has METRIC_PIECE_BYTES. */
static void entries(struct openmetrics_stream *stream, const struct source *source,
		    struct text *out)
{
	size_t start = out->len;

	while (stream->entry < stream->batch.entries.count && out->len - start < METRIC_PIECE_BYTES)
		samples(stream, source, stream->entry++, out);
}

static int openmetrics_next(struct stream *base, struct text *out, struct error *err)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;
	const struct source *source = &stream->sources.items[stream->at];
	uint64_t start = clock_now_ns();
	int r = 1;

	if (stream->at == stream->sources.n)
		return finish(stream, out, err);
	if (stream->look && metric_is_taken(source->metric)) {
		stream->at++;
		return 1;
	}
	if (!stream->reading)
		r = source_begin(stream, source, out);
	if (r >= 0 && stream->entry == stream->batch.entries.count) {
		stream->entry = stream->batch.entries.count = 0;
		r = sampling_next(&source->held->sampling, &stream->batch);
	}
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0 && metric_tell_trouble(source->metric)) /* continue with the next metric */
		log_error("%sreading map %s of metric \"%s\": %s", metric_owner(source->metric),
			  source->metric->config->map_name, source->metric->config->name,
			  map_reader_strerror(r));
	if (r <= 0 && source_end(stream) < 0)
		return error_oom(err);
	if (r > 0)
		entries(stream, source, out);
	if (source->monitor && !stream->look)
		read_stats_add(source->monitor->read_stats, READER_OPENMETRICS, 0,
			       clock_now_ns() - start);
	/* A truncated label would identify another series. */
	if (text_status(out) < 0 || text_status(&stream->scratch) < 0 ||
	    text_status(&stream->labels) < 0)
		return error_oom(err);
	return 1;
}

static void openmetrics_free(struct stream *base)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;

	sources_release(&stream->sources);
	snapshot_release(&stream->snapshot);
	exposer_release(&stream->exposer);
	text_release(&stream->scratch);
	text_release(&stream->labels);
	free(stream);
}

static int stream_new(struct snapshot *snapshot, enum exposition exposition, uint32_t look,
		      struct stream **ret, struct error *err)
{
	struct openmetrics_stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		snapshot_release(snapshot);
		return error_oom(err);
	}
	stream->stream = (struct stream){ openmetrics_next, openmetrics_free };
	stream->snapshot = *snapshot;
	stream->look = look;
	*snapshot = (struct snapshot){};
	if (exposer_init(&stream->exposer, exposition) < 0 ||
	    sources_init(&stream->sources, &stream->snapshot) < 0) {
		openmetrics_free(&stream->stream);
		return error_oom(err);
	}
	if (!look)
		snapshot_collect(&stream->snapshot);
	*ret = &stream->stream;
	return 0;
}

int openmetrics_stream_new(struct snapshot *snapshot, enum exposition exposition,
			   struct stream **ret, struct error *err)
{
	return stream_new(snapshot, exposition, 0, ret, err);
}

int openmetrics_look_new(struct snapshot *snapshot, enum exposition exposition, uint32_t limit,
			 struct stream **ret, struct error *err)
{
	return stream_new(snapshot, exposition, limit, ret, err);
}
