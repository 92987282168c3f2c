/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/converter.h"
#include "kernel/map_type.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* Appends the place in the file, the metric, and the formatted text. */
static void add_place(struct converter *converter, const yaml_node_t *node, struct text *to,
		      const char *fmt, va_list args)
{
	char reason[512];

	vsnprintf(reason, sizeof(reason), fmt, args);
	text_printf(to, "%s:%zu: ", converter->file, yaml_line(node));
	if (converter->metric)
		text_printf(to, "metric %s: ", converter->metric);
	text_adds(to, reason);
}

void converter_refuse(struct converter *converter, const yaml_node_t *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_addc(&converter->refusals, '\n');
	add_place(converter, node, &converter->refusals, fmt, args);
	converter->n_refusals++;
	va_end(args);
}

void converter_hint(struct converter *converter, const yaml_node_t *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_place(converter, node, converter->hints, fmt, args);
	text_addc(converter->hints, '\n');
	va_end(args);
}

void converter_check_keys(struct converter *converter, const yaml_node_t *mapping,
			  const char *known)
{
	for (size_t i = 0; i < yaml_length(mapping); i++) {
		size_t len, at = 0;
		const char *key;
		const yaml_node_t *value = yaml_pair(&converter->yaml, mapping, i, &key);

		key = key ? key : "";
		len = strlen(key);
		while (known[at] && (strncmp(known + at, key, len) != 0 || !len ||
				     (known[at + len] && known[at + len] != ' '))) {
			at += strcspn(known + at, " ");
			at += strspn(known + at, " ");
		}
		if (!known[at])
			converter_refuse(converter, value,
					 "the key \"%.60s\" is unknown: remove it", key);
	}
}

const char *converter_text(struct converter *converter, const yaml_node_t *mapping, const char *key)
{
	const char *text = yaml_scalar(yaml_member(&converter->yaml, mapping, key));

	if (text && *text)
		return text;
	converter_refuse(converter, mapping, "the key \"%s\" is missing or empty", key);
	return "";
}

double converter_number(struct converter *converter, const yaml_node_t *mapping, const char *key,
			double fallback, double max)
{
	const yaml_node_t *node = yaml_member(&converter->yaml, mapping, key);
	const char *text = yaml_scalar(node);
	char *end;
	double value;

	if (!node)
		return fallback;
	value = text ? strtod(text, &end) : -1;
	if (text && *text && !*end && value >= 0 && value <= max)
		return value;
	converter_refuse(converter, node, "%s: expected a number from 0 to %g, found \"%.60s\"",
			 key, max, text ? text : "");
	return fallback;
}

bool converter_is_true(struct converter *converter, const yaml_node_t *mapping, const char *key)
{
	const char *text = yaml_scalar(yaml_member(&converter->yaml, mapping, key));

	return text && (!strcasecmp(text, "true") || !strcasecmp(text, "yes") ||
			!strcasecmp(text, "on") || !strcasecmp(text, "y"));
}

void converter_path(struct converter *converter, const struct field *field)
{
	_cleanup_text_ struct text path = {};

	if (!field)
		text_adds(&path, "?"); /* refused */
	else if (map_kind(converter->map.type) == MAP_ARRAY)
		text_adds(&path, "index");
	else if (converter->n_key == 1 && !strcmp(field->name, "key"))
		text_adds(&path, "key");
	else
		text_printf(&path, "key.%s", field->name);
	json_put_name(&converter->json, text_str(&path));
}
