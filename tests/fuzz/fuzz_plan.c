/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF of hostile objects. Built and run by tests/run fuzz. */
#include "decode/field.h"
#include "decode/plan.h"
#include "metric/setup.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define VALUE_MAX 4096 /* larger values exercise no other code */
#define TEXT_MAX  (64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the fuzzer's bytes in order, then zeros. */
struct input {
	const uint8_t *at, *end;
};

static uint32_t take(struct input *input, unsigned int bytes)
{
	uint32_t value = 0;

	while (bytes--) {
		value = value << 8 | (input->at < input->end ? *input->at : 0);
		input->at += input->at < input->end;
	}
	return value;
}

/*
 * Adds a type with libbpf and then changes it as no compiler would, because random blobs seldom get
 * past the header. Types may refer to later types and to themselves.
 */
static void add_type(struct btf *btf, struct input *input)
{
	uint32_t other = take(input, 1) % 32, members, size;
	struct btf_type *type;
	int id = -1;

	switch (take(input, 1) % 14) {
	case 0:
	case 1:
		id = btf__add_int(btf, take(input, 1) & 1 ? "char" : "int", 4,
				  (int)(1 << take(input, 1) % 3 & 7));
		if (id > 0 && (type = (struct btf_type *)btf__type_by_id(btf, (uint32_t)id))) {
			type->size =
				take(input, 1) & 15 ? 1u << take(input, 1) % 5 : take(input, 1);
			*(uint32_t *)(type + 1) =
				(*(uint32_t *)(type + 1) & ~0xffu) |
				(take(input, 1) & 3 ? (type->size * 8 & 0xff) : take(input, 1));
		}
		return;
	case 2:
	case 3:
	case 4:
		size = take(input, 1) & 7 ? take(input, 1) % 64 : take(input, 4);
		id = take(input, 1) & 3 ? btf__add_struct(btf, "s", size)
					: btf__add_union(btf, NULL, size);
		for (members = take(input, 1) % 6; members; members--) {
			uint32_t kind = take(input, 1), offset = take(input, 1) % 64 * 8;

			btf__add_field(btf,
				       kind & 1	  ? "m"
				       : kind & 2 ? "n"
						  : NULL,
				       (int)(take(input, 1) % 32), offset & (kind & 4 ? ~0u : 511u),
				       0);
		}
		type = (struct btf_type *)btf__type_by_id(btf, id > 0 ? (uint32_t)id : 0);
		for (uint32_t i = 0; id > 0 && i < btf_vlen(type); i++)
			if (!(take(input, 1) & 3)) {
				type->info |= 1u << 31;
				btf_members(type)[i].offset = take(input, 4);
			} else if (!(take(input, 1) & 3)) {
				type->info |= 1u << 31;
				btf_members(type)[i].offset =
					(take(input, 1) << 24) | take(input, 1);
			}
		return;
	case 5:
	case 6:
		btf__add_array(btf, 1, (int)other,
			       take(input, 1) & 7 ? take(input, 1) % 9 : take(input, 4));
		return;
	case 7:
		btf__add_typedef(btf, "t", (int)other);
		return;
	case 8:
		btf__add_const(btf, (int)other);
		return;
	case 9:
		btf__add_ptr(btf, (int)other);
		return;
	case 10:
		id = btf__add_enum(btf, "e", 4);
		if (id > 0)
			((struct btf_type *)btf__type_by_id(btf, (uint32_t)id))->size =
				take(input, 1) % 20;
		return;
	case 11:
		btf__add_float(btf, "f", 1u << take(input, 1) % 5);
		return;
	case 12:
		btf__add_fwd(btf, "w", BTF_FWD_STRUCT);
		return;
	default:
		id = btf__add_var(btf, "v", BTF_VAR_STATIC, (int)other);
		btf__add_datasec(btf, ".data", take(input, 1));
		btf__add_datasec_var_info(btf, id,
					  take(input, 1) & 7 ? take(input, 1) : take(input, 4),
					  take(input, 1));
		return;
	}
}

/* Shows a value in a buffer of the exact size, so that the sanitizer detects overruns. */
static void show(const struct btf *btf, uint32_t id, uint32_t size)
{
	_cleanup_free_ char *value = malloc(size ? size : 1);
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text out = {};
	struct field *fields = NULL;
	struct plan plan;
	size_t n = 0;
	int r = plan_init(&plan, btf, id, size, &err);

	memset(value, 0xa5, size);
	if (r < 0 && !err.message)
		abort();
	if (r == 0) {
		if (plan.n_ops > PLAN_OPS_MAX)
			abort();
		plan_json(&plan, value, &out);
		if (out.len > TEXT_MAX)
			abort();
		if (plan_is_number(&plan))
			number_text(plan_number(&plan, value), &out);
		plan_release(&plan);
	}
	/* like metric_init(), list keys only if they can be shown */
	if (r == 0 && fields_list(btf, id, size, "key", &fields, &n, &err) == 0)
		for (size_t i = 0; i < n; i++)
			field_text(&fields[i], fields[i].format, value, &out);
	if (fields && fields_list_repeated(btf, id, size, &fields, &n, &err) == 0)
		for (size_t i = 0; i < n; i++)
			for (uint32_t at = 0; at < fields[i].numbers; at++)
				number_text(plan_number_at(&fields[i].plan,
							   value + fields[i].offset, at),
					    &out);
	fields_free(fields, n);
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	struct btf *btf = NULL;

	libbpf_set_print(silent);
	if (take(&input, 1) & 1) {
		btf = btf__new(input.at, (uint32_t)(input.end - input.at));
		if (libbpf_get_error(btf))
			return 0;
		btf__set_pointer_size(btf, 8); /* as libbpf does for eBPF objects */
	} else {
		btf = btf__new_empty();
		btf__set_pointer_size(btf, 8);
		while (input.at < input.end && btf__type_cnt(btf) < 40)
			add_type(btf, &input);
	}
	for (uint32_t id = 1; id < btf__type_cnt(btf) && id < 64; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		int64_t bytes = btf_is_datasec(type) ? type->size : btf__resolve_size(btf, id);

		if (bytes >= 0 && bytes <= VALUE_MAX)
			show(btf, id, (uint32_t)bytes);
	}
	btf__free(btf);
	return 0;
}
