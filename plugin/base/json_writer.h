/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer of compact JSON (RFC 8259) to a text.
 *
 * The writer adds commas and escapes. The caller is responsible for the structure: keys in objects
 * and matching ends. Initialize a writer with its text: { .out = &text }. A writer owns nothing and
 * needs no release. It is used by one thread. Appends do not report errors: check text_status() of
 * the text at the end.
 */
#ifndef DYNMON_BASE_JSON_WRITER_H
#define DYNMON_BASE_JSON_WRITER_H

#include "base/text.h"

struct json_writer {
	struct text *out;
	bool comma; /* a comma precedes the next key or value */
};

/* Begin and end objects and arrays. In an object, call json_key() before each value. */
void json_object_begin(struct json_writer *json);
void json_object_end(struct json_writer *json);
void json_array_begin(struct json_writer *json);
void json_array_end(struct json_writer *json);

/* Appends the key of the next value. */
void json_key(struct json_writer *json, const char *key);

/**
 * json_value() - prepare for a value that the caller formats
 * @json: writer
 *
 * Return: the text. The caller must append exactly one complete JSON value.
 */
struct text *json_value(struct json_writer *json);

/*
 * Append a value. A NULL string or name becomes null; bytes that are not UTF-8 are escaped as in
 * text_json() in a string, and as in text_json_name() in a name. NaN and infinite numbers become
 * null.
 */
void json_put_string(struct json_writer *json, const char *s);
void json_put_name(struct json_writer *json, const char *name);
void json_put_bool(struct json_writer *json, bool value);
void json_put_i64(struct json_writer *json, int64_t value);
void json_put_u64(struct json_writer *json, uint64_t value);
void json_put_double(struct json_writer *json, double value);

/* Append a key and its value. */
void json_member_string(struct json_writer *json, const char *key, const char *s);
void json_member_name(struct json_writer *json, const char *key, const char *name);
void json_member_bool(struct json_writer *json, const char *key, bool value);
void json_member_i64(struct json_writer *json, const char *key, int64_t value);
void json_member_u64(struct json_writer *json, const char *key, uint64_t value);
void json_member_double(struct json_writer *json, const char *key, double value);

#endif
