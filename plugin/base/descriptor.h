/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptor limit of the process, and the descriptor numbers that the plugin uses.
 *
 * The plugin holds several descriptors for each interface. Code that calls select() supports only
 * numbers below DESCRIPTORS_LOW; examples are other collectd plugins, and libmicrohttpd in
 * write_prometheus. Therefore the plugin moves long-lived descriptors whose number grows with the
 * number of interfaces above this limit. All functions are safe from any thread.
 */
#ifndef DYNMON_BASE_DESCRIPTOR_H
#define DYNMON_BASE_DESCRIPTOR_H

#include "base/error.h"

#include <stdint.h>

#define DESCRIPTORS_LOW 1024 /* FD_SETSIZE */

/*
 * Bound for the soft limit. collectd's exec plugin closes every number below the soft limit before
 * it runs a program, so a huge limit would make that slow.
 */
#define DESCRIPTORS_MAX 262144

/* Number of descriptors that the plugin leaves to collectd and its other plugins. */
#define DESCRIPTORS_SPARE 64

/**
 * descriptors_raise() - raise the soft limit to the hard limit, but not above DESCRIPTORS_MAX
 * @old:  receives the previous soft limit
 * @new:  receives the soft limit that is in effect
 *
 * Return: 0 on success or if the limit is high enough, -errno on failure.
 */
int descriptors_raise(uint64_t *old, uint64_t *new);

/**
 * descriptors_check() - test if enough descriptors are free
 * @err:  receives the reason for a failure
 *
 * Call this function before an operation that opens long-lived descriptors.
 *
 * Return: 0 if at least DESCRIPTORS_SPARE descriptors are free, -EMFILE or -ENFILE otherwise.
 */
int descriptors_check(struct error *err);

/**
 * descriptor_move_up() - give a descriptor a number above DESCRIPTORS_LOW
 * @fd:  an open descriptor; the function takes ownership
 *
 * Return: the descriptor to use instead of @fd. A moved descriptor is close-on-exec. Returns @fd
 * itself if its number is high enough or if the limit leaves no number above DESCRIPTORS_LOW.
 */
int descriptor_move_up(int fd);

/**
 * descriptor_copy_up() - duplicate a descriptor with a number above DESCRIPTORS_LOW
 * @fd:  an open descriptor, owned by the caller
 *
 * Return: a close-on-exec descriptor, with a lower number only if the limit leaves no number above
 * DESCRIPTORS_LOW; -errno on failure.
 */
int descriptor_copy_up(int fd);

#endif
