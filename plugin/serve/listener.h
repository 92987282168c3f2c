/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets: Unix sockets, whose files follow collectd's conventions, and TCP. */
#ifndef DYNMON_SERVE_LISTENER_H
#define DYNMON_SERVE_LISTENER_H

#include "base/error.h"

#include <stdbool.h>

/**
 * listener_open() - listen on a Unix socket
 * @path:     of the socket
 * @group:    group of the file; NULL for the default group
 * @mode:     permission bits of the file
 * @replace:  remove any existing file; otherwise only a socket without a listener is removed
 *
 * No client can connect before group and mode are set.
 *
 * Return: the descriptor, owned by the caller; -EADDRINUSE if another process listens; other
 * -errno.
 */
int listener_open(const char *path, const char *group, unsigned int mode, bool replace,
		  struct error *err);

/**
 * listener_open_tcp() - listen on TCP
 * @host:  name or address
 * @port:  number
 * @err:   names host and port
 *
 * Return: the descriptor, owned by the caller, or -errno.
 */
int listener_open_tcp(const char *host, const char *port, struct error *err);

#endif
