/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the status page shows beside the metrics themselves, as JSON documents. */
#ifndef DYNMON_EXPORT_OVERVIEW_H
#define DYNMON_EXPORT_OVERVIEW_H

#include "monitor/registry.h"

/*
 * {"version": ..., "figures": [...], "monitors": [...]}: self_metrics_json() of the plugin and
 * status_summary_json() of each monitor. Asks the kernel nothing. -ENOMEM.
 */
int overview_json(struct registry *registry, struct text *out, struct error *err);

/*
 * {"monitor": {...}, "figures": [...], "metrics": [...]} of one monitor: status_json(),
 * self_metrics_json(), and each metric's name, path, and where its values are to be seen:
 *   series     among the samples of openmetrics_look_new()
 *   last-read  there, too, as the last one who read it found them
 *   taken      only by who reads it, and takes them from all others
 *   json       only as JSON: it is not exported, or has no number
 * -ENOENT: no such monitor.
 */
int overview_monitor_json(struct registry *registry, const char *name, struct text *out,
			  struct error *err);

#endif
