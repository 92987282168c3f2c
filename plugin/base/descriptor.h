/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors: the process's limit, and which numbers the plugin occupies.
 *
 * The plugin holds several descriptors for each interface. Code that waits with select() works with
 * numbers below DESCRIPTORS_LOW only: plugins of collectd, and libmicrohttpd as write_prometheus
 * uses it. Therefore the plugin moves long-lived descriptors that grow with the number of
 * interfaces above this limit.
 */
#ifndef DYNMON_BASE_DESCRIPTOR_H
#define DYNMON_BASE_DESCRIPTOR_H

#include "base/error.h"

#include <stdint.h>

#define DESCRIPTORS_LOW 1024 /* FD_SETSIZE */

/* collectd's exec plugin closes every number below the soft limit before it runs a program. */
#define DESCRIPTORS_MAX 262144

/* Descriptors that the plugin leaves free for collectd and its other plugins. */
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
 * descriptors_check() - refuse to take more descriptors when almost none is left
 *
 * Return: 0 if at least DESCRIPTORS_SPARE descriptors are free, -EMFILE or -ENFILE otherwise.
 */
int descriptors_check(struct error *err);

/**
 * descriptor_move_up() - give a descriptor a number above DESCRIPTORS_LOW
 * @fd:  an open descriptor; taken
 *
 * Return: the descriptor to use instead of @fd. It is close-on-exec. It is @fd itself when the
 * limit leaves no number above DESCRIPTORS_LOW.
 */
int descriptor_move_up(int fd);

#endif
