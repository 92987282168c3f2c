/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP paths outside the REST API: /metrics, /healthz, /status and /. Their handlers change
 * nothing and may run concurrently.
 *
 * / is the status page page.html, which is embedded in the plugin and requests /status and
 * /metrics?look=N; clients that are not browsers get a list of monitors instead.
 */
#ifndef DYNMON_SERVE_HTTP_ROUTE_H
#define DYNMON_SERVE_HTTP_ROUTE_H

#include "serve/http_exchange.h"

struct http_route;

/* Returns the route of a decoded path; NULL if the path belongs to the REST API. */
const struct http_route *http_route_find(const char *path);

/* Answers a request. answer: zeroed. */
void http_route_run(const struct http_route *route, struct exchange *exchange,
		    struct http_answer *answer);

#endif
