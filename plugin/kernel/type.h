/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers for libbpf's BTF. Stateless; results are owned by the BTF. */
#ifndef DYNMON_KERNEL_TYPE_H
#define DYNMON_KERNEL_TYPE_H

#include <stdbool.h>
#include <stdint.h>

struct btf;
struct btf_type;

/*
 * Skips typedefs, qualifiers, type tags and variables. Returns NULL if there is no such type or the
 * chain is longer than 64 steps.
 */
const struct btf_type *type_resolve(const struct btf *btf, uint32_t id);

/* Returns the string at an offset; "" if there is none. */
const char *type_name(const struct btf *btf, uint32_t offset);

/*
 * Returns true if values of a type have a meaning for the kernel only: a lock, a timer, the root of
 * a list or tree, a pointer with a tag such as __kptr, or an array of these.
 */
bool type_is_opaque(const struct btf *btf, uint32_t id);

/* Returns the size of a type in bytes; negative if it has none. */
int64_t type_size(const struct btf *btf, uint32_t id);

#endif
