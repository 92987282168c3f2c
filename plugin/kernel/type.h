/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers over libbpf's BTF. */
#ifndef DYNMON_KERNEL_TYPE_H
#define DYNMON_KERNEL_TYPE_H

#include <stdint.h>

struct btf;
struct btf_type;

/* Follows typedefs and qualifiers to the type itself; NULL when there is none. */
const struct btf_type *type_resolve(const struct btf *btf, uint32_t id);

/* A name's text; "" for none. */
const char *type_name(const struct btf *btf, uint32_t offset);

/* Bytes; negative when the type has no size. */
int64_t type_size(const struct btf *btf, uint32_t id);

#endif
