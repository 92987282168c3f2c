/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_metrics.h"
#include "base/clock.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/text_encoder.h"
#include "serve/rest_schema.h"

#include <errno.h>
#include <microhttpd.h>

/* Takes a snapshot of the monitor in the path. The snapshot is empty after a failure. */
static int take_snapshot(struct rest_call *call, struct snapshot *snapshot, struct error *err)
{
	int r = registry_snapshot(call->request->registry, rest_word(call, 1), snapshot, err);

	if (r == 0)
		r = rest_check_foreign(call, snapshot, err);
	if (r < 0) {
		snapshot_release(snapshot);
		*snapshot = (struct snapshot){};
	}
	return r;
}

/* Takes ownership of the snapshot. */
static int start_stream(struct rest_call *call, struct snapshot *snapshot,
			const struct json_filter *filter, enum json_shape shape, struct text *links,
			struct error *err)
{
	const struct json_frame frame = { .shape = shape, .links = links ? text_str(links) : NULL };

	return json_stream_new(snapshot, filter, &frame, &call->answer->stream, err);
}

int rest_get_metrics(struct rest_call *call, struct error *err)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .direction = -1, .interface = interface, .one = true };
	_cleanup_text_ struct text links = {};
	struct json_writer json = { .out = &links };
	struct snapshot snapshot = {};
	int r = take_snapshot(call, &snapshot, err);

	if (r < 0)
		return r;
	rest_schema_links(call, &json);
	return start_stream(call, &snapshot, &filter, JSON_OBJECT, &links, err);
}

static int metrics_direction(const struct rest_call *call)
{
	return strcmp(rest_word(call, 3), "egress-metrics") == 0 ? EGRESS : INGRESS;
}

int rest_get_metric_list(struct rest_call *call, struct error *err)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const struct json_filter filter = { .direction = metrics_direction(call),
					    .interface = interface,
					    .one = true };
	_cleanup_text_ struct text links = {};
	struct json_writer json = { .out = &links };
	struct snapshot_metric each = {};
	struct snapshot snapshot = {};
	int r = take_snapshot(call, &snapshot, err);

	if (r < 0)
		return r;
	rest_links_begin(call, &json);
	/* All instances have the same metrics. */
	while (snapshot.n && snapshot_item_next_metric(snapshot.items, &each))
		if ((int)each.direction == filter.direction)
			rest_links_add(call, &json, each.metric->config->name);
	json_array_end(&json);
	return start_stream(call, &snapshot, &filter, JSON_LIST, &links, err);
}

/* Checks that exactly one metric passes the filter. */
static int find_metric(struct rest_call *call, const struct snapshot *snapshot,
		       const struct json_filter *filter, struct error *err)
{
	_cleanup_text_ struct text interfaces = {};
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
		return 0;
	if (found)
		return rest_invalid(call, "interface",
				    error_set(err, -ENODATA,
					      "the monitor has several interfaces: select one with "
					      "?interface=NAME, one of %s",
					      text_str(&interfaces)));
	if (interfaces.len)
		return error_set(err, -ENOENT,
				 "the monitor is not on interface \"%.60s\", but on %s",
				 filter->interface ? filter->interface : "", text_str(&interfaces));
	return error_set(err, -ENOENT, "metric \"%.100s\" does not exist in this direction",
			 filter->name);
}

/* Answers with a metric or one of its members. Only the value requires a read of the map. */
int rest_get_metric(struct rest_call *call, struct error *err)
{
	_cleanup_free_ char *interface = rest_query(call->request->uri, "interface");
	const char *leaf = rest_word(call, 5);
	const struct json_filter filter = {
		.direction = metrics_direction(call),
		.name = rest_word(call, 4),
		.interface = interface,
		.one = true,
	};
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_text_ struct text links = {};
	struct json_writer json = { .out = &links };
	int r = take_snapshot(call, &snapshot, err);

	if (r == 0)
		r = find_metric(call, &snapshot, &filter, err);
	if (r < 0)
		return r;
	if (!leaf) {
		rest_schema_links(call, &json);
		r = start_stream(call, &snapshot, &filter, JSON_METRIC, &links, err);
	} else if (!strcmp(leaf, "value")) {
		r = start_stream(call, &snapshot, &filter, JSON_VALUE, NULL, err);
	} else if (!strcmp(leaf, "timestamp")) {
		json_put_i64(&call->json, clock_wall_us());
	} else {
		json_put_string(&call->json, filter.name);
	}
	return r;
}

int rest_get_open_metrics(struct rest_call *call, struct error *err)
{
	struct snapshot snapshot = {};
	int r = take_snapshot(call, &snapshot, err);

	if (r < 0)
		return r;
	call->answer->content_type = HTTP_TEXT;
	return openmetrics_stream_new(&snapshot, &encoding_openmetrics, &call->answer->stream, err);
}
