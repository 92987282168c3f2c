/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests over rtnetlink, in the network namespace of the calling thread. Each call opens its own
 * socket, so any thread may call the functions.
 */
#ifndef DYNMON_KERNEL_RTNL_H
#define DYNMON_KERNEL_RTNL_H

#include <libmnl/libmnl.h>

/*
 * Limit in bytes of a request and of each datagram of a reply. Declare message buffers
 * _Alignas(struct nlmsghdr): libmnl reads headers and attributes in place.
 */
#define RTNL_BUFFER_SIZE (16 * 1024)

/**
 * rtnl_dump() - request a dump
 * @request:  the request; flags and sequence number are set by the function
 * @take:     called for each message; MNL_CB_ERROR with errno set ends the dump
 * @data:     passed to @take
 *
 * Return: 0 on success, -EINTR if the dump was interrupted by a change and may be incomplete, so
 * that the caller must start over; -errno of @take, of the kernel or of the socket.
 */
int rtnl_dump(struct nlmsghdr *request, mnl_cb_t take, void *data);

/* Like rtnl_dump(), for a request about a single object. */
int rtnl_get(struct nlmsghdr *request, mnl_cb_t take, void *data);

#endif
