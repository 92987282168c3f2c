/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: accepts connections and hands each connection with a request to a thread.
 *
 * The poll thread accepts and holds all connections that wait for their next request. A connection
 * that becomes readable is handed to a worker thread and returns to the poll thread when its
 * requests are answered. Therefore the poll thread never waits for a client, and only the poll
 * thread closes a connection.
 *
 * When CONTROL_CLIENTS_MAX connections are open, a new connection takes the place of the connection
 * that has been idle for longest. An idle connection is closed with an error line, so that a
 * request that arrives in the same moment is answered. If all connections have a request, the new
 * connection is refused.
 */
#ifndef DYNMON_SERVE_CONTROL_H
#define DYNMON_SERVE_CONTROL_H

#include "monitor/registry.h"

#define CONTROL_CLIENTS_MAX  256
#define CONTROL_IDLE_SECONDS 300 /* a connection without a request is closed */

/* Connections that the plugin has ended, but whose clients may still read the reason. */
#define CONTROL_CLOSING_MAX	64
#define CONTROL_CLOSING_SECONDS 10

struct control;

/**
 * control_start() - serve a listening socket
 * @fd:        listening socket; taken, also on failure
 * @registry:  must outlive the control socket
 *
 * Return: 0 with *ret set, -errno on failure.
 */
int control_start(int fd, struct registry *registry, struct control **ret, struct error *err);

/* Closes all connections and waits for the requests in progress. Accepts NULL. Returns NULL. */
struct control *control_stop(struct control *control);

#endif
