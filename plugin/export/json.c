/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/json.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "metric/json.h"
#include "monitor/swap_read.h"

#include <errno.h>
#include <string.h>

/* Fixed text, and the metric whose value follows it. */
struct segment {
	size_t text_end;
	const struct metric *metric;   /* NULL: the last segment */
	const struct monitor *monitor; /* NULL: no monitor */
};

struct json_stream {
	struct stream stream;
	struct snapshot snapshot;
	struct text text; /* the document without values and timestamps */
	struct segment *segments;
	size_t n_segments;
	bool bare; /* write no timestamps */
	/* -- position -- */
	size_t segment;
	size_t text_start;
	bool reading;
	struct metric_json value;
	uint64_t timestamp;
};

/* The document while json_stream_new() splits it into segments. */
struct outline {
	struct json_stream *json;
	const struct json_filter *filter;
	const struct json_frame *frame;
	struct json_writer writer; /* to json->text */
};

static int add_segment(struct json_stream *json, const struct snapshot_metric *each)
{
	struct segment *segment = array_append(json->segments, json->n_segments);

	if (!segment)
		return -ENOMEM;
	*segment = (struct segment){ .text_end = json->text.len };
	if (each) {
		segment->metric = each->metric;
		segment->monitor = each->item->monitor;
	}
	return 0;
}

static void add_links(struct outline *outline)
{
	if (!outline->frame->links)
		return;
	json_key(&outline->writer, "_links");
	text_adds(json_value(&outline->writer), outline->frame->links);
}

/* Adds the metrics of one direction that pass the filter, of n items. Returns 0 or -ENOMEM. */
static int outline_add_metrics(struct outline *outline, struct snapshot_item *items, size_t n,
			       enum direction direction)
{
	const struct snapshot part = { .items = items, .n = n };
	const struct json_filter *filter = outline->filter;
	struct json_writer *writer = &outline->writer;
	enum json_shape shape = outline->frame->shape;
	struct snapshot_metric each = {};

	while (snapshot_next_metric(&part, &each)) {
		const char *name = each.metric->config->name;

		if (each.direction != direction ||
		    (filter->direction >= 0 && filter->direction != (int)direction) ||
		    (filter->interface && strcmp(filter->interface, each.item->interface) != 0) ||
		    (filter->name && strcmp(filter->name, name) != 0))
			continue;
		if (shape != JSON_VALUE) {
			json_object_begin(writer);
			json_member_string(writer, "name", name);
			if (!each.item->alone)
				json_member_string(writer, "interface", each.item->interface);
			json_key(writer, "value");
		}
		json_value(writer);
		if (add_segment(outline->json, &each) < 0)
			return -ENOMEM;
		if (shape == JSON_METRIC)
			add_links(outline);
		if (shape != JSON_VALUE)
			json_object_end(writer);
	}
	return 0;
}

/* Adds the object of a monitor with n items. */
static int add_monitor(struct outline *outline, struct snapshot_item *items, size_t n)
{
	struct json_writer *writer = &outline->writer;

	json_object_begin(writer);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		json_key(writer, direction == INGRESS ? "ingress-metrics" : "egress-metrics");
		json_array_begin(writer);
		if (outline_add_metrics(outline, items, n, direction) < 0)
			return -ENOMEM;
		json_array_end(writer);
	}
	add_links(outline);
	json_object_end(writer);
	return 0;
}

static int add_monitors(struct outline *outline, const struct snapshot *snapshot)
{
	struct json_writer *writer = &outline->writer;
	bool one = outline->filter->one;
	size_t n;

	if (!one)
		json_object_begin(writer);
	for (size_t i = 0; i < snapshot->n; i += n) {
		const struct monitor *monitor = snapshot->items[i].monitor;

		for (n = 1; i + n < snapshot->n && snapshot->items[i + n].monitor == monitor; n++)
			;
		if (!one)
			json_key(writer, monitor->name);
		if (add_monitor(outline, &snapshot->items[i], n) < 0)
			return -ENOMEM;
	}
	if (!one)
		json_object_end(writer);
	return 0;
}

static int add_list(struct outline *outline, const struct snapshot *snapshot)
{
	struct json_writer *writer = &outline->writer;

	json_array_begin(writer);
	if (outline_add_metrics(outline, snapshot->items, snapshot->n,
				(enum direction)outline->filter->direction) < 0)
		return -ENOMEM;
	if (outline->frame->links && writer->comma) {
		json_array_begin(writer);
		json_put_string(writer, "_links");
		text_adds(json_value(writer), outline->frame->links);
		json_array_end(writer);
	}
	json_array_end(writer);
	return 0;
}

static int split_into_segments(struct json_stream *json, const struct json_filter *filter,
			       const struct json_frame *frame)
{
	struct outline outline = { json, filter, frame, { .out = &json->text } };
	const struct snapshot *snapshot = &json->snapshot;
	int r;

	json->bare = frame->shape == JSON_VALUE;
	if (frame->head)
		text_adds(&json->text, frame->head);
	if (frame->shape == JSON_LIST)
		r = add_list(&outline, snapshot);
	else if (frame->shape == JSON_METRIC || frame->shape == JSON_VALUE)
		r = outline_add_metrics(&outline, snapshot->items, snapshot->n,
					(enum direction)filter->direction);
	else
		r = add_monitors(&outline, snapshot);
	if (r < 0)
		return r;
	if (frame->shape == JSON_LINE)
		text_addc(&json->text, '\n');
	if (frame->tail)
		text_adds(&json->text, frame->tail);
	return add_segment(json, NULL);
}

/* The value is complete: appends its timestamp and goes on to the next segment. */
static void value_end(struct json_stream *json, struct text *out)
{
	metric_json_release(&json->value);
	json->reading = false;
	json->segment++;
	if (json->bare)
		return;
	text_adds(out, ",\"timestamp\":");
	text_u64(out, json->timestamp);
}

static int json_next(struct stream *stream, struct text *out, struct error *err)
{
	struct json_stream *json = (struct json_stream *)stream;
	const struct segment *segment = &json->segments[json->segment];
	const struct metric *metric = segment->metric;
	uint64_t start = clock_now_ns();
	int r;

	if (!json->reading) {
		text_add(out, json->text.data + json->text_start,
			 segment->text_end - json->text_start);
		json->text_start = segment->text_end;
		if (!metric) {
			snapshot_note_read(&json->snapshot, READER_JSON);
			return text_status(out) < 0 ? error_oom(err) : 0;
		}
		r = metric_json_init(&json->value, metric);
		if (r < 0)
			return error_set(err, r, "metric \"%s\": %s", metric->config->name,
					 map_reader_strerror(r));
		json->timestamp = (uint64_t)clock_wall_us();
		json->reading = true;
	}
	r = metric_json_next(&json->value, out);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0) /* continue with the next metric */
		metric_log_failure(metric, r);
	if (r <= 0)
		value_end(json, out);
	if (segment->monitor)
		read_stats_add(segment->monitor->read_stats, READER_JSON, 0,
			       clock_now_ns() - start);
	return 1;
}

static void json_free(struct stream *stream)
{
	struct json_stream *json = (struct json_stream *)stream;

	if (json->reading)
		metric_json_release(&json->value);
	snapshot_release(&json->snapshot);
	text_release(&json->text);
	free(json->segments);
	free(json);
}

int json_stream_new(struct snapshot *snapshot, const struct json_filter *filter,
		    const struct json_frame *frame, struct stream **ret, struct error *err)
{
	const struct json_frame line = { .shape = JSON_LINE };
	struct json_stream *json = calloc(1, sizeof(*json));

	if (!json) {
		snapshot_release(snapshot);
		return error_oom(err);
	}
	json->stream = (struct stream){ json_next, json_free };
	json->snapshot = *snapshot;
	*snapshot = (struct snapshot){};
	snapshot_collect(&json->snapshot);
	if (split_into_segments(json, filter, frame ? frame : &line) < 0 ||
	    text_status(&json->text) < 0) {
		json_free(&json->stream);
		return error_oom(err);
	}
	*ret = &json->stream;
	return 0;
}
