/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .../metrics and .../open-metrics. The answers are streams, because maps may be large. */
#ifndef DYNMON_SERVE_REST_METRICS_H
#define DYNMON_SERVE_REST_METRICS_H

#include "serve/rest_call.h"

/* Handlers. */
int rest_get_metrics(struct rest_call *call, struct error *err);
int rest_get_metric_list(struct rest_call *call, struct error *err);
int rest_get_metric(struct rest_call *call, struct error *err);
int rest_get_open_metrics(struct rest_call *call, struct error *err);

#endif
