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

/* -- numbers -- */

static void store_integer(uint64_t value, uint32_t size, void *to)
{
	const uint8_t u8 = (uint8_t)value;
	const uint16_t u16 = (uint16_t)value;
	const uint32_t u32 = (uint32_t)value;
	const void *from = size == 1 ? &u8 : size == 2 ? &u16 : size == 4 ? &u32 : (void *)&value;

	memcpy(to, from, size);
}

static uint64_t clamp_unsigned(double value, uint32_t size)
{
	uint64_t max = UINT64_MAX >> (64 - 8 * size);

	if (value <= 0)
		return 0;
	return value >= ldexp(1, (int)(8 * size)) ? max : (uint64_t)value;
}

static int64_t clamp_signed(double value, uint32_t size)
{
	int64_t max = INT64_MAX >> (64 - 8 * size);
	double end = ldexp(1, (int)(8 * size) - 1);

	if (value < -end)
		return -max - 1;
	return value >= end ? max : (int64_t)value;
}

void cell_encode(enum plan_kind kind, uint32_t size, double value, void *to)
{
	const float narrow = (float)value;

	if (kind == PLAN_FLOAT)
		memcpy(to, size == sizeof(narrow) ? (const void *)&narrow : &value, size);
	else if (kind == PLAN_SIGNED)
		store_integer((uint64_t)clamp_signed(round(value), size), size, to);
	else if (kind == PLAN_BOOL)
		store_integer(round(value) != 0, size, to);
	else
		store_integer(clamp_unsigned(round(value), size), size, to);
}

/* Tests whether a field is a number with bytes of its own, unlike a bit field. */
static bool is_settable(const struct field *field)
{
	const struct plan_op *op = field->plan.ops;

	if (!plan_is_number(&field->plan))
		return false;
	switch (op->kind) {
	case PLAN_UNSIGNED:
	case PLAN_SIGNED:
	case PLAN_BOOL:
		return op->size == 1 || op->size == 2 || op->size == 4 || op->size == 8;
	case PLAN_FLOAT:
		return op->size == sizeof(float) || op->size == sizeof(double);
	default: /* a bit field */
		return false;
	}
}

static void settable_names(const struct fields *fields, struct text *out)
{
	for (size_t i = 0; i < fields->n; i++)
		if (is_settable(&fields->items[i]))
			text_printf(out, "%s%s", out->len ? ", " : "", fields->items[i].name);
}

/* Finds a field. Nested names are joined by ".". whole is the name of the key or value. */
static const struct field *cell_find_field(const struct fields *fields, const char *whole,
					   const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s.%s", whole, name) < 0) {
		path = NULL;
		return NULL;
	}
	return fields_find(fields->items, fields->n, whole, path);
}

/* -- keys -- */

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
			 "expected a whole number, or {\"field\": number, ...} for a struct, found "
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
			return error_set(err, -EINVAL, "%.100s: expected a whole number, found %s",
					 name, json_object_to_json_string(value));
	return 0;
}

static int encode_key_number(struct json_object *json, const struct field *field, char *key,
			     struct error *err)
{
	const struct plan_op *op = field->plan.ops;
	char *to = key + field->offset + op->offset;
	uint64_t max, value;
	bool fits;

	if (!is_settable(field) || op->kind == PLAN_FLOAT)
		return error_set(err, -EINVAL, "key: %s is no whole number", field->name);
	if (!json_object_is_type(json, json_type_int))
		return error_set(err, -EINVAL, "key: %s: expected a whole number, found %s",
				 field->name, json_object_to_json_string(json));
	if (json_object_get_int64(json) < 0) {
		int64_t min = -(INT64_MAX >> (64 - 8 * op->size)) - 1;

		value = (uint64_t)json_object_get_int64(json);
		fits = op->kind == PLAN_SIGNED && (int64_t)value >= min;
	} else {
		max = UINT64_MAX >> (64 - 8 * op->size);
		max = op->kind == PLAN_BOOL ? 1 : op->kind == PLAN_SIGNED ? max >> 1 : max;
		value = json_object_get_uint64(json);
		fits = value <= max;
	}
	if (!fits)
		return error_set(err, -EINVAL, "key: %s: %s does not fit into %s of %u bytes",
				 field->name, json_object_to_json_string(json),
				 op->kind == PLAN_SIGNED ? "a signed number" : "a number",
				 op->size);
	store_integer(value, op->size, to);
	return 0;
}

static int encode_key_struct(struct json_object *json, const struct fields *fields, char *key,
			     struct error *err)
{
	json_object_object_foreach(json, name, value) {
		const struct field *field = cell_find_field(fields, "key", name);
		_cleanup_text_ struct text all = {};
		int r;

		if (!field) {
			settable_names(fields, &all);
			return error_set(err, -ENOENT,
					 "key: there is no field \"%.100s\"; there are %s", name,
					 text_str(&all));
		}
		r = encode_key_number(value, field, key, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int cell_make_key(struct cell *cell, const struct object *object,
			 const struct object_map *map, const char *text, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	_cleanup_(cell_fields_release) struct fields fields = {};
	_cleanup_text_ struct text all = {};
	bool whole, number;
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
	whole = fields.n == 1 && !strcmp(fields.items[0].name, "key");
	number = json_object_is_type(json, json_type_int);
	settable_names(&fields, &all);
	if (number && !whole)
		return error_set(err, -EINVAL,
				 "key: expected {\"field\": number, ...} with fields of %s, "
				 "found %.100s",
				 text_str(&all), text);
	r = number ? encode_key_number(json, &fields.items[0], cell->key, err)
		   : encode_key_struct(json, &fields, cell->key, err);
	if (r < 0 || map_kind(cell->map.type) != MAP_ARRAY)
		return r;
	memcpy(&index, cell->key, sizeof(index));
	if (index >= cell->map.max_entries)
		return error_set(err, -EINVAL, "key: expected an index from 0 to %u, found %u",
				 cell->map.max_entries - 1, index);
	return 0;
}

/* -- values -- */

static int choose_field(struct cell *cell, const struct object *object,
			const struct object_map *map, const char *name, struct error *err)
{
	_cleanup_(cell_fields_release) struct fields fields = {};
	_cleanup_text_ struct text all = {};
	const struct field *field = NULL;
	bool whole;
	int r = fields_list(object_btf(object), map->value_type, cell->map.value_size, "value",
			    &fields.items, &fields.n, err);

	if (r < 0)
		return r;
	whole = fields.n == 1 && !strcmp(fields.items[0].name, "value");
	settable_names(&fields, &all);
	if (!name && whole)
		field = &fields.items[0];
	else if (name)
		field = cell_find_field(&fields, "value", name);
	if (field && is_settable(field)) {
		cell->kind = field->plan.ops->kind;
		cell->size = field->plan.ops->size;
		cell->offset = field->offset + field->plan.ops->offset;
		return 0;
	}
	if (whole)
		return error_set(err, -EINVAL, "its value is %s",
				 is_settable(&fields.items[0]) ? "a number without fields"
							       : "no number");
	if (!name)
		return error_set(err, -EINVAL,
				 "its value is a struct: expected one of its fields, "
				 "%s",
				 all.len ? text_str(&all) : "but none is a number");
	return error_set(err, -ENOENT, "%s \"%.100s\"; there are %s",
			 field ? "no number to be set is in field" : "its value has no field", name,
			 all.len ? text_str(&all) : "none");
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

/* -- cells -- */

static int cell_find_map(const struct object *object, const char *name,
			 const struct object_map **ret, struct error *err)
{
	_cleanup_text_ struct text all = {};

	*ret = object_find_map(object, name);
	if (*ret)
		return 0;
	for (size_t i = 0; i < object->n_maps; i++)
		if (!object->maps[i].internal && !event_map_is_internal(object->maps[i].name))
			text_printf(&all, "%s%s", all.len ? ", " : "", object->maps[i].name);
	return error_set(err, -ENOENT, "there is no map \"%.100s\"; there are %s", name,
			 all.len ? text_str(&all) : "none");
}

static int check_map(const struct map *map, struct error *err)
{
	enum map_kind kind = map_kind(map->type);

	if (kind == MAP_UNREADABLE || kind == MAP_QUEUE)
		return error_set(err, -EOPNOTSUPP, "a map of type %s has no entries to be set",
				 map_type_name(map->type));
	if (map->flags & BPF_F_RDONLY)
		return error_set(err, -EPERM, "it is read-only (BPF_F_RDONLY)");
	return 0;
}

int cell_init(struct cell *cell, const struct object *object, const struct cell_place *place,
	      struct error *err)
{
	const struct object_map *map;
	int r;

	*cell = (struct cell){};
	r = cell_find_map(object, place->map, &map, err);
	if (r < 0)
		return r;
	r = object_map_describe(map, &cell->map, err);
	if (r < 0)
		return r;
	r = check_map(&cell->map, err);
	if (r == 0)
		r = cell_make_key(cell, object, map, place->key, err);
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
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	if ((uintptr_t)cell->at % cell->size) {
		memcpy(cell->at, number, cell->size);
	} else if (cell->size == sizeof(u64)) {
		memcpy(&u64, number, sizeof(u64));
		__atomic_store_n((uint64_t *)cell->at, u64, __ATOMIC_RELAXED);
	} else if (cell->size == sizeof(u32)) {
		memcpy(&u32, number, sizeof(u32));
		__atomic_store_n((uint32_t *)cell->at, u32, __ATOMIC_RELAXED);
	} else if (cell->size == sizeof(u16)) {
		memcpy(&u16, number, sizeof(u16));
		__atomic_store_n((uint16_t *)cell->at, u16, __ATOMIC_RELAXED);
	} else {
		*cell->at = *number;
	}
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
