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

#include <stdint.h>

struct bpf_map;
struct btf;

/**
 * epoch_set() - set dynmon_epoch_base, if a map has it, to the current difference
 * @map:           map of global constants that is not loaded and not reused
 * @btf:           BTF of the object; NULL: none
 * @section_type:  type of the map's value in @btf
 * @err:           receives the reason of a failure
 *
 * Return: 0 on success or without such a constant, -errno on failure.
 */
int epoch_set(struct bpf_map *map, const struct btf *btf, uint32_t section_type, struct error *err);

#endif
