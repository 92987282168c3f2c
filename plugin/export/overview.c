/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/overview.h"
#include "export/self_metrics.h"
#include "export/status.h"
#include "metric/reader.h"

#include <string.h>

int overview_json(struct registry *registry, struct text *out, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	int r = registry_list(registry, NULL, &list, err);

	if (r == 0)
		r = registry_snapshot(registry, NULL, &snapshot, err);
	if (r < 0)
		return r;
	text_adds(out, "{\"version\":\"" DYNMON_VERSION "\",\"figures\":");
	if (self_metrics_json(&snapshot, out) < 0)
		return error_oom(err);
	text_adds(out, ",\"monitors\":[");
	for (size_t i = 0; i < list.n; i++) {
		text_adds(out, i ? "," : "");
		status_summary_json(list.monitors[i], out);
	}
	text_adds(out, "]}\n");
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

/* Lists the metrics of the first instance; all instances of a monitor have the same ones. */
static void list_metrics(const struct snapshot *snapshot, struct text *out)
{
	struct snapshot_metric each = {};

	text_adds(out, ",\"metrics\":[");
	for (size_t n = 0; snapshot->n && snapshot_item_next_metric(snapshot->items, &each); n++) {
		const char *name = each.metric->config->name;

		text_adds(out, n ? ",{\"name\":" : "{\"name\":");
		text_json(out, name, strlen(name));
		text_printf(out, ",\"direction\":\"%s\",\"shown\":\"%s\"}",
			    direction_name(each.direction), where_shown(each.metric));
	}
	text_addc(out, ']');
}

int overview_monitor_json(struct registry *registry, const char *name, struct text *out,
			  struct error *err)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	int r = registry_snapshot(registry, name, &snapshot, err);

	if (r < 0)
		return r;
	text_adds(out, "{\"monitor\":");
	r = status_show(registry, name, out, err);
	if (r < 0)
		return r;
	text_adds(out, ",\"figures\":");
	if (self_metrics_json(&snapshot, out) < 0)
		return error_oom(err);
	list_metrics(&snapshot, out);
	text_adds(out, "}\n");
	return text_status(out) < 0 ? error_oom(err) : 0;
}
