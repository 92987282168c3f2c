/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A read of metrics as an exposition: OpenMetrics 1.0, Prometheus text or Prometheus protobuf. */
#ifndef DYNMON_EXPORT_OPENMETRICS_H
#define DYNMON_EXPORT_OPENMETRICS_H

#include "export/stream.h"
#include "monitor/registry.h"

struct encoding;

/**
 * openmetrics_stream_new() - begin an exposition of all exported metrics with scalar values
 * @snapshot: the monitors; ownership moves to the stream, also on failure
 * @encoding: the format
 * @ret:      receives the stream
 * @err:      receives the reason
 *
 * Every sample has the labels monitor, interface and direction, then the document's own, then index
 * for arrays of several entries or the fields of the key. If a label name is used already, the
 * later label gets the prefix "exported_". A family appears once, even if several monitors have it;
 * if they disagree about its type, the type is unknown. A snapshot of all monitors also yields the
 * self metrics, whose names no metric gets.
 *
 * Return: 0 or -ENOMEM.
 */
int openmetrics_stream_new(struct snapshot *snapshot, const struct encoding *encoding,
			   struct stream **ret, struct error *err);

/**
 * openmetrics_look_new() - begin an exposition that does not affect other readers
 * @snapshot: as openmetrics_stream_new()
 * @encoding: the format
 * @limit:    series of each metric at most, from 1
 * @ret:      receives the stream
 * @err:      receives the reason
 *
 * The read takes nothing out of a map, swaps no copies and does not count as a read in the self
 * metrics. Metrics for which metric_is_taken() is true are omitted.
 *
 * Return: 0 or -ENOMEM.
 */
int openmetrics_look_new(struct snapshot *snapshot, const struct encoding *encoding, uint32_t limit,
			 struct stream **ret, struct error *err);

#endif
