/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .../metrics and .../open-metrics: streams, however large the maps are. */
#include "base/clock.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "serve/rest_private.h"

#include <errno.h>
#include <microhttpd.h>
#include <time.h>

bool rest_view_takes(const struct view *view)
{
	for (size_t i = 0; i < view->n; i++) {
		const struct generation *generation = view->items[i].generation;

		for (int path = 0; generation && path < PATH_COUNT; path++)
			for (size_t j = 0; j < generation->paths[path].n_metrics; j++) {
				const struct metric *metric = &generation->paths[path].metrics[j];

				if (metric->config->empty_on_read || metric->swapped ||
				    map_kind(metric->map.type) == MAP_QUEUE)
					return true;
			}
	}
	return false;
}

bool rest_refuse_foreign(struct rest_call *call, struct view *view)
{
	if (!call->request->foreign || !rest_view_takes(view))
		return false;
	view_release(view);
	*view = (struct view){};
	rest_answer_words(call->answer, MHD_HTTP_FORBIDDEN, REST_FOREIGN);
	return true;
}

/* What the monitor in the path has. false: the answer says why not. */
static bool rest_metrics_begin(struct rest_call *call, struct view *view)
{
	_cleanup_error_ struct error err = {};
	int r = registry_view(call->request->registry, rest_word(call, 1), view, &err);

	if (r == -ENOENT)
		rest_missing(call, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	return r == 0 && !rest_refuse_foreign(call, view);
}

/* Takes the view. */
static void stream(struct rest_call *call, struct view *view, const struct json_filter *filter,
		   enum json_shape shape, struct text *links)
{
	const struct json_frame frame = { .shape = shape, .links = links ? text_str(links) : NULL };
	_cleanup_error_ struct error err = {};

	if (json_stream_new(view, filter, &frame, &call->answer->stream, &err) < 0)
		rest_failed(call, &err);
	else
		rest_json(call);
}

void rest_get_metrics(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .path = -1, .interface = interface, .one = true };
	_cleanup_text_ struct text links = {};
	struct view view;

	if (!rest_metrics_begin(call, &view))
		return;
	rest_links(call, &links);
	stream(call, &view, &filter, JSON_OBJECT, &links);
}

static int rest_metrics_path_of(const struct rest_call *call)
{
	return strcmp(rest_word(call, 3), "egress-metrics") == 0 ? PATH_EGRESS : PATH_INGRESS;
}

/* The metrics of a path, one after the other; NULL: there are no more. */
static const struct metric *next_metric(const struct view *view, int path, size_t *item, size_t *i)
{
	for (; *item < view->n; ++*item, *i = 0) {
		const struct generation *generation = view->items[*item].generation;

		if (generation && *i < generation->paths[path].n_metrics)
			return &generation->paths[path].metrics[(*i)++];
	}
	return NULL;
}

void rest_get_metric_list(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .path = rest_metrics_path_of(call),
					    .interface = interface,
					    .one = true };
	_cleanup_text_ struct text links = {};
	const struct metric *metric;
	size_t item = 0, i = 0;
	struct view view;

	if (!rest_metrics_begin(call, &view))
		return;
	rest_links_begin(call, &links);
	while ((metric = next_metric(&view, filter.path, &item, &i)))
		if (!item) /* the other interfaces have the same ones */
			rest_links_add(call, &links, metric->config->name);
	rest_links_end(&links);
	stream(call, &view, &filter, JSON_LIST, &links);
}

/* Looks for the one metric that a filter lets through. false: the answer says why it is not one. */
static bool find_metric(struct rest_call *call, const struct view *view,
			const struct json_filter *filter)
{
	_cleanup_text_ struct text words = {}, interfaces = {};
	const struct metric *metric;
	size_t item = 0, i = 0, found = 0;

	while ((metric = next_metric(view, filter->path, &item, &i))) {
		const char *interface = view->items[item].interface;

		if (strcmp(metric->config->name, filter->name) != 0)
			continue;
		text_printf(&interfaces, "%s%s", interfaces.len ? ", " : "", interface);
		if (!filter->interface || !strcmp(filter->interface, interface))
			found++;
	}
	if (found == 1)
		return true;
	if (found) {
		text_printf(
			&words,
			"the monitor is on several interfaces: say which, ?interface=NAME, of %s",
			text_str(&interfaces));
		rest_error(call, MHD_HTTP_BAD_REQUEST, "missing-attribute", "interface",
			   text_str(&words));
	} else if (interfaces.len) {
		text_printf(&words, "the monitor is not on interface \"%.60s\", but on %s",
			    filter->interface ? filter->interface : "", text_str(&interfaces));
		rest_missing(call, text_str(&words));
	} else {
		text_printf(&words, "no metric of that path is called \"%.100s\"", filter->name);
		rest_missing(call, text_str(&words));
	}
	return false;
}

static void answer_timestamp(struct rest_call *call)
{
	text_i64(&call->answer->body, clock_wall_us());
	rest_json(call);
}

/* A metric, or one of its members; only its value reads the map. */
void rest_get_metric(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const char *leaf = rest_word(call, 5);
	const struct json_filter filter = {
		.path = rest_metrics_path_of(call),
		.name = rest_word(call, 4),
		.interface = interface,
		.one = true,
	};
	_cleanup_text_ struct text links = {};
	_cleanup_(view_release) struct view view = {};

	if (!rest_metrics_begin(call, &view) || !find_metric(call, &view, &filter))
		return;
	if (!leaf) {
		rest_links(call, &links);
		stream(call, &view, &filter, JSON_METRIC, &links);
	} else if (!strcmp(leaf, "value")) {
		stream(call, &view, &filter, JSON_VALUE, NULL);
	} else if (!strcmp(leaf, "timestamp")) {
		answer_timestamp(call);
	} else {
		text_json(&call->answer->body, filter.name, strlen(filter.name));
		rest_json(call);
	}
}

void rest_get_open_metrics(struct rest_call *call)
{
	_cleanup_error_ struct error err = {};
	struct view view;

	if (!rest_metrics_begin(call, &view))
		return;
	if (openmetrics_stream_new(&view, EXPOSITION_OPENMETRICS, &call->answer->stream, &err) <
	    0) {
		rest_failed(call, &err);
		return;
	}
	call->answer->status = MHD_HTTP_OK;
	call->answer->content_type = REST_TEXT;
}
