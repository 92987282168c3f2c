/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compact JSON (RFC 8259) appended to a text: commas and escapes are the writer's, the structure is
 * the caller's.
 *
 * A writer is used by one thread. It allocates nothing of its own; a failed append shows in
 * text_status().
 */
#ifndef DYNMON_BASE_JSON_WRITER_H
#define DYNMON_BASE_JSON_WRITER_H

#include "base/text.h"

struct json_writer {
	struct text *out;
	bool comma; /* the next value follows another one */
};

/* Begin and end objects and arrays. In an object, json_key() comes before each value. */
void json_object_begin(struct json_writer *json);
void json_object_end(struct json_writer *json);
void json_array_begin(struct json_writer *json);
void json_array_end(struct json_writer *json);

/* The key of the next value. */
void json_key(struct json_writer *json, const char *key);

/**
 * json_value() - where to append a value that is JSON already
 * @json: writer
 *
 * Return: the text; the caller appends one complete value to it.
 */
struct text *json_value(struct json_writer *json);

/* Values. A NULL string is null; bytes that are not UTF-8 are escaped as text_json() does. */
void json_put_string(struct json_writer *json, const char *s);
void json_put_u64(struct json_writer *json, uint64_t value);
void json_put_i64(struct json_writer *json, int64_t value);
void json_put_double(struct json_writer *json, double value);
void json_put_bool(struct json_writer *json, bool value);

/* A key and its value. */
void json_member_string(struct json_writer *json, const char *key, const char *s);
void json_member_u64(struct json_writer *json, const char *key, uint64_t value);
void json_member_i64(struct json_writer *json, const char *key, int64_t value);
void json_member_double(struct json_writer *json, const char *key, double value);
void json_member_bool(struct json_writer *json, const char *key, bool value);

#endif
