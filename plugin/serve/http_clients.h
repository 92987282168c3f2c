/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct http_clients: the connections of one HTTP listener. Its thread accepts them, limits their
 * number, and ends those whose client keeps the plugin waiting. The owner is struct http; all
 * functions but http_clients_new(), _start(), _stop() and _free() may be called from any thread.
 *
 * Only the time in which the plugin waits for a client counts, not the time in which the plugin
 * works or one of its threads waits for a CPU. To make room, a connection is closed only while it
 * has no complete request; a request that arrives at the same moment still gets an answer.
 */
#ifndef DYNMON_SERVE_HTTP_CLIENTS_H
#define DYNMON_SERVE_HTTP_CLIENTS_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/socket.h>

/* Connections; more wait in the kernel's queue. */
#define HTTP_CLIENTS_MAX 256
/*
 * Requests in progress, and the limit for those that may change something. Others get status 503.
 */
#define HTTP_WORK_MAX	 224
#define HTTP_CHANGES_MAX 160

#define HTTP_IDLE_SECONDS    30 /* without a request */
#define HTTP_REQUEST_SECONDS 30 /* from the first line of a request to its end */
#define HTTP_BLOCK_SECONDS                                                                         \
	30			/* until the client has taken a block of an answer, at most 64 KiB \
				 */
#define HTTP_ANSWER_SECONDS 300 /* waiting for the client, over all blocks of an answer */

struct http_clients;
struct http_client;

enum http_phase {
	HTTP_IDLE,	/* no line of a request has arrived */
	HTTP_RECEIVING, /* the client sends a request */
	HTTP_WORKING,	/* the plugin works */
	HTTP_ANSWERING, /* the client takes an answer */
};

enum http_admission { HTTP_ADMITTED, HTTP_BUSY, HTTP_ENDED };

/**
 * http_clients_new() - prepare the connections of a listener
 * @listen_fd:  listening socket, owned by the caller; becomes non-blocking
 * @name:       of the listener, for messages; outlives the object
 * @hand_over:  takes ownership of an accepted socket. Must either close the socket or cause a call
 *              of http_clients_add(), which may come later.
 * @data:       for @hand_over
 * @ret:        receives the object
 *
 * Return: 0, or -errno with a message in @err.
 */
int http_clients_new(int listen_fd, const char *name,
		     void (*hand_over)(void *data, int fd, const struct sockaddr *address,
				       socklen_t len),
		     void *data, struct http_clients **ret, struct error *err);

/* Begins to accept connections. Returns 0, or -errno with a message in err. */
int http_clients_start(struct http_clients *clients, struct error *err);

/* Stops accepting connections. Existing clients stay. */
void http_clients_stop(struct http_clients *clients);

/* Call after http_clients_stop() and the last http_client_remove(). Accepts NULL. */
void http_clients_free(struct http_clients *clients);

/**
 * http_clients_add() - watch a connection
 * @fd:  socket, owned by the caller
 *
 * Return: the client, idle. NULL if memory ran out; the connection then has no limits.
 */
struct http_client *http_clients_add(struct http_clients *clients, int fd);

/* Call before the socket is closed. Accepts NULL. */
void http_client_remove(struct http_client *client);

/**
 * http_client_enter() - enter the next phase of a connection
 * @client:  may be NULL
 *
 * HTTP_IDLE releases the capacity that http_client_admit() took.
 *
 * Return: false if the connection has been ended; no request may begin then.
 */
bool http_client_enter(struct http_client *client, enum http_phase phase);

/* Returns true if a request would be refused at this moment because of the limits. */
bool http_clients_are_busy(struct http_clients *clients, bool change);

/**
 * http_client_admit() - admit a request if the limits allow it, atomically
 * @client:  may be NULL
 * @change:  the request changes something
 *
 * Return: HTTP_ADMITTED, and the phase is HTTP_WORKING; HTTP_BUSY, or HTTP_ENDED if the connection
 * has been ended: nothing may be done for the request then.
 */
enum http_admission http_client_admit(struct http_client *client, bool change);

/* The reason why this object has ended the connection; NULL if not ended. @client may be NULL. */
const char *http_client_reason(const struct http_client *client);

/**
 * http_clients_report() - log a warning that clients can cause, rate-limited
 * @line:  message
 *
 * Logs at most 10 lines a minute, and then the number of suppressed lines.
 */
void http_clients_report(struct http_clients *clients, const char *line);

#endif
