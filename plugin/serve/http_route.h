/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP paths outside the REST interface: /metrics, /healthz, /status and /. Their handlers
 * change nothing and may run concurrently.
 */
#ifndef DYNMON_SERVE_HTTP_ROUTE_H
#define DYNMON_SERVE_HTTP_ROUTE_H

#include "monitor/registry.h"
#include "serve/http_exchange.h"

struct http_route;

/* Returns the route of a decoded path; NULL if the path belongs to the REST API. */
const struct http_route *http_route_find(const char *path);

bool http_is_head(const char *method);

/* Answers a request. Returns MHD_NO if the connection must end without a response. */
enum MHD_Result http_route_run(const struct http_route *route, struct registry *registry,
			       struct MHD_Connection *connection, const char *method,
			       struct exchange *exchange);

#endif
