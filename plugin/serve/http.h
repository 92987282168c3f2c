/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct http: an HTTP listener. GET /metrics, /healthz, /status and /, and Polycube's REST API
 * (serve/rest.h) on all other paths.
 *
 * libmicrohttpd runs a thread per connection. Therefore neither an injection that takes seconds nor
 * a slow client (serve/http_clients.h) delays a scrape. The plugin produces a response in batches,
 * while the client receives it.
 */
#ifndef DYNMON_SERVE_HTTP_H
#define DYNMON_SERVE_HTTP_H

#include "monitor/registry.h"

struct http;

/**
 * http_start() - start a listener
 * @hostname:  an additional name of this host that clients may use; NULL for none
 * @registry:  must outlive the listener
 *
 * Return: 0, or -errno with a message in @err.
 */
int http_start(const struct http_settings *settings, const char *hostname,
	       struct registry *registry, struct http **ret, struct error *err);

/* Returns the address of the listener, for messages. Valid until http_stop(). */
const char *http_address(const struct http *http);

/* Closes all connections. Accepts NULL. Returns NULL. */
struct http *http_stop(struct http *http);

#endif
