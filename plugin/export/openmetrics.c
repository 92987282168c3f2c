/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/openmetrics.h"
#include "base/clock.h"
#include "export/encoder.h"
#include "export/self_metrics.h"
#include "metric/json.h"
#include "monitor/swap_read.h"

#include <errno.h>

/* Limit of series per metric unless the document sets one. */
#define SERIES_DEFAULT 10000

struct openmetrics_stream {
	struct stream stream;
	struct snapshot snapshot;
	struct encoder *encoder;
	uint32_t look; /* limit of series of openmetrics_look_new(); 0: a normal read */
	struct sources sources;
	/* -- position -- */
	size_t at;
	const char *family; /* the family begun last; NULL: none yet */
	bool reading;
	struct metric_batch batch;
	uint32_t entry; /* the next entry in the batch */
};

static void family_header(struct openmetrics_stream *stream, const struct source *source,
			  struct text *out)
{
	const struct metric_config *config = source->metric->config;
	size_t len = source_family_len(source);
	const char *unit = config->unit;
	_cleanup_text_ struct text help = {};

	if (unit && !exposition_ends_with_unit(source->name, len, unit))
		unit = NULL;
	if (config->help && *config->help)
		text_adds(&help, config->help);
	else
		text_printf(&help, "Map %s.", config->map_name);
	if (text_status(&help) < 0)
		out->failed = true;
	stream->encoder->encoding->family(stream->encoder, source->name, source->type, unit,
					  text_str(&help), out);
}

/* Writes the histograms of an entry: one, or that of each CPU that measured anything. */
static void encode_histogram(struct openmetrics_stream *stream, struct source_series *series,
			     const struct number *numbers, struct text *out)
{
	const struct metric *metric = series->source->metric;
	bool by_cpu = metric_lists_cpus(metric);

	for (; series->cpu < (by_cpu ? map_cpus() : 1); series->cpu++) {
		const struct number *own = metric_histogram_of(metric, numbers, series->cpu);

		if (!by_cpu || histogram_count(&metric->histogram, own).u)
			stream->encoder->encoding->histogram(stream->encoder, series, own, out);
	}
}

/* Writes all samples of an entry in a family: for each CPU and array element. */
static void encode_entry(struct openmetrics_stream *stream, const struct source *source, uint32_t i,
			 struct text *out)
{
	const struct metric_batch *batch = &stream->batch;
	const struct map_batch *entries = &batch->entries;
	const struct encoding *encoding = stream->encoder->encoding;
	const struct metric *metric = source->metric;
	const struct family *family = source_family(source);
	bool by_cpu = metric_lists_cpus(metric);
	unsigned int cpus = by_cpu ? map_cpus() : 1;
	struct source_series series = {
		.source = source,
		.key = entries->keys + i * entries->key_stride,
		.value = entries->values + i * entries->value_stride,
	};

	if (histogram_is_one(&metric->histogram)) {
		encode_histogram(stream, &series, &batch->numbers[i * metric->n_numbers], out);
		return;
	}
	for (; series.cpu < cpus; series.cpu++)
		for (series.element = 0; series.element < family->numbers; series.element++) {
			size_t column = family->column + series.element;
			struct number n =
				by_cpu ? metric_sample_cpu(metric, column, series.value, series.cpu)
				       : metric_batch_sample(metric, column, batch, i);

			n = metric_scale(metric, n);
			/* A parser would reject the whole exposition because of such a counter. */
			if (source->type == METRIC_COUNTER && n.kind == NUMBER_FLOAT && !(n.f >= 0))
				continue;
			encoding->series(stream->encoder, &series, n, out);
		}
}

static int source_begin(struct openmetrics_stream *stream, const struct source *source,
			struct text *out)
{
	uint32_t limit = source->metric->config->max_series;
	struct metric_read *read = source->read;
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
	if (read->open) {
		sampling_rewind(&read->sampling);
		return 0;
	}
	r = sampling_init(&read->sampling, source->metric,
			  stream->look ? METRIC_FOR_LOOKING : METRIC_FOR_SAMPLES, limit);
	read->open = r == 0;
	return r;
}

/* Ends a family; after the metric's last one, records left-out series. Returns 0 or -ENOMEM. */
static int source_end(struct openmetrics_stream *stream)
{
	struct metric_read *read = stream->sources.items[stream->at].read;
	const struct selection *selection = read->sampling.selection;
	int r = 0;

	stream->reading = false;
	stream->at++;
	if (--read->users || !read->open)
		return 0;
	read->left_out = sampling_left_out(&read->sampling);
	if (!stream->look)
		sampling_note_left_out(&read->sampling, READER_OPENMETRICS);
	if (read->left_out) {
		size_t size = read->metric->n_numbers * sizeof(*read->sums);

		read->sums = malloc(size);
		if (read->sums)
			memcpy(read->sums, selection->sums, size);
		else
			r = -ENOMEM;
	}
	sampling_release(&read->sampling);
	read->open = false;
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
	stream->encoder->encoding->sample(stream->encoder, name, labels, source->n_fixed + 1,
					  number, out);
}

/* Writes the sums over all series of a metric; of a histogram count and sum. */
static void left_out_sums(struct openmetrics_stream *stream, const struct source *source,
			  const char *name, struct text *out)
{
	const struct metric *metric = source->metric;
	const struct histogram *histogram = &metric->histogram;
	const struct number *sums = source->read->sums;
	struct number sum;

	if (histogram_is_one(histogram)) {
		left_out_sample(stream, source, name, "_count", histogram_count(histogram, sums),
				out);
		if (!histogram_has_sum(histogram))
			return;
		sum = histogram_sum(histogram, sums);
	} else {
		sum = metric_family_sum(metric, source->family, sums);
	}
	left_out_sample(stream, source, name, histogram_is_one(histogram) ? "_sum" : "",
			metric_scale(metric, sum), out);
}

/* Writes one of the families "dynmon_series_..." for all metrics with left-out series. */
static void left_out_family(struct openmetrics_stream *stream, bool sums, struct text *out)
{
	const char *name = sums ? "dynmon_series_sum" : "dynmon_series_left_out";
	const char *help = sums ? "Sum over all series of a metric, shown or left out."
				: "Series of a metric that are not shown.";
	bool first = true;

	for (size_t i = 0; i < stream->sources.n; i++) {
		const struct source *source = &stream->sources.items[i];
		const struct number left_out = { NUMBER_UNSIGNED, .u = source->read->left_out };

		if (!left_out.u)
			continue;
		if (first)
			stream->encoder->encoding->family(stream->encoder, name, METRIC_GAUGE, NULL,
							  help, out);
		first = false;
		if (sums)
			left_out_sums(stream, source, name, out);
		else
			left_out_sample(stream, source, name, "", left_out, out);
	}
}

static int openmetrics_next(struct stream *base, struct text *out, struct error *err)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;
	const struct source *source = &stream->sources.items[stream->at];
	uint64_t start = clock_now_ns();
	size_t len = out->len;
	int r = 1;

	if (stream->at == stream->sources.n) {
		if (!stream->look)
			snapshot_note_read(&stream->snapshot, READER_OPENMETRICS);
		left_out_family(stream, false, out);
		left_out_family(stream, true, out);
		if (stream->snapshot.registry &&
		    self_metrics_expose(&stream->snapshot, stream->encoder, out) < 0)
			return error_oom(err);
		stream->encoder->encoding->end(stream->encoder, out);
		return text_status(out) < 0 ? error_oom(err) : 0;
	}
	if (stream->look && metric_is_taken(source->metric)) {
		stream->at++;
		return 1;
	}
	if (!stream->reading)
		r = source_begin(stream, source, out);
	if (r >= 0 && stream->entry == stream->batch.entries.count) {
		stream->entry = stream->batch.entries.count = 0;
		r = sampling_next(&source->read->sampling, &stream->batch);
	}
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0) /* continue with the next metric */
		metric_log_failure(source->metric, r);
	if (r <= 0 && source_end(stream) < 0)
		return error_oom(err);
	while (r > 0 && stream->entry < stream->batch.entries.count &&
	       out->len - len < METRIC_CHUNK_BYTES)
		encode_entry(stream, source, stream->entry++, out);
	if (source->monitor && !stream->look)
		read_stats_add(source->monitor->read_stats, READER_OPENMETRICS, 0,
			       clock_now_ns() - start);
	return text_status(out) < 0 ? error_oom(err) : 1;
}

static void openmetrics_free(struct stream *base)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;

	sources_release(&stream->sources);
	snapshot_release(&stream->snapshot);
	encoder_free(stream->encoder);
	free(stream);
}

static int stream_new(struct snapshot *snapshot, const struct encoding *encoding, uint32_t look,
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
	stream->encoder = encoding->new (encoding);
	if (!stream->encoder || sources_init(&stream->sources, &stream->snapshot) < 0) {
		openmetrics_free(&stream->stream);
		return error_oom(err);
	}
	if (!look)
		snapshot_collect(&stream->snapshot);
	*ret = &stream->stream;
	return 0;
}

int openmetrics_stream_new(struct snapshot *snapshot, const struct encoding *encoding,
			   struct stream **ret, struct error *err)
{
	return stream_new(snapshot, encoding, 0, ret, err);
}

int openmetrics_look_new(struct snapshot *snapshot, const struct encoding *encoding, uint32_t limit,
			 struct stream **ret, struct error *err)
{
	return stream_new(snapshot, encoding, limit, ret, err);
}
