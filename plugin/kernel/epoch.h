/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wall-clock time in eBPF programs, which can read only the monotonic clock.
 *
 * Objects that need the time since 1970 have a constant dynmon_epoch_base: the difference of the
 * real-time and the monotonic clock in nanoseconds (bpf/dynmon/dialect.h). The plugin sets the
 * constant at load time because the value at compile time is from another boot or another host.
 */
#ifndef DYNMON_KERNEL_EPOCH_H
#define DYNMON_KERNEL_EPOCH_H

#include "base/error.h"

struct object;

/**
 * object_set_epoch() - set dynmon_epoch_base, if the object has it, to the current difference
 * @object:  opened, but not loaded; used by one thread
 * @err:     receives the reason of a failure
 *
 * The constant of a reused map is left alone.
 *
 * Return: 0 on success or without such a constant, -errno on failure.
 */
int object_set_epoch(struct object *object, struct error *err);

#endif
