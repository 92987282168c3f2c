/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/converter.h"
#include "kernel/map_type.h"

#include <ctype.h>

/* A decoder of ebpf_exporter. Decoders form a chain; each gets the text of the previous one. */
static const struct decoder {
	const char *name;
	const char *after;  /* the previous decoder; NULL: the bytes of the key */
	const char *format; /* of the label; NULL: cannot be expressed */
	const char *remedy; /* for the message if it cannot */
	bool differs;	    /* the texts are not those of ebpf_exporter: no values and regexp fit */
} decoders[] = {
	{ "uint", NULL, "uint" },
	{ "string", NULL, "string" },
	{ "hex", NULL, "hex" },
	{ "inet_ip", NULL, "ip" },
	{ "ifname", NULL, "ifname" },
	{ "ksym", NULL, "ksym", .differs = true },
	{ "kstack", NULL, "kstack", .differs = true },
	{ "majorminor", NULL, "majorminor" },
	{ "dname", NULL, "dname" },
	{ "dname", "string", "dname" },
	{ "cgroup", "uint", "cgroup", .differs = true },
	{ "errno", "uint", "errno" },
	{ "syscall", "uint", "syscall" },
	{ "pci_vendor", "uint", .remedy = "remove it to get the number of the vendor" },
	{ "pci_device", "uint", .remedy = "remove it to get the number of the device" },
	{ "pci_class", "uint", .remedy = "remove it to get the number of the class" },
	{ "pci_subclass", "uint", .remedy = "remove it to get the number of the subclass" },
};

/*
 * Finds the field of the key in the bytes that a label describes. The other bytes must be padding.
 * Returns NULL after a refusal.
 */
static const struct field *find_field(struct converter *converter, const yaml_node_t *label,
				      const char *name, uint32_t offset, uint32_t size)
{
	const struct field *found = NULL;
	_cleanup_text_ struct text names = {};
	size_t n = 0;

	for (size_t i = 0; i < converter->n_key; i++) {
		const struct field *field = &converter->key[i];

		if (field->offset >= offset + size || field->offset + field->plan.size <= offset)
			continue;
		found = field;
		n++;
		text_printf(&names, "%s%s", n > 1 ? ", " : "", field->name);
	}
	if (n == 1 && found->offset == offset && found->plan.size <= size)
		return found;
	converter_refuse(
		converter, label,
		"label \"%s\" describes bytes %u to %u of the key, and the fields there are: %s; "
		"describe each field by one label",
		name, offset, offset + size - 1, n ? text_str(&names) : "none");
	return NULL;
}

/* Writes the texts of a static_map. Unknown values become "unknown:VALUE", as in ebpf_exporter. */
static void convert_texts(struct converter *converter, const yaml_node_t *decoder)
{
	struct json_writer *json = &converter->json;
	const yaml_node_t *texts = yaml_member(&converter->yaml, decoder, "static_map");

	if (!yaml_length(texts)) {
		converter_refuse(converter, decoder,
				 "decoder \"static_map\": the texts are missing");
		return;
	}
	json_key(json, "values");
	json_object_begin(json);
	for (size_t i = 0; i < yaml_length(texts); i++) {
		const char *from;
		const yaml_node_t *to = yaml_pair(&converter->yaml, texts, i, &from);

		if (from && strcmp(from, "*") != 0 && yaml_scalar(to))
			json_member_string(json, from, yaml_scalar(to));
		else
			converter_refuse(converter, to,
					 "decoder \"static_map\": expected texts for values other "
					 "than \"*\"");
	}
	if (!converter_is_true(converter, decoder, "allow_unknown"))
		json_member_string(json, "*", "unknown:*");
	json_object_end(json);
}

/* Returns the end of a bracket expression that starts at c, or NULL if POSIX reads it otherwise. */
static const char *bracket_end(const char *c)
{
	const char *first = c + 1 + (c[1] == '^');

	for (c = first; *c && (*c != ']' || c == first); c++)
		if (*c == '\\' || *c == '{' || !strncmp(c, "[:^", 3))
			return NULL;
		else if (!strncmp(c, "[:", 2) && strstr(c, ":]"))
			c = strstr(c, ":]") + 1;
	return *c ? c : NULL;
}

/* Returns the part of a pattern of Go that a POSIX pattern cannot express; NULL: none. */
static const char *foreign_syntax(const char *pattern)
{
	int groups = 0;

	for (const char *c = pattern; *c; c++) {
		if (*c == '[') {
			c = bracket_end(c);
			if (!c)
				return "a backslash or { in brackets";
		} else if (*c == '\\') {
			if (!*++c || isalnum((unsigned char)*c) || strchr("<>'`", *c))
				return "a backslash that POSIX reads otherwise";
		} else if (*c == '(') {
			if (c[1] == '?')
				return "(?";
			if (++groups > 1)
				return "a second group, with which ebpf_exporter never matches";
		} else if (*c == '{') {
			return "{";
		} else if (strchr("*+?", *c) && c[1] && strchr("*+?", c[1])) {
			return "a repetition that is not greedy";
		}
	}
	return NULL;
}

static void convert_regexps(struct converter *converter, const yaml_node_t *decoder)
{
	struct json_writer *json = &converter->json;
	const yaml_node_t *patterns = yaml_member(&converter->yaml, decoder, "regexps");

	if (!yaml_length(patterns))
		converter_refuse(converter, decoder, "decoder \"regexp\": the regexps are missing");
	json_key(json, "regexp");
	json_array_begin(json);
	for (size_t i = 0; i < yaml_length(patterns); i++) {
		const yaml_node_t *node = yaml_element(&converter->yaml, patterns, i);
		const char *pattern = node ? yaml_scalar(node) : NULL;
		const char *foreign = pattern ? foreign_syntax(pattern) : "no text";

		if (foreign)
			converter_refuse(converter, node ? node : patterns,
					 "decoder \"regexp\": \"%.100s\" has %s: write it as a "
					 "POSIX extended regular expression",
					 pattern ? pattern : "", foreign);
		else if (strchr(pattern, '|'))
			converter_hint(converter, node,
				       "\"%.100s\": the longest alternative matches, and in "
				       "ebpf_exporter the first",
				       pattern);
		json_put_string(json, pattern);
	}
	json_array_end(json);
}

static const struct decoder *find_decoder(struct converter *converter, const yaml_node_t *node,
					  const char *name, const char *after)
{
	const struct decoder *known = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(decoders); i++) {
		const struct decoder *row = &decoders[i];

		if (strcmp(row->name, name) != 0)
			continue;
		known = row;
		if (!row->after == !after && (!after || !strcmp(row->after, after))) {
			if (row->format)
				return row;
			converter_refuse(converter, node, "decoder \"%s\" is not supported: %s",
					 name, row->remedy);
			return NULL;
		}
	}
	if (!known)
		converter_refuse(converter, node, "decoder \"%.60s\" is unknown", name);
	else
		converter_refuse(converter, node, "decoder \"%s\" is supported only %s%s", name,
				 known->after ? "after " : "as the first decoder",
				 known->after ? known->after : "");
	return NULL;
}

/* Writes format, values and regexp of a label for its chain of decoders. */
static void convert_decoders(struct converter *converter, const yaml_node_t *label,
			     const struct field *field)
{
	const yaml_node_t *list = yaml_member(&converter->yaml, label, "decoders");
	const yaml_node_t *texts = NULL, *regexps = NULL;
	const struct decoder *format = NULL;
	const char *previous = NULL;

	if (!yaml_length(list))
		converter_refuse(converter, label, "the label has no decoders");
	for (size_t i = 0; i < yaml_length(list); i++) {
		const yaml_node_t *node = yaml_element(&converter->yaml, list, i);
		const char *name = converter_text(converter, node, "name");

		converter_check_keys(converter, node, "name static_map allow_unknown regexps");
		if (previous && !strcmp(name, "static_map") && !texts && !regexps)
			texts = node;
		else if (previous && !strcmp(name, "regexp") && !regexps)
			regexps = node;
		else
			format = find_decoder(converter, node, name, previous);
		previous = name;
	}
	if (!format)
		return;
	if (field && !format_fits((enum format)format_from_name(format->format), field->plan.size))
		converter_refuse(converter, label,
				 "decoder \"%s\" is for %s, and field \"%s\" has %u", format->name,
				 format_sizes((enum format)format_from_name(format->format)),
				 field->name, field->plan.size);
	if ((texts || regexps) && format->differs)
		converter_refuse(
			converter, texts ? texts : regexps,
			"decoder \"%s\" after \"%s\" is not supported, because the texts of "
			"\"%s\" differ here: remove it, and add \"%s\" to the document",
			texts ? "static_map" : "regexp", format->name, format->name,
			texts ? "values" : "regexp");
	json_member_string(&converter->json, "format", format->format);
	if (texts)
		convert_texts(converter, texts);
	if (regexps)
		convert_regexps(converter, regexps);
}

/* The last label of a histogram must be a number. */
static void check_slot(struct converter *converter, const yaml_node_t *label)
{
	const yaml_node_t *list = yaml_member(&converter->yaml, label, "decoders");
	const yaml_node_t *first =
		yaml_length(list) == 1 ? yaml_element(&converter->yaml, list, 0) : NULL;
	const char *name = yaml_scalar(yaml_member(&converter->yaml, first, "name"));

	if (!name || strcmp(name, "uint") != 0)
		converter_refuse(converter, label,
				 "the last label of a histogram is its bucket: expected only the "
				 "decoder \"uint\"");
}

static bool splits_cpus(struct converter *converter, const yaml_node_t *label)
{
	const char *name = yaml_scalar(yaml_member(&converter->yaml, label, "name"));

	return name && !strcmp(name, "cpu") && map_is_percpu(converter->map.type);
}

bool converter_labels(struct converter *converter, const yaml_node_t *metric,
		      const struct field **slot)
{
	const yaml_node_t *labels = yaml_member(&converter->yaml, metric, "labels");
	struct json_writer *json = &converter->json;
	size_t n = yaml_length(labels);
	bool cpus =
		n && !slot && splits_cpus(converter, yaml_element(&converter->yaml, labels, n - 1));
	uint32_t offset = 0;

	json_key(json, "labels");
	json_array_begin(json);
	for (size_t i = 0; i < n - cpus; i++) {
		const yaml_node_t *label = yaml_element(&converter->yaml, labels, i);
		const char *name = converter_text(converter, label, "name");
		uint32_t size = (uint32_t)converter_number(converter, label, "size", 0, 65535);
		uint32_t padding =
			(uint32_t)converter_number(converter, label, "padding", 0, 65535);
		const struct field *field;

		converter_check_keys(converter, label, "name size padding decoders");
		if (!size) {
			converter_refuse(converter, label, "label \"%s\": the size is missing",
					 name);
			continue;
		}
		field = find_field(converter, label, name, offset, size + padding);
		offset += size + padding;
		if (slot && i == n - 1) {
			check_slot(converter, label);
			*slot = field;
			break;
		}
		json_object_begin(json);
		json_member_name(json, "name", name);
		json_key(json, "field");
		converter_path(converter, field);
		convert_decoders(converter, label, field);
		json_object_end(json);
	}
	json_array_end(json);
	if (n > cpus && offset != converter->map.key_size)
		converter_refuse(converter, labels,
				 "the labels describe %u bytes of the key, which has %u", offset,
				 converter->map.key_size);
	if (n == cpus &&
	    (map_kind(converter->map.type) != MAP_ARRAY || converter->map.max_entries > 1))
		converter_refuse(converter, metric,
				 "the map has more than one entry: add a label for its key");
	return cpus;
}
