/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self metrics: metrics about the plugin itself, defined in one table for all outputs.
 *
 * They are computed on demand from a snapshot, see registry_snapshot(), and cost nothing otherwise.
 * The state locks of the monitors are held one at a time, and not while output is produced, so any
 * thread may call these functions. All functions return 0 or -ENOMEM.
 */
#ifndef DYNMON_EXPORT_SELF_METRICS_H
#define DYNMON_EXPORT_SELF_METRICS_H

#include "base/json_writer.h"
#include "export/encoder.h"
#include "export/values.h"
#include "monitor/snapshot.h"

/* Appends lines of the form name value, or name{label="...",...} value, for STATS. */
int self_metrics_list(const struct snapshot *snapshot, struct text *out);

/*
 * Appends a JSON array of objects with name, labels and value. A snapshot of all monitors yields
 * the self metrics of the plugin as a whole, any other snapshot those of its monitors.
 */
int self_metrics_json(const struct snapshot *snapshot, struct json_writer *json);

/* Writes the self metrics as families of an exposition. */
int self_metrics_expose(const struct snapshot *snapshot, struct encoder *encoder, struct text *out);

/**
 * self_metrics_read() - pass the self metrics to collectd
 * @snapshot: the monitors
 * @sink:     called for each value, with no lock held; the value is valid during the call and has
 *            no plugin instance
 * @data:     passed to sink
 *
 * Return: 0 or -ENOMEM.
 */
int self_metrics_read(const struct snapshot *snapshot,
		      void (*sink)(void *data, const struct value *value), void *data);

#endif
