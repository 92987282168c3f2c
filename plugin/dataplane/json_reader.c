/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/json_reader.h"
#include "base/utf8.h"
#include "dataplane/document.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#define JSON_DEPTH_MAX 32
#define QUOTE_MAX      60 /* bytes of an invalid value that a message quotes */

int json_reader_wrong(struct json_reader *json_reader, const char *expected,
		      struct json_object *found)
{
	const char *value = json_object_to_json_string_ext(found, JSON_C_TO_STRING_NOSLASHESCAPE);
	bool cut = strlen(value) > QUOTE_MAX;

	return error_set(json_reader->err, -EINVAL, "%s: expected %s, found %.*s%s",
			 json_reader->where.len ? text_str(&json_reader->where) : "the document",
			 expected, QUOTE_MAX, value, cut ? "..." : "");
}

int json_reader_object(struct json_reader *json_reader, struct json_object *object,
		       const struct key *keys, void *to)
{
	size_t mark = json_reader->where.len;
	int r;

	if (!json_object_is_type(object, json_type_object))
		return json_reader_wrong(json_reader, "an object", object);
	json_object_object_foreach(object, name, value) {
		const struct key *key = keys;

		text_printf(&json_reader->where, "%s%.80s", mark ? "." : "", name);
		while (key->name && strcmp(key->name, name))
			key++;
		if (!key->name) {
			if (json_reader->warnings->len < WARNINGS_MAX)
				text_printf(json_reader->warnings, "%s: unknown key, ignored\n",
					    text_str(&json_reader->where));
		} else if (value) { /* null counts as a missing key */
			r = key->take(json_reader, value, (char *)to + key->offset);
			if (r < 0)
				return r;
		}
		json_reader->where.len = mark;
	}
	for (const struct key *key = keys; key->name; key++)
		if (key->required && !json_object_object_get(object, key->name))
			return error_set(
				json_reader->err, -ENODATA, "%s: the key \"%s\" is missing",
				mark ? text_str(&json_reader->where) : "the document", key->name);
	return 0;
}

int json_reader_list(struct json_reader *json_reader, struct json_object *list, size_t max,
		     size_t size, int (*take)(struct json_reader *, struct json_object *, void *),
		     void **items, size_t *n)
{
	size_t len, mark = json_reader->where.len;

	if (!json_object_is_type(list, json_type_array))
		return json_reader_wrong(json_reader, "a list", list);
	len = json_object_array_length(list);
	if (len > max)
		return error_set(json_reader->err, -EFBIG,
				 "%s: %zu elements, at most %zu are possible",
				 text_str(&json_reader->where), len, max);
	*items = calloc(len ? len : 1, size);
	if (!*items)
		return error_oom(json_reader->err);
	for (; *n < len; json_reader->where.len = mark) {
		struct json_object *value = json_object_array_get_idx(list, *n);
		char *item = (char *)*items + *n * size;
		int r;

		text_printf(&json_reader->where, "[%zu]", *n);
		++*n; /* counted first, so that the caller frees what a failed take() stored */
		r = take(json_reader, value, item);
		if (r < 0)
			return r;
	}
	return 0;
}

int take_bounded(struct json_reader *json_reader, struct json_object *value, size_t max, void *to)
{
	char **string = to;
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return json_reader_wrong(json_reader, "a string", value);
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		return json_reader_wrong(json_reader, "a string without NUL", value);
	if (strlen(text) > max)
		return error_set(json_reader->err, -EFBIG,
				 "%s: %zu bytes, at most %zu are possible",
				 text_str(&json_reader->where), strlen(text), max);
	/* json-c checks only the form of UTF-8 sequences, not the code points. */
	if (!utf8_is_valid(text, strlen(text)))
		return json_reader_wrong(json_reader, "UTF-8", value);
	free(*string);
	*string = strdup(text);
	return *string ? 0 : error_oom(json_reader->err);
}

int take_string(struct json_reader *json_reader, struct json_object *value, void *to)
{
	return take_bounded(json_reader, value, NAME_MAX_BYTES, to);
}

int take_name(struct json_reader *json_reader, struct json_object *value, void *to)
{
	int r = take_string(json_reader, value, to);

	if (r == 0 && !**(char **)to)
		return json_reader_wrong(json_reader, "a name", value);
	return r;
}

int take_bool(struct json_reader *json_reader, struct json_object *value, void *to)
{
	if (!json_object_is_type(value, json_type_boolean))
		return json_reader_wrong(json_reader, "true or false", value);
	*(bool *)to = json_object_get_boolean(value);
	return 0;
}

/* Sets a syntax error at byte offset at, as line and column counted from 1. */
static int syntax_error(const char *bytes, size_t len, size_t at, const char *words,
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
			 words);
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
		return syntax_error(bytes, len, len, "the text ends in the middle", err);
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
