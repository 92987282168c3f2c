/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/openmetrics.h"
#include "base/log.h"
#include "metric/json.h"
#include "monitor/collect.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* One metric of one instance: the samples that a map gives. */
struct source {
	const struct metric *metric;
	char *name;	    /* of the samples; equal names are one family */
	struct text labels; /* the fixed ones: monitor="edge",... */
	char **key_labels;  /* names of the key's fields, or of the index; NULL ends them */
	enum metric_type type;
	size_t order;
};

struct openmetrics_stream {
	struct stream stream;
	struct view view;
	enum exposition exposition;
	struct source *sources; /* sorted by name */
	size_t n_sources;
	/* where it is */
	size_t at;
	bool reading;
	struct metric_reader reader;
	struct metric_batch batch;
	uint32_t entry; /* in the batch */
	struct text scratch;
};

/* [a-zA-Z_:][a-zA-Z0-9_:]*; a counter's samples end in _total. */
static char *sample_name(const struct metric_config *config)
{
	_cleanup_text_ struct text name = {};
	size_t len;

	if (isdigit((unsigned char)*config->name))
		text_addc(&name, '_');
	for (const char *c = config->name; *c; c++)
		text_addc(&name, isalnum((unsigned char)*c) || *c == '_' || *c == ':' ? *c : '_');
	len = name.len;
	if (config->type == METRIC_COUNTER &&
	    (len <= 6 || memcmp(text_str(&name) + len - 6, "_total", 6) != 0))
		text_adds(&name, "_total");
	return text_steal(&name);
}

static int add_label(struct source *source, struct names *names, const char *name,
		     const char *value)
{
	name = names_add(names, name);
	if (!name)
		return -ENOMEM;
	text_printf(&source->labels, "%s%s=\"", source->labels.len ? "," : "", name);
	exposition_label_value(&source->labels, value, strlen(value));
	text_addc(&source->labels, '"');
	return text_status(&source->labels);
}

static int source_init(struct source *source, const struct view_item *item, int path,
		       const struct metric *metric)
{
	_cleanup_(names_release) struct names names = {};
	const struct metric_config *config = metric->config;
	int r;

	source->metric = metric;
	source->type = config->type;
	source->name = sample_name(config);
	if (!source->name)
		return -ENOMEM;
	r = add_label(source, &names, "monitor", item->monitor->settings.name);
	if (r == 0)
		r = add_label(source, &names, "interface", item->interface);
	if (r == 0)
		r = add_label(source, &names, "path", path_name((enum path)path));
	for (size_t i = 0; r == 0 && i < config->n_labels; i++)
		r = add_label(source, &names, config->labels[i].name, config->labels[i].value);
	if (r < 0)
		return r;
	/* Room for the fields or the index, and for the NULL at the end. */
	source->key_labels = calloc(metric->n_key_fields + 2, sizeof(char *));
	if (!source->key_labels)
		return -ENOMEM;
	for (size_t i = 0; i < metric->n_key_fields; i++) {
		const char *name = names_add(&names, metric->key_fields[i].name);

		source->key_labels[i] = name ? strdup(name) : NULL;
		if (!source->key_labels[i])
			return -ENOMEM;
	}
	if (metric_has_index(metric)) {
		const char *name = names_add(&names, "index");

		source->key_labels[0] = name ? strdup(name) : NULL;
		if (!source->key_labels[0])
			return -ENOMEM;
	}
	return 0;
}

static void source_release(struct source *source)
{
	for (size_t i = 0; source->key_labels && source->key_labels[i]; i++)
		free(source->key_labels[i]);
	free(source->key_labels);
	free(source->name);
	text_release(&source->labels);
}

static int by_name(const void *a, const void *b)
{
	const struct source *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (left->order > right->order) - (left->order < right->order);
}

/* Length of the family's name: without _total where a counter's samples have it. */
static size_t family_len(const struct source *source)
{
	size_t len = strlen(source->name);

	return source->type == METRIC_COUNTER ? len - strlen("_total") : len;
}

/* Whether any source's samples are called as the counter's family, with that at the end. */
static bool name_is_taken(const struct openmetrics_stream *stream, const struct source *counter,
			  const char *suffix)
{
	size_t len = family_len(counter), from = 0, to = stream->n_sources;

	while (from < to) {
		size_t middle = (from + to) / 2;
		const char *name = stream->sources[middle].name;
		int r = strncmp(name, counter->name, len);

		if (r == 0)
			r = strcmp(name + len, suffix);
		if (r == 0)
			return true;
		if (r < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

static bool family_is_taken(const struct openmetrics_stream *stream, const struct source *counter)
{
	return name_is_taken(stream, counter, "") || name_is_taken(stream, counter, "_created");
}

/* Sources of one name must have one type, and no family may be called as another's samples. */
static void settle_types(struct openmetrics_stream *stream)
{
	struct source *sources = stream->sources;
	size_t n;

	for (size_t i = 0; i < stream->n_sources; i += n) {
		enum metric_type type = sources[i].type;

		/* Until they are read as such, these have no buckets and no quantiles. */
		if (type == METRIC_HISTOGRAM || type == METRIC_SUMMARY)
			type = METRIC_UNTYPED;
		for (n = 0;
		     i + n < stream->n_sources && !strcmp(sources[i].name, sources[i + n].name);
		     n++)
			if (sources[i + n].type != type)
				type = METRIC_UNTYPED;
		if (type == METRIC_COUNTER && family_is_taken(stream, &sources[i]))
			type = METRIC_UNTYPED;
		for (size_t j = i; j < i + n; j++)
			sources[j].type = type;
		/* my-metric and my_metric of one path: the first one's labels are enough */
		for (size_t j = i + 1, first = i; j < i + n; j++) {
			if (sources[j].labels.len != sources[first].labels.len ||
			    memcmp(sources[j].labels.data, sources[first].labels.data,
				   sources[j].labels.len) != 0) {
				first = j;
				continue;
			}
			text_printf(&sources[j].labels, ",metric_name=\"");
			exposition_label_value(&sources[j].labels, sources[j].metric->config->name,
					       strlen(sources[j].metric->config->name));
			text_addc(&sources[j].labels, '"');
		}
	}
}

static void family_header(const struct openmetrics_stream *stream, const struct source *source,
			  struct text *out)
{
	static const char *const types[][2] = {
		[METRIC_COUNTER] = { "counter", "counter" },
		[METRIC_GAUGE] = { "gauge", "gauge" },
		[METRIC_UNTYPED] = { "unknown", "untyped" },
	};
	size_t len = stream->exposition == EXPOSITION_OPENMETRICS ? family_len(source)
								  : strlen(source->name);
	const char *help = source->metric->config->help;

	text_adds(out, "# HELP ");
	text_add(out, source->name, len);
	text_addc(out, ' ');
	if (help && *help) {
		exposition_help(out, help, stream->exposition);
	} else {
		text_adds(out, "Map ");
		exposition_help(out, source->metric->config->map_name, stream->exposition);
		text_addc(out, '.');
	}
	text_adds(out, "\n# TYPE ");
	text_add(out, source->name, len);
	text_addc(out, ' ');
	text_adds(out, types[source->type][stream->exposition]);
	text_addc(out, '\n');
}

static void key_labels(struct openmetrics_stream *stream, const struct source *source,
		       const char *key, struct text *out)
{
	const struct metric *metric = source->metric;

	for (size_t i = 0; i < metric->n_key_fields; i++) {
		text_addc(out, ',');
		text_adds(out, source->key_labels[i]);
		text_adds(out, "=\"");
		text_clear(&stream->scratch);
		field_text(&metric->key_fields[i], key, &stream->scratch);
		exposition_label_value(out, stream->scratch.data, stream->scratch.len);
		text_addc(out, '"');
	}
}

static void sample(struct openmetrics_stream *stream, const struct source *source, uint32_t i,
		   struct text *out)
{
	const struct map_batch *batch = &stream->batch.entries;
	const struct metric *metric = source->metric;
	const char *key = batch->keys + i * batch->key_stride;
	struct number n = metric_batch_sample(metric, &stream->batch, i);

	/* No such counter can be told; the whole exposition would be refused. */
	if (source->type == METRIC_COUNTER && n.kind == NUMBER_FLOAT && !(n.f >= 0))
		return;
	text_adds(out, source->name);
	text_addc(out, '{');
	text_add(out, source->labels.data, source->labels.len);
	if (!metric_has_index(metric)) {
		key_labels(stream, source, key, out);
	} else if (metric->map.max_entries > 1) {
		uint32_t at;

		memcpy(&at, key, sizeof(at));
		text_addc(out, ',');
		text_adds(out, source->key_labels[0]);
		text_adds(out, "=\"");
		text_u64(out, at);
		text_addc(out, '"');
	}
	text_add(out, "} ", 2);
	number_text(n, out);
	text_addc(out, '\n');
}

static int source_begin(struct openmetrics_stream *stream, const struct source *source,
			struct text *out)
{
	if (!stream->at || strcmp(source[-1].name, source->name) != 0)
		family_header(stream, source, out);
	stream->entry = 0;
	stream->batch.entries.count = 0;
	stream->reading = true;
	return metric_reader_init(&stream->reader, source->metric, METRIC_FOR_SAMPLES);
}

static void source_end(struct openmetrics_stream *stream)
{
	metric_reader_release(&stream->reader);
	stream->reading = false;
	stream->at++;
}

static int openmetrics_next(struct stream *base, struct text *out, struct error *err)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;
	const struct source *source = &stream->sources[stream->at];
	size_t start = out->len;
	int r = 1;

	if (stream->at == stream->n_sources) {
		if (stream->exposition == EXPOSITION_OPENMETRICS)
			text_adds(out, "# EOF\n");
		return text_status(out) < 0 ? error_oom(err) : 0;
	}
	if (!stream->reading)
		r = source_begin(stream, source, out);
	if (r >= 0 && stream->entry == stream->batch.entries.count) {
		stream->entry = stream->batch.entries.count = 0;
		r = metric_reader_next(&stream->reader, &stream->batch);
	}
	if (r < 0 && metric_tell_trouble(source->metric)) /* no other metric suffers from it */
		log_error("reading map %s of metric \"%s\": %s", source->metric->config->map_name,
			  source->metric->config->name, strerror(-r));
	if (r <= 0) {
		source_end(stream);
		return text_status(out) < 0 ? error_oom(err) : 1;
	}
	while (stream->entry < stream->batch.entries.count && out->len - start < METRIC_PIECE_BYTES)
		sample(stream, source, stream->entry++, out);
	return text_status(out) < 0 ? error_oom(err) : 1;
}

static void openmetrics_free(struct stream *base)
{
	struct openmetrics_stream *stream = (struct openmetrics_stream *)base;

	if (stream->reading)
		metric_reader_release(&stream->reader);
	for (size_t i = 0; i < stream->n_sources; i++)
		source_release(&stream->sources[i]);
	free(stream->sources);
	view_release(&stream->view);
	text_release(&stream->scratch);
	free(stream);
}

static int add_sources(struct openmetrics_stream *stream, const struct view_item *item, int path)
{
	const struct generation_path *from = &item->generation->paths[path];
	struct source *sources = realloc(
		stream->sources, (stream->n_sources + from->n_metrics + 1) * sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	stream->sources = sources;
	for (size_t i = 0; i < from->n_metrics; i++) {
		struct source *source = &sources[stream->n_sources];
		int r;

		if (!from->metrics[i].sampled)
			continue;
		*source = (struct source){ .order = stream->n_sources++ };
		r = source_init(source, item, path, &from->metrics[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int openmetrics_stream_new(struct view *view, enum exposition exposition, struct stream **ret,
			   struct error *err)
{
	struct openmetrics_stream *stream = calloc(1, sizeof(*stream));
	int r = 0;

	if (!stream) {
		view_release(view);
		return error_oom(err);
	}
	stream->stream = (struct stream){ openmetrics_next, openmetrics_free };
	stream->view = *view;
	stream->exposition = exposition;
	*view = (struct view){};
	view_collect(&stream->view);
	for (size_t i = 0; i < stream->view.n; i++)
		for (int path = 0; r == 0 && stream->view.items[i].generation && path < PATH_COUNT;
		     path++)
			r = add_sources(stream, &stream->view.items[i], path);
	if (r < 0) {
		openmetrics_free(&stream->stream);
		return error_oom(err);
	}
	if (stream->n_sources)
		qsort(stream->sources, stream->n_sources, sizeof(*stream->sources), by_name);
	settle_types(stream);
	*ret = &stream->stream;
	return 0;
}
