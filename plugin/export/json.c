/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/json.h"
#include "base/log.h"
#include "metric/json.h"
#include "monitor/collect.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Fixed text, and the metric whose value follows it. */
struct piece {
	size_t text_end;
	const struct metric *metric;   /* NULL: only text */
	const struct monitor *monitor; /* NULL: of none */
};

struct json_stream {
	struct stream stream;
	struct view view;
	struct text text; /* everything but values and timestamps */
	struct piece *pieces;
	size_t n_pieces, size;
	/* where it is */
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

/* The metrics of one instance on one path; first: none stands before them in the list. */
static int add_metrics(struct json_stream *json, const struct view_item *item, int path,
		       const struct json_filter *filter, bool *first)
{
	const struct generation_path *from;

	if (!item->generation || (filter->path >= 0 && filter->path != path))
		return 0;
	from = &item->generation->paths[path];
	for (size_t i = 0; i < from->n_metrics; i++) {
		const char *name = from->metrics[i].config->name;
		int r;

		if (filter->name && strcmp(filter->name, name) != 0)
			continue;
		text_adds(&json->text, *first ? "{\"name\":" : ",{\"name\":");
		*first = false;
		text_json(&json->text, name, strlen(name));
		if (!item->alone) {
			text_adds(&json->text, ",\"interface\":");
			text_json(&json->text, item->interface, strlen(item->interface));
		}
		text_adds(&json->text, ",\"value\":");
		r = add_piece(json, &from->metrics[i], item->monitor);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One monitor: its n instances. */
static int add_monitor(struct json_stream *json, const struct view_item *items, size_t n,
		       const struct json_filter *filter)
{
	for (int path = 0; path < PATH_COUNT; path++) {
		bool first = true;

		text_printf(&json->text, "%s\"%s-metrics\":[", path ? "," : "{",
			    path_name((enum path)path));
		for (size_t i = 0; i < n; i++) {
			int r = add_metrics(json, &items[i], path, filter, &first);

			if (r < 0)
				return r;
		}
		text_addc(&json->text, ']');
	}
	text_addc(&json->text, '}');
	return 0;
}

static int build(struct json_stream *json, const struct json_filter *filter)
{
	const struct view *view = &json->view;
	size_t n;

	if (!filter->one)
		text_addc(&json->text, '{');
	for (size_t i = 0; i < view->n; i += n) {
		const struct monitor *monitor = view->items[i].monitor;
		int r;

		for (n = 1; i + n < view->n && view->items[i + n].monitor == monitor; n++)
			;
		if (!filter->one) {
			if (i)
				text_addc(&json->text, ',');
			text_json(&json->text, monitor->settings.name,
				  strlen(monitor->settings.name));
			text_addc(&json->text, ':');
		}
		r = add_monitor(json, &view->items[i], n, filter);
		if (r < 0)
			return r;
	}
	if (!filter->one)
		text_addc(&json->text, '}');
	text_addc(&json->text, '\n');
	return add_piece(json, NULL, NULL);
}

static int value_begin(struct json_stream *json, const struct metric *metric)
{
	struct timespec now;
	int r = metric_json_init(&json->value, metric);

	if (r < 0)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	json->timestamp = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	json->reading = true;
	return 0;
}

static void value_end(struct json_stream *json, struct text *out)
{
	metric_json_release(&json->value);
	json->reading = false;
	text_adds(out, ",\"timestamp\":");
	text_u64(out, json->timestamp);
	text_addc(out, '}');
}

static int json_next(struct stream *stream, struct text *out, struct error *err)
{
	struct json_stream *json = (struct json_stream *)stream;
	const struct piece *piece = &json->pieces[json->piece];
	uint64_t start = figure_clock();
	int r;

	if (!json->reading) {
		text_add(out, json->text.data + json->text_start,
			 piece->text_end - json->text_start);
		json->text_start = piece->text_end;
		if (!piece->metric) {
			view_note_read(&json->view, READER_JSON);
			return text_status(out) < 0 ? error_oom(err) : 0;
		}
		r = value_begin(json, piece->metric);
		if (r < 0)
			return error_set(err, r, "metric \"%s\": %s", piece->metric->config->name,
					 strerror(-r));
	}
	r = metric_json_next(&json->value, out);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0 && metric_tell_trouble(piece->metric)) /* no other metric suffers from it */
		log_error("reading map %s of metric \"%s\": %s", piece->metric->config->map_name,
			  piece->metric->config->name, strerror(-r));
	if (r <= 0) {
		value_end(json, out);
		json->piece++;
	}
	if (piece->monitor)
		readings_add(piece->monitor->readings, READER_JSON, 0, figure_clock() - start);
	return 1;
}

static void json_free(struct stream *stream)
{
	struct json_stream *json = (struct json_stream *)stream;

	if (json->reading)
		metric_json_release(&json->value);
	view_release(&json->view);
	text_release(&json->text);
	free(json->pieces);
	free(json);
}

int json_stream_new(struct view *view, const struct json_filter *filter, struct stream **ret,
		    struct error *err)
{
	struct json_stream *json = calloc(1, sizeof(*json));

	if (!json) {
		view_release(view);
		return error_oom(err);
	}
	json->stream = (struct stream){ json_next, json_free };
	json->view = *view;
	*view = (struct view){};
	view_collect(&json->view);
	if (build(json, filter) < 0 || text_status(&json->text) < 0) {
		json_free(&json->stream);
		return error_oom(err);
	}
	*ret = &json->stream;
	return 0;
}
