/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces, over rtnetlink. All of it looks at the network namespace of the calling
 * thread, see netns_enter().
 */
#ifndef DYNMON_KERNEL_NETIF_H
#define DYNMON_KERNEL_NETIF_H

#include "base/error.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct netif {
	int index;
	int master; /* index of the bridge, bond or VRF that it is a port of; 0: of none */
	char name[IF_NAMESIZE];
};

/* All interfaces at one moment, in ascending order of their indexes. Embedded in its owner. */
struct netif_list {
	struct netif *items;
	size_t n;
};

/*
 * One dump for all of them. On failure the list is empty: -EINTR when interfaces come and go too
 * fast for that (it was tried several times), -ENOMEM, or what the socket failed with.
 */
int netif_list_get(struct netif_list *ret, struct error *err);
void netif_list_release(struct netif_list *list);

/* By name or index; NULL: there is none. Valid as long as the list. */
const struct netif *netif_list_find(const struct netif_list *list, const char *name);
const struct netif *netif_list_at(const struct netif_list *list, int index);

/* Whether there is one with that index, whatever it is called by now. */
bool netif_exists(int index);

/* 1: the interface has a clsact qdisc; 0: it has not; -errno. */
int netif_has_clsact(int ifindex);

/* Whether any filter is left on the clsact qdisc of that interface, in either direction. */
int netif_has_filters(int ifindex);

/*
 * A socket that becomes readable when interfaces come, go or change their names; the caller
 * closes it. It stays with the namespace it was opened in. -errno.
 */
int netif_watch_open(struct error *err);

/*
 * Takes everything off the socket. 1: something has changed, or the kernel could not keep up, so
 * look at all interfaces again; 0: nothing; -errno: the socket is of no more use.
 */
int netif_watch_drain(int fd);

#define _cleanup_netifs_ _cleanup_(netif_list_release)

#endif
