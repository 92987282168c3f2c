/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text formats: OpenMetrics 1.0, and version 0.0.4 of Prometheus. */
#ifndef DYNMON_EXPORT_TEXT_ENCODER_H
#define DYNMON_EXPORT_TEXT_ENCODER_H

#include "export/encoder.h"

extern const struct encoding encoding_openmetrics;
extern const struct encoding encoding_prometheus;

#endif
