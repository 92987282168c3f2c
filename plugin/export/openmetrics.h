/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as OpenMetrics 1.0, as Prometheus text 0.0.4 and as Prometheus' protobuf. */
#ifndef DYNMON_EXPORT_OPENMETRICS_H
#define DYNMON_EXPORT_OPENMETRICS_H

#include "export/exposition.h"
#include "export/stream.h"
#include "monitor/registry.h"

/*
 * All exported metrics with scalar values. Every sample has the labels monitor,
 * interface and path, then the document's own, then index for arrays of several entries
 * or the key's fields; a later label of a taken name gets the prefix "exported_".
 * A family comes once, however many monitors have it; where they disagree about its type it is
 * unknown. After those of all monitors come the plugin's own figures, figures.h, whose names no
 * metric gets. The snapshot is taken, also on failure.
 */
int openmetrics_stream_new(struct snapshot *snapshot, enum exposition exposition,
			   struct stream **ret, struct error *err);

/*
 * The same for who only looks: nothing is taken out of a map, no copies are swapped, and no figure
 * counts it as a read. limit: of series of each metric, from 1. Metrics whose values readers take
 * from each other are not in it, metric_is_taken().
 */
int openmetrics_look_new(struct snapshot *snapshot, enum exposition exposition, uint32_t limit,
			 struct stream **ret, struct error *err);

#endif
