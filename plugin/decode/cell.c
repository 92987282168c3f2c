/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode/cell.h"
#include "dataplane/json_reader.h"
#include "decode/field.h"
#include "kernel/event.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);

/* The fields of a key or a value. */
struct fields {
	struct field *items;
	size_t n;
};

static void cell_fields_release(struct fields *fields)
{
	fields_free(fields->items, fields->n);
}

void cell_encode(enum plan_kind kind, uint32_t size, double value, void *to)
{
	const float narrow = (float)value;
	const unsigned int unused = 64 - 8 * size;
	/* The first integer above the range: unsigned, signed. */
	const double end = ldexp(1, (int)(8 * size)), signed_end = end / 2;
	uint64_t integer;

	if (kind == PLAN_FLOAT) {
		memcpy(to, size == sizeof(narrow) ? (const void *)&narrow : &value, size);
		return;
	}
	value = round(value);
	if (kind == PLAN_BOOL)
		integer = value != 0;
	else if (kind == PLAN_UNSIGNED)
		integer = value <= 0 ? 0 : value >= end ? UINT64_MAX >> unused : (uint64_t)value;
	else if (value < -signed_end)
		integer = (uint64_t)(-(INT64_MAX >> unused) - 1);
	else
		integer = value >= signed_end ? (uint64_t)INT64_MAX >> unused
					      : (uint64_t)(int64_t)value;
	number_store(integer, size, to);
}

/* Returns true if a field is a number with bytes of its own, unlike a bit field. */
static bool is_settable(const struct field *field)
{
	const struct plan_op *op = field->plan.ops;

	if (!plan_is_number(&field->plan) || plan_is_bits(&field->plan))
		return false;
	return op->size == 4 || op->size == 8 ||
	       (op->kind != PLAN_FLOAT && (op->size == 1 || op->size == 2));
}

static void settable_names(const struct fields *fields, struct text *out)
{
	for (size_t i = 0; i < fields->n; i++)
		if (is_settable(&fields->items[i]))
			text_printf(out, "%s%s", out->len ? ", " : "", fields->items[i].name);
}

/* Finds a field. Nested names are joined by ".". whole is the name of the key or value. */
static const struct field *find_member(const struct fields *fields, const char *whole,
				       const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s.%s", whole, name) < 0) {
		path = NULL;
		return NULL;
	}
	return fields_find(fields->items, fields->n, whole, path);
}

/* Parses the JSON of a key, which must be an integer or an object. */
static int parse_key(const char *text, struct json_object **ret, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	size_t len = strlen(text);

	if (len <= CELL_KEY_MAX && json_reader_parse(text, len, &json, NULL) == 0 &&
	    (json_object_is_type(json, json_type_int) ||
	     json_object_is_type(json, json_type_object))) {
		*ret = steal_ptr(&json);
		return 0;
	}
	return error_set(err, -EINVAL,
			 "expected an integer, or {\"field\": number, ...} for a struct, found "
			 "\"%.100s\"",
			 text);
}

int cell_check_key(const char *text, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	int r = parse_key(text, &json, err);

	if (r < 0 || json_object_is_type(json, json_type_int))
		return r;
	json_object_object_foreach(json, name, value)
		if (!json_object_is_type(value, json_type_int))
			return error_set(err, -EINVAL, "%.100s: expected an integer, found %s",
					 name, json_object_to_json_string(value));
	return 0;
}

static int encode_key_number(struct json_object *json, const struct field *field, char *key,
			     struct error *err)
{
	const struct plan_op *op = field->plan.ops;
	uint64_t value, max;
	bool fits;

	if (!is_settable(field) || op->kind == PLAN_FLOAT)
		return error_set(err, -EINVAL, "key: %s is not an integer", field->name);
	if (!json_object_is_type(json, json_type_int))
		return error_set(err, -EINVAL, "key: %s: expected an integer, found %s",
				 field->name, json_object_to_json_string(json));
	max = op->kind == PLAN_BOOL ? 1 : UINT64_MAX >> (64 - 8 * op->size);
	if (op->kind == PLAN_SIGNED)
		max >>= 1;
	if (json_object_get_int64(json) < 0) {
		value = (uint64_t)json_object_get_int64(json);
		fits = op->kind == PLAN_SIGNED && (int64_t)value >= -(int64_t)max - 1;
	} else {
		value = json_object_get_uint64(json);
		fits = value <= max;
	}
	if (!fits)
		return error_set(err, -EINVAL, "key: %s: %s does not fit into %s of %u bytes",
				 field->name, json_object_to_json_string(json),
				 op->kind == PLAN_SIGNED ? "a signed number" : "a number",
				 op->size);
	number_store(value, op->size, key + field->offset + op->offset);
	return 0;
}

static int parse_cell_key(struct cell *cell, const struct object *object,
			  const struct object_map *map, const char *text, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	_cleanup_(cell_fields_release) struct fields fields = {};
	_cleanup_text_ struct text names = {};
	uint32_t index;
	int r = parse_key(text, &json, err);

	cell->key = calloc(1, cell->map.key_size);
	if (r == 0 && !cell->key)
		r = error_oom(err);
	if (r == 0)
		r = fields_list(object_btf(object), map->key_type, cell->map.key_size, "key",
				&fields.items, &fields.n, err);
	if (r < 0)
		return r;
	settable_names(&fields, &names);
	if (json_object_is_type(json, json_type_int)) {
		if (fields.n != 1 || strcmp(fields.items[0].name, "key") != 0)
			return error_set(err, -EINVAL,
					 "key: expected {\"field\": number, ...} with fields of "
					 "%s, found %.100s",
					 text_str(&names), text);
		r = encode_key_number(json, &fields.items[0], cell->key, err);
	} else {
		json_object_object_foreach(json, name, value) {
			const struct field *field = find_member(&fields, "key", name);

			if (!field)
				return error_set(err, -ENOENT,
						 "key: there is no field \"%.100s\"; there are %s",
						 name, text_str(&names));
			r = encode_key_number(value, field, cell->key, err);
			if (r < 0)
				return r;
		}
	}
	if (r < 0 || map_kind(cell->map.type) != MAP_ARRAY)
		return r;
	memcpy(&index, cell->key, sizeof(index));
	if (index >= cell->map.max_entries)
		return error_set(err, -EINVAL, "key: expected an index from 0 to %u, found %u",
				 cell->map.max_entries - 1, index);
	return 0;
}

static int choose_field(struct cell *cell, const struct object *object,
			const struct object_map *map, const char *name, struct error *err)
{
	_cleanup_(cell_fields_release) struct fields fields = {};
	_cleanup_text_ struct text names = {};
	const struct field *field = NULL;
	bool whole;
	int r = fields_list(object_btf(object), map->value_type, cell->map.value_size, "value",
			    &fields.items, &fields.n, err);

	if (r < 0)
		return r;
	whole = fields.n == 1 && !strcmp(fields.items[0].name, "value");
	settable_names(&fields, &names);
	if (name)
		field = find_member(&fields, "value", name);
	else if (whole)
		field = &fields.items[0];
	if (field && is_settable(field)) {
		cell->kind = field->plan.ops->kind;
		cell->size = field->plan.ops->size;
		cell->offset = field->offset + field->plan.ops->offset;
		return 0;
	}
	if (whole)
		return error_set(err, -EINVAL, "the value is %s",
				 is_settable(&fields.items[0]) ? "a number without fields"
							       : "not a number");
	if (!name)
		return error_set(err, -EINVAL,
				 "the value is a struct: expected one of its fields, %s",
				 names.len ? text_str(&names) : "but none is a number");
	return error_set(err, -ENOENT, "%s \"%.100s\"; there are %s",
			 field ? "no number can be set in field" : "the value has no field", name,
			 names.len ? text_str(&names) : "none");
}

/*
 * Maps the page with the number, if the map allows mmap(). A failure is not an error: cell_set()
 * then uses system calls.
 */
static void map_number(struct cell *cell)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), stride = (cell->map.value_size + 7) & ~7ul;
	uint32_t index;
	size_t start, from;

	if (!map_type_get(cell->map.type)->mappable || !(cell->map.flags & BPF_F_MMAPABLE))
		return;
	memcpy(&index, cell->key, sizeof(index));
	start = index * stride + cell->offset;
	from = start & ~(page - 1);
	cell->memory_len = start + cell->size - from;
	cell->memory = mmap(NULL, cell->memory_len, PROT_READ | PROT_WRITE, MAP_SHARED,
			    cell->map.fd, (off_t)from);
	if (cell->memory == MAP_FAILED)
		cell->memory = NULL;
	else
		cell->at = cell->memory + (start - from);
}

static int find_cell_map(const struct object *object, const char *name,
			 const struct object_map **ret, struct error *err)
{
	_cleanup_text_ struct text names = {};

	*ret = object_find_map(object, name);
	if (*ret)
		return 0;
	for (size_t i = 0; i < object->n_maps; i++)
		if (!object->maps[i].internal && !event_map_is_internal(object->maps[i].name))
			text_printf(&names, "%s%s", names.len ? ", " : "", object->maps[i].name);
	return error_set(err, -ENOENT, "there is no map \"%.100s\"; there are %s", name,
			 names.len ? text_str(&names) : "none");
}

int cell_init(struct cell *cell, const struct object *object, const struct cell_place *place,
	      struct error *err)
{
	const struct object_map *map;
	enum map_kind kind;
	int r;

	*cell = (struct cell){};
	r = find_cell_map(object, place->map, &map, err);
	if (r == 0)
		r = object_map_describe(map, &cell->map, err);
	if (r < 0)
		return r;
	kind = map_kind(cell->map.type);
	if (kind == MAP_UNREADABLE || kind == MAP_QUEUE)
		r = error_set(err, -EOPNOTSUPP, "a map of type %s has no entries that can be set",
			      map_type_name(cell->map.type));
	else if (cell->map.flags & BPF_F_RDONLY)
		r = error_set(err, -EPERM, "the map is read-only (BPF_F_RDONLY)");
	else if (map->internal && cell->map.flags & BPF_F_RDONLY_PROG)
		r = error_set(err, -EPERM, "its variables are constants; use the option Set");
	if (r == 0)
		r = parse_cell_key(cell, object, map, place->key, err);
	if (r == 0)
		r = choose_field(cell, object, map, place->field, err);
	if (r < 0) {
		cell_release(cell);
		return error_prefix(err, r, "map %s", map->name);
	}
	map_number(cell);
	return 0;
}

void cell_release(struct cell *cell)
{
	if (cell->memory)
		munmap(cell->memory, cell->memory_len);
	free(cell->key);
	*cell = (struct cell){};
}

/*
 * Writes an aligned number in one store, so that programs never read a partly written number. An
 * unaligned number is copied.
 */
static void store_at_once(const struct cell *cell, const char *number)
{
	uint64_t value = number_load(number, cell->size);

	if ((uintptr_t)cell->at % cell->size)
		memcpy(cell->at, number, cell->size);
	else if (cell->size == sizeof(uint64_t))
		__atomic_store_n((uint64_t *)cell->at, value, __ATOMIC_RELAXED);
	else if (cell->size == sizeof(uint32_t))
		__atomic_store_n((uint32_t *)cell->at, (uint32_t)value, __ATOMIC_RELAXED);
	else if (cell->size == sizeof(uint16_t))
		__atomic_store_n((uint16_t *)cell->at, (uint16_t)value, __ATOMIC_RELAXED);
	else
		*cell->at = *number;
}

int cell_set(const struct cell *cell, double value)
{
	size_t stride = map_cpu_stride(&cell->map);
	unsigned int copies = map_is_percpu(cell->map.type) ? map_cpus() : 1;
	_cleanup_free_ char *entry = NULL;
	char number[sizeof(uint64_t)];
	int r = 0;

	cell_encode(cell->kind, cell->size, value, number);
	if (cell->at) {
		store_at_once(cell, number);
		return 0;
	}
	entry = calloc(copies, stride);
	if (!entry)
		return -ENOMEM;
	if (cell->size < cell->map.value_size)
		r = bpf_map_lookup_elem(cell->map.fd, cell->key, entry);
	if (r < 0 && r != -ENOENT)
		return r;
	for (unsigned int i = 0; i < copies; i++)
		memcpy(entry + i * stride + cell->offset, number, cell->size);
	return bpf_map_update_elem(cell->map.fd, cell->key, entry, BPF_ANY);
}
