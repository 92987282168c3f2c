/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: collectd's unixsock protocol over the verbs. A line in, "<number> <text>" out
 * and that many lines after it; a negative number is an error, in whose text a newline is written
 * \n and a backslash \\.
 *
 * A thread accepts, and each connection has its own, at most CONTROL_CLIENTS_MAX, so that a slow
 * client holds up nobody. When all are taken, the one that is idle for longest makes room.
 */
#ifndef DYNMON_SERVE_CONTROL_H
#define DYNMON_SERVE_CONTROL_H

#include "monitor/registry.h"

#define CONTROL_CLIENTS_MAX	32
#define CONTROL_IDLE_SECONDS	300 /* a connection without a request is closed */
#define CONTROL_STALL_SECONDS	10 /* so is one that stops in the middle of one, or does not read */
#define CONTROL_REQUEST_SECONDS 60 /* for a request to come in whole */

struct control;

/* fd: a listening socket, taken. The registry must outlive the control socket. */
int control_start(int fd, struct registry *registry, struct control **ret, struct error *err);

/* Closes all connections and waits for what they are doing. Takes NULL. */
struct control *control_stop(struct control *control);

#endif
