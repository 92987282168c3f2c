/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces, queried over rtnetlink in the network namespace of the calling thread (see
 * netns_enter()). A list is a snapshot that belongs to one thread.
 */
#ifndef DYNMON_KERNEL_NETIF_H
#define DYNMON_KERNEL_NETIF_H

#include "base/error.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct netif {
	int index;
	int master; /* index of the bridge, bond or VRF that has this port; 0: none */
	char name[IF_NAMESIZE];
};

/* All interfaces at one moment, sorted by index. Embedded in its owner. */
struct netif_list {
	struct netif *items;
	size_t n;
};

/**
 * netif_list_get() - list all interfaces with one dump
 * @ret:  receives the list, empty on failure; release with netif_list_release()
 * @err:  receives the reason of a failure
 *
 * Return: 0 on success, -EINTR if interfaces changed during each of several dumps, -ENOMEM, or
 * another -errno of the socket.
 */
int netif_list_get(struct netif_list *ret, struct error *err);
void netif_list_release(struct netif_list *list);

/* Both functions return an entry of the list, valid as long as the list, or NULL. */
const struct netif *netif_list_find(const struct netif_list *list, const char *name);
const struct netif *netif_list_at(const struct netif_list *list, int index);

/*
 * Returns true if an interface with this index exists. Any failure except ENXIO counts as existing.
 */
bool netif_exists(int index);

/* Returns 1 if the interface has a clsact qdisc, 0 if it has none, -errno on failure. */
int netif_has_clsact(int ifindex);

/*
 * Returns 1 if the clsact qdisc has a filter in either direction, 0 if it has none, -errno on
 * failure.
 */
int netif_has_filters(int ifindex);

/**
 * netif_watch_open() - subscribe to changes of interfaces
 * @err:  receives the reason of a failure
 *
 * The socket becomes readable when an interface appears, disappears or changes. It stays bound to
 * the network namespace of the calling thread at the time of the call.
 *
 * Return: a non-blocking descriptor that the caller closes, -errno on failure.
 */
int netif_watch_open(struct error *err);

/**
 * netif_watch_drain() - discard all pending notifications
 * @fd:  the result of netif_watch_open()
 *
 * Return: 1 if interfaces changed or the kernel dropped notifications, so that the caller must list
 * the interfaces again; 0 if nothing changed; -errno if the socket is unusable.
 */
int netif_watch_drain(int fd);

#define _cleanup_netifs_ _cleanup_(netif_list_release)

#endif
