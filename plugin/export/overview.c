/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/overview.h"
#include "export/self_metrics.h"
#include "export/status.h"
#include "metric/reader.h"

int overview_json(struct registry *registry, struct text *out, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	struct json_writer json = { .out = out };
	int r = registry_list(registry, NULL, &list, err);

	if (r == 0)
		r = registry_snapshot(registry, NULL, &snapshot, err);
	if (r < 0)
		return r;
	json_object_begin(&json);
	json_member_string(&json, "version", DYNMON_VERSION);
	json_key(&json, "figures");
	if (self_metrics_json(&snapshot, &json) < 0)
		return error_oom(err);
	json_key(&json, "monitors");
	json_array_begin(&json);
	for (size_t i = 0; i < list.n; i++)
		status_summary_json(list.monitors[i], &json);
	json_array_end(&json);
	json_object_end(&json);
	text_addc(out, '\n');
	return text_status(out) < 0 ? error_oom(err) : 0;
}

static const char *where_shown(const struct metric *metric)
{
	if (!metric->n_families)
		return "json";
	if (metric_is_taken(metric))
		return "taken";
	return metric->accumulator ? "last-read" : "series";
}

int overview_monitor_json(struct registry *registry, const char *name, struct text *out,
			  struct error *err)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	struct json_writer json = { .out = out };
	struct snapshot_metric each = {};
	int r = registry_snapshot(registry, name, &snapshot, err);

	if (r < 0)
		return r;
	json_object_begin(&json);
	json_key(&json, "monitor");
	r = status_show(registry, name, json_value(&json), err);
	if (r < 0)
		return r;
	json_key(&json, "figures");
	if (self_metrics_json(&snapshot, &json) < 0)
		return error_oom(err);
	json_key(&json, "metrics");
	json_array_begin(&json);
	/* All instances of a monitor have the same metrics. */
	while (snapshot.n && snapshot_item_next_metric(snapshot.items, &each)) {
		json_object_begin(&json);
		json_member_string(&json, "name", each.metric->config->name);
		json_member_string(&json, "direction", direction_name(each.direction));
		json_member_string(&json, "shown", where_shown(each.metric));
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
	text_addc(out, '\n');
	return text_status(out) < 0 ? error_oom(err) : 0;
}
