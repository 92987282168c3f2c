/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/presets.h"
#include "base/array.h"
#include "base/string.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

/* Counts the members of an object of presets. Returns -errno if it is none. */
static int count_presets(struct json_reader *reader, struct json_object *value)
{
	int n;

	if (!json_object_is_type(value, json_type_object))
		return json_reader_wrong(reader, "an object", value);
	n = json_object_object_length(value);
	if (n > PRESETS_MAX)
		return error_set(reader->err, -E2BIG, "%s: %d names, at most %d are possible",
				 text_str(&reader->where), n, PRESETS_MAX);
	return n;
}

static int add_variable(struct presets *presets, const char *name, size_t len, const char *value,
			bool anywhere)
{
	struct variable_preset *variable = array_append(presets->variables, presets->n_variables);

	if (!variable)
		return -ENOMEM;
	variable->anywhere = anywhere;
	variable->name = strndup(name, len);
	variable->value = strdup(value);
	return variable->name && variable->value ? 0 : -ENOMEM;
}

int presets_parse_variables(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = count_presets(reader, value);

	if (r < 0)
		return r;
	json_object_object_foreach(value, name, item) {
		const char *text = json_object_get_string(item);
		size_t mark = reader->where.len;

		text_printf(&reader->where, ".%.80s", name);
		if (!json_object_is_type(item, json_type_boolean) &&
		    !json_object_is_type(item, json_type_int) &&
		    !json_object_is_type(item, json_type_string))
			return json_reader_wrong(reader, "true, false, an integer or a string",
						 item);
		if (strlen(text) > PRESET_TEXT_MAX ||
		    (json_object_is_type(item, json_type_string) &&
		     strlen(text) != (size_t)json_object_get_string_len(item)))
			return json_reader_wrong(reader, "at most 512 bytes without NUL", item);
		if (add_variable(to, name, strlen(name), text, false) < 0)
			return error_oom(reader->err);
		reader->where.len = mark;
	}
	return 0;
}

int presets_parse_maps(struct json_reader *reader, struct json_object *value, void *to)
{
	static const struct json_key keys[] = {
		{ "max-entries", json_parse_u32, offsetof(struct map_preset, max_entries), .min = 1,
		  .max = UINT32_MAX, .expected = "a number of entries from 1 to 4294967295" },
		{ "pin", json_parse_name, offsetof(struct map_preset, pin) },
		{},
	};
	struct presets *presets = to;
	int r = count_presets(reader, value);

	if (r < 0)
		return r;
	json_object_object_foreach(value, name, item) {
		struct map_preset *map = array_append(presets->maps, presets->n_maps);
		size_t mark = reader->where.len;

		if (!map || !(map->name = strdup(name)))
			return error_oom(reader->err);
		text_printf(&reader->where, ".%.80s", name);
		r = json_reader_object(reader, item, keys, map);
		if (r < 0)
			return r;
		reader->where.len = mark;
	}
	return 0;
}

int presets_check_assignment(const char *assignment, struct error *err)
{
	const char *equals = strchr(assignment, '=');

	if (equals && equals > assignment && strlen(assignment) <= PRESET_TEXT_MAX)
		return 0;
	return error_set(err, -EINVAL,
			 "expected NAME=VALUE, a variable of the dataplane and its value, of at "
			 "most %d bytes, found \"%.100s\"",
			 PRESET_TEXT_MAX, assignment);
}

int presets_assign(struct presets *presets, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	return add_variable(presets, assignment, len, assignment + len + 1, true);
}

bool presets_equal(const struct presets *a, const struct presets *b)
{
	if (a->n_variables != b->n_variables || a->n_maps != b->n_maps)
		return false;
	for (size_t i = 0; i < a->n_variables; i++) {
		const struct variable_preset *x = &a->variables[i], *y = &b->variables[i];

		if (strcmp(x->name, y->name) != 0 || strcmp(x->value, y->value) != 0 ||
		    x->anywhere != y->anywhere)
			return false;
	}
	for (size_t i = 0; i < a->n_maps; i++) {
		const struct map_preset *x = &a->maps[i], *y = &b->maps[i];

		if (strcmp(x->name, y->name) != 0 || x->max_entries != y->max_entries ||
		    !string_equal(x->pin, y->pin))
			return false;
	}
	return true;
}

void presets_release(struct presets *presets)
{
	for (size_t i = 0; i < presets->n_variables; i++) {
		free(presets->variables[i].name);
		free(presets->variables[i].value);
	}
	free(presets->variables);
	for (size_t i = 0; i < presets->n_maps; i++) {
		free(presets->maps[i].name);
		free(presets->maps[i].pin);
	}
	free(presets->maps);
	*presets = (struct presets){};
}
