/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paths of HTTP that are not of the REST: /metrics, /healthz, /status and /. They change
 * nothing. Any number of threads may run them at the same time.
 */
#ifndef DYNMON_SERVE_HTTP_ROUTE_H
#define DYNMON_SERVE_HTTP_ROUTE_H

#include "monitor/registry.h"
#include "serve/http_exchange.h"

struct http_route;

/* The route of a decoded path; NULL: the path is of the REST. */
const struct http_route *http_route_find(const char *path);

bool http_is_head(const char *method);

/* Answers a request. Return: MHD_NO if the connection must end without a response. */
enum MHD_Result http_route_run(const struct http_route *route, struct registry *registry,
			       struct MHD_Connection *connection, const char *method,
			       struct exchange *exchange);

#endif
