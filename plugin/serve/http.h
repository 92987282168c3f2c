/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP: GET /metrics, /healthz, /status and /, and Polycube's REST (serve/rest.h) on all other
 * paths. Each connection has a thread of libmicrohttpd: an injection that takes seconds holds up no
 * scrape, nor does a slow client (serve/http_clients.h). A response is made batch by batch as its
 * client takes it.
 */
#ifndef DYNMON_SERVE_HTTP_H
#define DYNMON_SERVE_HTTP_H

#include "monitor/registry.h"

#define HTTP_TIMEOUT_SECONDS 10 /* without progress */

struct http;

/* Starts a listener. The registry must outlive it. */
int http_start(const struct http_settings *settings, struct registry *registry, struct http **ret,
	       struct error *err);

/* Where it listens, for messages. Valid until it is stopped. */
const char *http_address(const struct http *http);

/* Takes NULL. */
struct http *http_stop(struct http *http);

#endif
