/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces and their clsact filters, over rtnetlink. */
#ifndef DYNMON_KERNEL_NETIF_H
#define DYNMON_KERNEL_NETIF_H

#include "base/error.h"

#include <stdbool.h>

/* The index of an interface; -ENODEV when there is none of that name, -EINVAL for no name. */
int netif_index(const char *name, struct error *err);

/* 1: the interface has a clsact qdisc; 0: it has not; -errno. */
int netif_has_clsact(int ifindex);

/* Whether any filter is left on the clsact qdisc of that interface, in either direction. */
int netif_has_filters(int ifindex);

/*
 * A socket that becomes readable when interfaces come, go or change their names; the caller
 * closes it. -errno.
 */
int netif_watch_open(struct error *err);

/*
 * Takes everything off the socket. 1: something has changed, or the kernel could not keep up, so
 * look at all interfaces again; 0: nothing; -errno: the socket is of no more use.
 */
int netif_watch_drain(int fd);

#endif
