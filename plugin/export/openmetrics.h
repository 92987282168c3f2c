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
 * metric gets. The view is taken, also on failure.
 */
int openmetrics_stream_new(struct view *view, enum exposition exposition, struct stream **ret,
			   struct error *err);

#endif
