/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/value.h"
#include "base/hash.h"
#include "base/utf8.h"

#include <string.h>

#define VALUE_HASH_LEN 9 /* "-" and eight digits */

void value_field(const char *text, size_t len, char field[VALUE_FIELD_MAX + 1])
{
	if (utf8_show_line(field, VALUE_FIELD_MAX + 1, text, len, "") < len) {
		utf8_show_line(field, VALUE_FIELD_MAX + 1 - VALUE_HASH_LEN, text, len, "");
		snprintf(field + strlen(field), VALUE_HASH_LEN + 1, "-%08x", hash_bytes(text, len));
	}
	for (char *c = field; *c; c++)
		if (*c == '/')
			*c = '_';
}

size_t value_name_len(const struct metric_config *config)
{
	static const char suffix[] = "_total";
	const size_t n = sizeof(suffix) - 1;
	size_t len = strlen(config->name);

	if (config->type == METRIC_COUNTER && len > n && !strcmp(config->name + len - n, suffix))
		return len - n;
	return len;
}

bool value_names_clash(const struct metric_config *a, const struct metric_config *b)
{
	size_t len = value_name_len(a);

	if (len != value_name_len(b))
		return false;
	for (size_t i = 0; i < len; i++) {
		char x = a->name[i], y = b->name[i];

		if (x != y && !(strchr("/_", x) && strchr("/_", y)))
			return false;
	}
	return true;
}

/* Returns true if the name is a word or ends in "_" and the word. */
static bool ends_in_word(const char *name, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && !memcmp(name + len - n, word, n) &&
	       (len == n || name[len - n - 1] == '_');
}

const char *value_type(const struct metric_config *config, const char *family)
{
	static const struct {
		const char *unit, *counter, *gauge;
	} types[] = {
		{ "bytes", "total_bytes", "bytes" },
		{ "packets", "packets", NULL },
		{ "seconds", NULL, "duration" },
		{ "percent", NULL, "percent" },
		{ "requests", "total_requests", NULL },
		{ "connections", "total_connections", NULL },
	};
	const char *name = *family ? family : config->name;
	size_t len = *family ? strlen(family) : value_name_len(config);
	bool counter = config->type == METRIC_COUNTER;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const char *type = counter ? types[i].counter : types[i].gauge;

		if (type && (config->unit ? !strcmp(types[i].unit, config->unit)
					  : ends_in_word(name, len, types[i].unit)))
			return type;
	}
	return counter ? "derive" : "gauge";
}

void value_distinguish(struct text *to, const char *variable, const char *type_instance,
		       const char *plugin_instance)
{
	if (!type_instance ||
	    !(strstr(type_instance, variable) || strstr(plugin_instance, variable)))
		text_printf(to, "%s%s", to->len ? "-" : "", variable);
}

bool value_type_is_pair(const char *type)
{
	static const char *const pairs[] = { "if_packets", "if_octets",	 "if_errors",
					     "if_dropped", "io_packets", "io_octets" };

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (!strcmp(type, pairs[i]))
			return true;
	return false;
}
