/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/json_reader.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#define JSON_DEPTH_MAX 32
#define QUOTE_MAX      60 /* bytes of an invalid value that a message quotes */

int json_reader_wrong(struct json_reader *reader, const char *expected, struct json_object *found)
{
	const char *value = json_object_to_json_string_ext(found, JSON_C_TO_STRING_NOSLASHESCAPE);

	return error_set(reader->err, -EINVAL, "%s: expected %s, found %.*s%s",
			 reader->where.len ? text_str(&reader->where) : "the document", expected,
			 QUOTE_MAX, value, strlen(value) > QUOTE_MAX ? "..." : "");
}

/* Appends the places below a table where a key exists. path: the place of the table, or empty. */
static void find_places(const struct json_reader *reader, const struct json_key *keys,
			const char *name, struct text *path, struct text *places)
{
	size_t mark = path->len;

	for (const struct json_key *key = keys; key->name; key++) {
		if (!strcmp(key->name, name))
			text_printf(places, "%s%s", places->len ? " or " : "",
				    mark ? text_str(path) : reader->root_name);
		if (!key->keys)
			continue;
		text_printf(path, "%s%s%s", mark ? "." : "", key->name, key->element ? "[]" : "");
		find_places(reader, key->keys, name, path, places);
		path->len = mark;
	}
}

static void warn_of_unknown_key(struct json_reader *reader, const char *name)
{
	_cleanup_text_ struct text path = {}, places = {};

	if (reader->warnings->len >= WARNINGS_MAX)
		return;
	if (reader->root)
		find_places(reader, reader->root, name, &path, &places);
	text_printf(reader->warnings, "%s: unknown key, ignored%s%s\n", text_str(&reader->where),
		    places.len ? "; this key belongs in " : "", text_str(&places));
}

int json_reader_object(struct json_reader *reader, struct json_object *object,
		       const struct json_key *keys, void *to)
{
	size_t mark = reader->where.len;
	int r;

	if (!json_object_is_type(object, json_type_object))
		return json_reader_wrong(reader, "an object", object);
	json_object_object_foreach(object, name, value) {
		const struct json_key *key = keys;

		text_printf(&reader->where, "%s%.80s", mark ? "." : "", name);
		while (key->name && strcmp(key->name, name) != 0)
			key++;
		if (!key->name) {
			warn_of_unknown_key(reader, name);
		} else if (value) { /* null counts as a missing key */
			reader->key = key;
			r = key->parse(reader, value, (char *)to + key->offset);
			if (r < 0)
				return r;
		}
		reader->where.len = mark;
	}
	for (const struct json_key *key = keys; key->name; key++)
		if (key->required && !json_object_object_get(object, key->name))
			return error_set(reader->err, -ENODATA, "%s: the key \"%s\" is missing",
					 mark ? text_str(&reader->where) : "the document",
					 key->name);
	return 0;
}

int json_parse_object(struct json_reader *reader, struct json_object *value, void *to)
{
	return json_reader_object(reader, value, reader->key->keys, to);
}

static int too_long(struct json_reader *reader, size_t n, const char *unit, size_t max)
{
	return error_set(reader->err, -EFBIG, "%s: %zu %s, at most %zu are possible",
			 text_str(&reader->where), n, unit, max);
}

int json_parse_list(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct json_key *key = reader->key;
	size_t *n = (size_t *)((char *)to - key->offset + key->count);
	size_t len, mark = reader->where.len;
	char *items;

	if (!json_object_is_type(value, json_type_array))
		return json_reader_wrong(reader, "a list", value);
	len = json_object_array_length(value);
	if (len > key->max)
		return too_long(reader, len, "elements", key->max);
	items = calloc(len + 1, key->size);
	if (!items)
		return error_oom(reader->err);
	*(void **)to = items;
	for (size_t i = 0; i < len; i++) {
		char *item = items + i * key->size;
		int r;

		text_printf(&reader->where, "[%zu]", i);
		reader->key = key;
		*n = i + 1; /* set first, so that the owner frees what a failed parser stored */
		r = key->element(reader, json_object_array_get_idx(value, i), item);
		for (size_t j = 0; r == 0 && key->unique && j < i; j++)
			if (!strcmp(*(char **)item, *(char **)(items + j * key->size)))
				r = error_set(reader->err, -EINVAL,
					      "%s.name: \"%s\" is already the name of [%zu]",
					      text_str(&reader->where), *(char **)item, j);
		if (r < 0)
			return r;
		reader->where.len = mark;
	}
	return 0;
}

int json_parse_string(struct json_reader *reader, struct json_object *value, void *to)
{
	size_t max = reader->key && reader->key->bytes ? reader->key->bytes : NAME_MAX_BYTES;
	char **string = to;
	const char *text;
	size_t len;

	if (!json_object_is_type(value, json_type_string))
		return json_reader_wrong(reader, "a string", value);
	text = json_object_get_string(value);
	len = strlen(text);
	if (len != (size_t)json_object_get_string_len(value))
		return json_reader_wrong(reader, "a string without NUL", value);
	if (len > max)
		return too_long(reader, len, "bytes", max);
	/* json-c checks only the form of UTF-8 sequences, not the code points. */
	if (!utf8_is_valid(text, len))
		return json_reader_wrong(reader, "UTF-8", value);
	free(*string);
	*string = strdup(text);
	return *string ? 0 : error_oom(reader->err);
}

int json_parse_name(struct json_reader *reader, struct json_object *value, void *to)
{
	int r = json_parse_string(reader, value, to);

	return r == 0 && !**(char **)to ? json_reader_wrong(reader, "a name", value) : r;
}

int json_parse_bool(struct json_reader *reader, struct json_object *value, void *to)
{
	if (!json_object_is_type(value, json_type_boolean))
		return json_reader_wrong(reader, "true or false", value);
	*(bool *)to = json_object_get_boolean(value);
	return 0;
}

int json_parse_u32(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct json_key *key = reader->key;
	int64_t n = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || n < key->min || n > key->max)
		return json_reader_wrong(reader, key->expected, value);
	*(uint32_t *)to = (uint32_t)n;
	return 0;
}

int json_parse_enum(struct json_reader *reader, struct json_object *value, void *to)
{
	const struct json_key *key = reader->key;

	if (json_object_is_type(value, json_type_string))
		for (unsigned int i = 0; key->names[i]; i++)
			if (!strcasecmp(json_object_get_string(value), key->names[i])) {
				*(unsigned int *)to = i;
				return 0;
			}
	return json_reader_wrong(reader, key->expected, value);
}

int json_parse_ignored(struct json_reader *reader, struct json_object *value, void *to)
{
	(void)reader;
	(void)value;
	(void)to;
	return 0;
}

/* Sets a syntax error at a byte offset, as line and column counted from 1. */
static int syntax_error(const char *bytes, size_t len, size_t at, const char *reason,
			struct error *err)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < len; i++) {
		column++;
		if (bytes[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return error_set(err, -EINVAL, "JSON syntax: line %zu, column %zu: %s", line, column,
			 reason);
}

int json_reader_parse(const char *bytes, size_t len, struct json_object **ret, struct error *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	enum json_tokener_error status;
	size_t end;
	bool again;

	if (!tokener)
		return error_oom(err);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
						JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*ret = json_tokener_parse_ex(tokener, bytes, (int)len);
	status = json_tokener_get_error(tokener);
	again = status == json_tokener_continue;
	if (again) {
		/*
		 * A number or word at the top level may end with the text. The tokener completes it
		 * only when it sees the next character.
		 */
		*ret = json_tokener_parse_ex(tokener, " ", 1);
		status = json_tokener_get_error(tokener);
	}
	end = status == json_tokener_success && again ? len : json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (status == json_tokener_continue)
		return syntax_error(bytes, len, len, "unexpected end of the text", err);
	if (status != json_tokener_success)
		return syntax_error(bytes, len, end, json_tokener_error_desc(status), err);
	while (end < len && isspace((unsigned char)bytes[end]))
		end++;
	if (end < len) {
		json_object_put(*ret);
		*ret = NULL;
		return syntax_error(bytes, len, end, "text after the end of the document", err);
	}
	return 0;
}
