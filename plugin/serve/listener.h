/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening unix sockets, with collectd's conventions for their files. */
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

#endif
