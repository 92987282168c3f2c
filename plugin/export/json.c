/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "metric/json.h"
#include "monitor/swap_read.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* A piece of fixed text and the metric whose value follows. */
struct piece {
	size_t text_end;
	const struct metric *metric;   /* NULL: text only */
	const struct monitor *monitor; /* NULL: no monitor */
};

struct json_stream {
	struct stream stream;
	struct snapshot snapshot;
	struct text text; /* the document without values and timestamps */
	struct piece *pieces;
	size_t n_pieces, size;
	bool bare; /* write no timestamps */
	/* -- position -- */
	size_t piece;
	size_t text_start;
	bool reading;
	struct metric_json value;
	uint64_t timestamp;
};

static int add_piece(struct json_stream *json, const struct metric *metric,
		     const struct monitor *monitor)
{
	if (json->n_pieces == json->size) {
		size_t size = json->size ? 2 * json->size : 16;
		struct piece *pieces = realloc(json->pieces, size * sizeof(*pieces));

		if (!pieces)
			return -ENOMEM;
		json->pieces = pieces;
		json->size = size;
	}
	json->pieces[json->n_pieces++] = (struct piece){ json->text.len, metric, monitor };
	return 0;
}

/* The state of build(), which splits the document into pieces. */
struct building {
	struct json_stream *json;
	const struct json_filter *filter;
	const struct json_frame *frame;
	bool first; /* the next metric is the first of its list */
};

static void add_links(const struct building *building)
{
	if (building->frame->links)
		text_printf(&building->json->text, ",\"_links\":%s", building->frame->links);
}

static int json_add_metric(struct building *building, const struct snapshot_item *item,
			   const struct metric *metric)
{
	enum json_shape shape = building->frame->shape;
	struct text *text = &building->json->text;
	const char *name = metric->config->name;
	int r;

	if (shape == JSON_VALUE)
		return add_piece(building->json, metric, item->monitor);
	text_adds(text, building->first ? "{\"name\":" : ",{\"name\":");
	building->first = false;
	text_json(text, name, strlen(name));
	if (!item->alone) {
		text_adds(text, ",\"interface\":");
		text_json(text, item->interface, strlen(item->interface));
	}
	text_adds(text, ",\"value\":");
	r = add_piece(building->json, metric, item->monitor);
	if (shape == JSON_METRIC)
		add_links(building);
	text_addc(text, '}');
	return r;
}

/* Adds the metrics of one instance on one direction. */
static int json_add_metrics(struct building *building, const struct snapshot_item *item,
			    int direction)
{
	const struct json_filter *filter = building->filter;
	const struct generation_direction *from;

	if (!item->generation || (filter->direction >= 0 && filter->direction != direction) ||
	    (filter->interface && strcmp(filter->interface, item->interface) != 0))
		return 0;
	from = &item->generation->directions[direction];
	for (size_t i = 0; i < from->n_metrics; i++) {
		int r;

		if (filter->name && strcmp(filter->name, from->metrics[i].config->name) != 0)
			continue;
		r = json_add_metric(building, item, &from->metrics[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds the metrics of n instances on one direction. */
static int json_add_direction(struct building *building, const struct snapshot_item *items,
			      size_t n, int direction)
{
	int r = 0;

	building->first = true;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = json_add_metrics(building, &items[i], direction);
	return r;
}

/* Adds a monitor with n instances. */
static int add_monitor(struct building *building, const struct snapshot_item *items, size_t n)
{
	struct text *text = &building->json->text;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int r;

		text_printf(text, "%s\"%s-metrics\":[", direction ? "," : "{",
			    direction_name(direction));
		r = json_add_direction(building, items, n, direction);
		if (r < 0)
			return r;
		text_addc(text, ']');
	}
	add_links(building);
	text_addc(text, '}');
	return 0;
}

static int add_list(struct building *building, const struct snapshot *snapshot)
{
	struct text *text = &building->json->text;
	int r;

	text_addc(text, '[');
	r = json_add_direction(building, snapshot->items, snapshot->n, building->filter->direction);
	if (building->frame->links && !building->first)
		text_printf(text, ",[\"_links\",%s]", building->frame->links);
	text_addc(text, ']');
	return r;
}

static int add_monitors(struct building *building, const struct snapshot *snapshot)
{
	struct text *text = &building->json->text;
	size_t n;

	if (!building->filter->one)
		text_addc(text, '{');
	for (size_t i = 0; i < snapshot->n; i += n) {
		const struct monitor *monitor = snapshot->items[i].monitor;
		int r;

		for (n = 1; i + n < snapshot->n && snapshot->items[i + n].monitor == monitor; n++)
			;
		if (!building->filter->one) {
			if (i)
				text_addc(text, ',');
			text_json(text, monitor->name, strlen(monitor->name));
			text_addc(text, ':');
		}
		r = add_monitor(building, &snapshot->items[i], n);
		if (r < 0)
			return r;
	}
	if (!building->filter->one)
		text_addc(text, '}');
	return 0;
}

static int build(struct json_stream *json, const struct json_filter *filter,
		 const struct json_frame *frame)
{
	struct building building = { json, filter, frame, true };
	const struct snapshot *snapshot = &json->snapshot;
	int r;

	json->bare = frame->shape == JSON_VALUE;
	text_adds(&json->text, frame->head ? frame->head : "");
	if (frame->shape == JSON_LIST)
		r = add_list(&building, snapshot);
	else if (frame->shape == JSON_METRIC || frame->shape == JSON_VALUE)
		r = json_add_direction(&building, snapshot->items, snapshot->n, filter->direction);
	else
		r = add_monitors(&building, snapshot);
	if (r < 0)
		return r;
	if (frame->shape == JSON_LINE)
		text_addc(&json->text, '\n');
	text_adds(&json->text, frame->tail ? frame->tail : "");
	return add_piece(json, NULL, NULL);
}

static int value_begin(struct json_stream *json, const struct metric *metric)
{
	int r = metric_json_init(&json->value, metric);

	if (r < 0)
		return r;
	json->timestamp = (uint64_t)clock_wall_us();
	json->reading = true;
	return 0;
}

static void value_end(struct json_stream *json, struct text *out)
{
	metric_json_release(&json->value);
	json->reading = false;
	if (json->bare)
		return;
	text_adds(out, ",\"timestamp\":");
	text_u64(out, json->timestamp);
}

static int json_next(struct stream *stream, struct text *out, struct error *err)
{
	struct json_stream *json = (struct json_stream *)stream;
	const struct piece *piece = &json->pieces[json->piece];
	uint64_t start = clock_now_ns();
	int r;

	if (!json->reading) {
		text_add(out, json->text.data + json->text_start,
			 piece->text_end - json->text_start);
		json->text_start = piece->text_end;
		if (!piece->metric) {
			snapshot_note_read(&json->snapshot, READER_JSON);
			return text_status(out) < 0 ? error_oom(err) : 0;
		}
		r = value_begin(json, piece->metric);
		if (r < 0)
			return error_set(err, r, "metric \"%s\": %s", piece->metric->config->name,
					 map_reader_strerror(r));
	}
	r = metric_json_next(&json->value, out);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0 && metric_tell_trouble(piece->metric)) /* continue with the next metric */
		log_error("%sreading map %s of metric \"%s\": %s", metric_owner(piece->metric),
			  piece->metric->config->map_name, piece->metric->config->name,
			  map_reader_strerror(r));
	if (r <= 0) {
		value_end(json, out);
		json->piece++;
	}
	if (piece->monitor)
		read_stats_add(piece->monitor->read_stats, READER_JSON, 0, clock_now_ns() - start);
	return 1;
}

static void json_free(struct stream *stream)
{
	struct json_stream *json = (struct json_stream *)stream;

	if (json->reading)
		metric_json_release(&json->value);
	snapshot_release(&json->snapshot);
	text_release(&json->text);
	free(json->pieces);
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
	if (build(json, filter, frame ? frame : &line) < 0 || text_status(&json->text) < 0) {
		json_free(&json->stream);
		return error_oom(err);
	}
	*ret = &json->stream;
	return 0;
}
