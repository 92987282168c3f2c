/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' protobuf format: each family is a MetricFamily message preceded by its length.
 * Histograms are classic, and also native if their buckets are suitable.
 *
 * The encoder holds one family in memory until its end, because the length precedes it; metrics are
 * packed one by one.
 */
#ifndef DYNMON_EXPORT_PROTOBUF_H
#define DYNMON_EXPORT_PROTOBUF_H

#include "export/encoder.h"

extern const struct encoding encoding_protobuf;

#endif
