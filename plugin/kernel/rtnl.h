/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions over rtnetlink, in the network namespace of the calling thread. */
#ifndef DYNMON_KERNEL_RTNL_H
#define DYNMON_KERNEL_RTNL_H

#include <libmnl/libmnl.h>

/*
 * The maximum size of a request and of each message of a dump. Buffers of messages are declared
 * _Alignas(struct nlmsghdr): libmnl reads headers and attributes in place.
 */
#define RTNL_BUFFER_SIZE (16 * 1024)

/*
 * Sends the request, whose flags and sequence number are set here, and gives each message to take.
 * -EINTR: something changed in between, so what was given may lack parts: begin anew. What take
 * fails with (MNL_CB_ERROR and errno), and what the kernel answers, is returned as -errno.
 */
int rtnl_dump(struct nlmsghdr *request, mnl_cb_t take, void *data);

/* The same for a request about one thing, which is given to take. */
int rtnl_get(struct nlmsghdr *request, mnl_cb_t take, void *data);

#endif
