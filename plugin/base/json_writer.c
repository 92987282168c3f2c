/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json_writer.h"

#include <math.h>

static void json_begin(struct json_writer *json, char c)
{
	text_addc(json_value(json), c);
	json->comma = false;
}

static void json_end(struct json_writer *json, char c)
{
	text_addc(json->out, c);
	json->comma = true;
}

void json_object_begin(struct json_writer *json)
{
	json_begin(json, '{');
}

void json_object_end(struct json_writer *json)
{
	json_end(json, '}');
}

void json_array_begin(struct json_writer *json)
{
	json_begin(json, '[');
}

void json_array_end(struct json_writer *json)
{
	json_end(json, ']');
}

void json_key(struct json_writer *json, const char *key)
{
	text_json(json_value(json), key, strlen(key));
	text_addc(json->out, ':');
	json->comma = false;
}

struct text *json_value(struct json_writer *json)
{
	if (json->comma)
		text_addc(json->out, ',');
	json->comma = true;
	return json->out;
}

void json_put_string(struct json_writer *json, const char *s)
{
	if (s)
		text_json(json_value(json), s, strlen(s));
	else
		text_adds(json_value(json), "null");
}

void json_put_name(struct json_writer *json, const char *name)
{
	if (name)
		text_json_name(json_value(json), name);
	else
		text_adds(json_value(json), "null");
}

void json_put_bool(struct json_writer *json, bool value)
{
	text_adds(json_value(json), value ? "true" : "false");
}

void json_put_i64(struct json_writer *json, int64_t value)
{
	text_i64(json_value(json), value);
}

void json_put_u64(struct json_writer *json, uint64_t value)
{
	text_u64(json_value(json), value);
}

void json_put_double(struct json_writer *json, double value)
{
	if (isfinite(value))
		text_double(json_value(json), value);
	else /* JSON has neither NaN nor infinity */
		text_adds(json_value(json), "null");
}

void json_member_string(struct json_writer *json, const char *key, const char *s)
{
	json_key(json, key);
	json_put_string(json, s);
}

void json_member_name(struct json_writer *json, const char *key, const char *name)
{
	json_key(json, key);
	json_put_name(json, name);
}

void json_member_bool(struct json_writer *json, const char *key, bool value)
{
	json_key(json, key);
	json_put_bool(json, value);
}

void json_member_i64(struct json_writer *json, const char *key, int64_t value)
{
	json_key(json, key);
	json_put_i64(json, value);
}

void json_member_u64(struct json_writer *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_put_u64(json, value);
}

void json_member_double(struct json_writer *json, const char *key, double value)
{
	json_key(json, key);
	json_put_double(json, value);
}
