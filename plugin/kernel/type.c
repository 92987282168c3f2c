/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/type.h"

#include <bpf/btf.h>

#define TYPE_STEPS_MAX 64 /* limit for a cycle of typedefs */

const struct btf_type *type_resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	unsigned int steps = 0;

	while (type && (btf_is_mod(type) || btf_is_typedef(type) ||
			btf_kind(type) == BTF_KIND_TYPE_TAG || btf_is_var(type)))
		type = ++steps < TYPE_STEPS_MAX ? btf__type_by_id(btf, type->type) : NULL;
	return type;
}

const char *type_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

int64_t type_size(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = type_resolve(btf, id);

	/* libbpf does not resolve sections; their size is in the type itself. */
	return type && btf_is_datasec(type) ? (int64_t)type->size : btf__resolve_size(btf, id);
}
