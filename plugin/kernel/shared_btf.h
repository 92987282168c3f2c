/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF that all objects with equal BTF share, because most interfaces run the same dataplane.
 * Reference counted; any thread may call the functions.
 */
#ifndef DYNMON_KERNEL_SHARED_BTF_H
#define DYNMON_KERNEL_SHARED_BTF_H

#include <stdint.h>

struct btf;

/* Returns BTF with these bytes, with a reference for the caller; NULL without memory. */
const struct btf *shared_btf_get(const void *data, uint32_t size);

/* Drops a reference. Accepts NULL. */
void shared_btf_put(const struct btf *btf);

#endif
