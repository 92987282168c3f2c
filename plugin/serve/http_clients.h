/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of an HTTP listener, and how long each may take: a slow or silent client holds up
 * nobody. What libmicrohttpd's own timeout does not see, a client that goes on just fast enough,
 * ends here, by a shutdown() of its socket; and when there are too many connections, the one that
 * has been without a whole request for longest makes room.
 *
 * A thread watches the times. All functions are safe from any thread.
 */
#ifndef DYNMON_SERVE_HTTP_CLIENTS_H
#define DYNMON_SERVE_HTTP_CLIENTS_H

#include "base/error.h"

#define HTTP_CLIENTS_MAX     64
#define HTTP_REQUEST_SECONDS 30	 /* for a request to be there in whole, from the answer before */
#define HTTP_ANSWER_SECONDS  300 /* for an answer to be taken */

struct http_clients;
struct http_client;

int http_clients_start(struct http_clients **ret, struct error *err);
/* There must be no client any more. Takes NULL. */
struct http_clients *http_clients_stop(struct http_clients *clients);

/* A connection; the descriptor stays the caller's. NULL: out of memory, and nobody watches it. */
struct http_client *http_clients_add(struct http_clients *clients, int fd);
/* Before its descriptor is closed. Takes NULL. */
void http_clients_remove(struct http_clients *clients, struct http_client *client);

enum http_phase {
	HTTP_WAITING,	/* for a request to be there in whole */
	HTTP_WORKING,	/* at it: as long as that takes */
	HTTP_ANSWERING, /* the client takes the answer */
};

/* client may be NULL. */
void http_client_enter(struct http_clients *clients, struct http_client *client,
		       enum http_phase phase);

#endif
