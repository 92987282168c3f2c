/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/type.h"

#include <bpf/btf.h>
#include <string.h>

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

static bool is_one_of(const char *name, const char *const names[])
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

bool type_is_opaque(const struct btf *btf, uint32_t id)
{
	static const char *const structs[] = {
		"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",     "bpf_wq",
		"bpf_task_work", "bpf_list_head",     "bpf_list_node", "bpf_rb_root",
		"bpf_rb_node",	 "bpf_refcount",      "bpf_dynptr",    NULL
	};
	static const char *const tags[] = { "kptr", "kptr_untrusted", "percpu_kptr", "uptr", NULL };
	const struct btf_type *type = type_resolve(btf, id);

	for (int depth = 0; type && btf_is_array(type) && depth < TYPE_STEPS_MAX; depth++)
		type = type_resolve(btf, btf_array(type)->type);
	if (type && btf_is_struct(type))
		return is_one_of(type_name(btf, type->name_off), structs);
	if (!type || !btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, type->type);
	return type && btf_kind(type) == BTF_KIND_TYPE_TAG &&
	       is_one_of(type_name(btf, type->name_off), tags);
}
