/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets: unix ones, with collectd's conventions for their files, and TCP. */
#ifndef DYNMON_SERVE_LISTENER_H
#define DYNMON_SERVE_LISTENER_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Listens on a unix socket. group: NULL leaves the group alone. mode: permission bits.
 * replace: removes a file that is in the way; without it only a socket that nobody listens on is
 * removed. Nobody can connect before group and mode are set.
 * Returns the descriptor, which is the caller's; -EADDRINUSE when somebody listens there.
 */
int listener_open(const char *path, const char *group, unsigned int mode, bool replace,
		  struct error *err);

/*
 * Listens on TCP. host: a name or an address; port: a number. Returns the descriptor, which is the
 * caller's; -errno, the message names host and port.
 */
int listener_open_tcp(const char *host, const char *port, struct error *err);

#endif
