/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .../metrics and .../open-metrics. The answers are streams, because maps may be large. */
#include "base/clock.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/text_encoder.h"
#include "serve/rest_private.h"

#include <errno.h>
#include <microhttpd.h>
#include <time.h>

bool rest_refuse_foreign(struct rest_call *call, struct snapshot *snapshot)
{
	if (!call->request->foreign || !http_snapshot_takes(snapshot))
		return false;
	snapshot_release(snapshot);
	*snapshot = (struct snapshot){};
	http_answer_text(call->answer, MHD_HTTP_FORBIDDEN, HTTP_FOREIGN);
	return true;
}

/* Takes a snapshot of the monitor in the path. Returns false with an error in the answer. */
static bool rest_metrics_begin(struct rest_call *call, struct snapshot *snapshot)
{
	_cleanup_error_ struct error err = {};
	int r = registry_snapshot(call->request->registry, rest_word(call, 1), snapshot, &err);

	if (r == -ENOENT)
		rest_missing(call, error_message(&err));
	else if (r < 0)
		rest_failed(call, &err);
	return r == 0 && !rest_refuse_foreign(call, snapshot);
}

/* Takes ownership of the snapshot. */
static void stream(struct rest_call *call, struct snapshot *snapshot,
		   const struct json_filter *filter, enum json_shape shape, struct text *links)
{
	const struct json_frame frame = { .shape = shape, .links = links ? text_str(links) : NULL };
	_cleanup_error_ struct error err = {};

	if (json_stream_new(snapshot, filter, &frame, &call->answer->stream, &err) < 0)
		rest_failed(call, &err);
	else
		rest_json(call);
}

void rest_get_metrics(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .direction = -1, .interface = interface, .one = true };
	_cleanup_text_ struct text links = {};
	struct snapshot snapshot;

	if (!rest_metrics_begin(call, &snapshot))
		return;
	rest_links(call, &links);
	stream(call, &snapshot, &filter, JSON_OBJECT, &links);
}

static int rest_metrics_direction_of(const struct rest_call *call)
{
	return strcmp(rest_word(call, 3), "egress-metrics") == 0 ? EGRESS : INGRESS;
}

void rest_get_metric_list(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .direction = rest_metrics_direction_of(call),
					    .interface = interface,
					    .one = true };
	_cleanup_text_ struct text links = {};
	struct snapshot_metric each = {};
	struct snapshot snapshot;

	if (!rest_metrics_begin(call, &snapshot))
		return;
	rest_links_begin(call, &links);
	/* All instances have the same metrics. */
	while (snapshot.n && snapshot_item_next_metric(snapshot.items, &each))
		if ((int)each.direction == filter.direction)
			rest_links_add(call, &links, each.metric->config->name);
	rest_links_end(&links);
	stream(call, &snapshot, &filter, JSON_LIST, &links);
}

/* Checks that exactly one metric passes the filter. Returns false with an error in the answer. */
static bool find_metric(struct rest_call *call, const struct snapshot *snapshot,
			const struct json_filter *filter)
{
	_cleanup_text_ struct text words = {}, interfaces = {};
	struct snapshot_metric each = {};
	size_t found = 0;

	while (snapshot_next_metric(snapshot, &each)) {
		const char *interface = each.item->interface;

		if ((int)each.direction != filter->direction ||
		    strcmp(each.metric->config->name, filter->name) != 0)
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
		text_printf(&words, "no metric of that direction is called \"%.100s\"",
			    filter->name);
		rest_missing(call, text_str(&words));
	}
	return false;
}

static void answer_timestamp(struct rest_call *call)
{
	text_i64(&call->answer->body, clock_wall_us());
	rest_json(call);
}

/* Answers with a metric or one of its members. Only the value requires a read of the map. */
void rest_get_metric(struct rest_call *call)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const char *leaf = rest_word(call, 5);
	const struct json_filter filter = {
		.direction = rest_metrics_direction_of(call),
		.name = rest_word(call, 4),
		.interface = interface,
		.one = true,
	};
	_cleanup_text_ struct text links = {};
	_cleanup_(snapshot_release) struct snapshot snapshot = {};

	if (!rest_metrics_begin(call, &snapshot) || !find_metric(call, &snapshot, &filter))
		return;
	if (!leaf) {
		rest_links(call, &links);
		stream(call, &snapshot, &filter, JSON_METRIC, &links);
	} else if (!strcmp(leaf, "value")) {
		stream(call, &snapshot, &filter, JSON_VALUE, NULL);
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
	struct snapshot snapshot;

	if (!rest_metrics_begin(call, &snapshot))
		return;
	if (openmetrics_stream_new(&snapshot, &encoding_openmetrics, &call->answer->stream, &err) <
	    0) {
		rest_failed(call, &err);
		return;
	}
	call->answer->status = MHD_HTTP_OK;
	call->answer->content_type = HTTP_TEXT;
}
