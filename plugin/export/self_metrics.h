/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin's figures about itself: one table for all who show them.
 *
 * They are taken from a snapshot of all monitors, registry_snapshot(), when somebody looks, and
 * cost nothing otherwise. All functions return -ENOMEM when they fail.
 */
#ifndef DYNMON_EXPORT_SELF_METRICS_H
#define DYNMON_EXPORT_SELF_METRICS_H

#include "export/exposer.h"
#include "export/values.h"
#include "monitor/snapshot.h"

/* What the names of their families begin with, and those of no others. */
#define SELF_COUNTER_PREFIX "dynmon_"

/* As lines "name value", or name{label="...",...} value: for STATS. */
int self_metrics_list(const struct snapshot *snapshot, struct text *out);

/*
 * As a JSON array of objects, each with a name, its labels and a value. Of a snapshot of all
 * monitors the figures of the plugin as a whole; of another one those of its monitors.
 */
int self_metrics_json(const struct snapshot *snapshot, struct text *out);

/* As families of an exposition. */
int self_metrics_expose(const struct snapshot *snapshot, struct exposer *exposer, struct text *out);

/* As values for collectd, without a plugin instance: sink is called for each; no lock is held. */
int self_metrics_read(const struct snapshot *snapshot,
		      void (*sink)(void *data, const struct value *value), void *data);

#endif
