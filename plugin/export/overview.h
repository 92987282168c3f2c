/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON documents of the status page, beside the metrics. Safe from any thread. */
#ifndef DYNMON_EXPORT_OVERVIEW_H
#define DYNMON_EXPORT_OVERVIEW_H

#include "monitor/registry.h"

/**
 * overview_json() - append an overview of the plugin and all monitors
 * @registry: the monitors
 * @out:      receives {"version": ..., "figures": [...], "monitors": [...]}: self_metrics_json() of
 *            the plugin and status_summary_json() of each monitor
 * @err:      receives the reason
 *
 * Makes no requests to the kernel, so it is cheap.
 *
 * Return: 0 or -ENOMEM.
 */
int overview_json(struct registry *registry, struct text *out, struct error *err);

/**
 * overview_monitor_json() - append the details of one monitor
 * @registry: the monitors
 * @name:     name of the monitor
 * @out:      receives {"monitor": {...}, "figures": [...], "metrics": [...]}
 * @err:      receives the reason
 *
 * The members are status_show(), self_metrics_json(), and the name and direction of each metric and
 * where its values are shown:
 *   series     among the samples of openmetrics_look_new()
 *   last-read  likewise, as the last other reader found them
 *   taken      only to a reader that removes them, and so takes them from all others
 *   json       only as JSON: the metric is not exported or has no number
 *
 * Return: 0; -ENOENT if there is no such monitor; -ENOMEM.
 */
int overview_monitor_json(struct registry *registry, const char *name, struct text *out,
			  struct error *err);

#endif
