/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/yaml.h"

#include <errno.h>
#include <string.h>

int yaml_init(yaml_document_t *yaml, const char *bytes, size_t len, struct error *err)
{
	yaml_parser_t parser;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return error_oom(err);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
	if (!yaml_parser_load(&parser, yaml)) {
		if (parser.error == YAML_MEMORY_ERROR)
			r = error_oom(err);
		else
			r = error_set(err, -EINVAL, "YAML syntax: line %zu: %s",
				      parser.problem_mark.line + 1,
				      parser.problem ? parser.problem : "not YAML");
	}
	yaml_parser_delete(&parser);
	return r;
}

const char *yaml_scalar(const yaml_node_t *node)
{
	const char *text = NULL;

	if (node && node->type == YAML_SCALAR_NODE)
		text = (const char *)node->data.scalar.value;
	return text && strlen(text) == node->data.scalar.length ? text : NULL;
}

size_t yaml_length(const yaml_node_t *node)
{
	if (node && node->type == YAML_SEQUENCE_NODE)
		return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (node && node->type == YAML_MAPPING_NODE)
		return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	return 0;
}

const yaml_node_t *yaml_element(yaml_document_t *yaml, const yaml_node_t *sequence, size_t i)
{
	if (sequence->type != YAML_SEQUENCE_NODE)
		return NULL;
	return yaml_document_get_node(yaml, sequence->data.sequence.items.start[i]);
}

const yaml_node_t *yaml_pair(yaml_document_t *yaml, const yaml_node_t *mapping, size_t i,
			     const char **key)
{
	const yaml_node_pair_t *pair;

	*key = NULL;
	if (mapping->type != YAML_MAPPING_NODE)
		return NULL;
	pair = &mapping->data.mapping.pairs.start[i];
	*key = yaml_scalar(yaml_document_get_node(yaml, pair->key));
	return yaml_document_get_node(yaml, pair->value);
}

const yaml_node_t *yaml_member(yaml_document_t *yaml, const yaml_node_t *mapping, const char *key)
{
	for (size_t i = 0; i < yaml_length(mapping); i++) {
		const char *name;
		const yaml_node_t *value = yaml_pair(yaml, mapping, i, &name);

		if (name && !strcmp(name, key))
			return value;
	}
	return NULL;
}

size_t yaml_line(const yaml_node_t *node)
{
	return node ? node->start_mark.line + 1 : 1;
}
