/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML document in memory, read with libyaml. Nodes belong to the document. Functions that take a
 * node accept NULL. A document is used by one thread.
 */
#ifndef DYNMON_CTL_YAML_H
#define DYNMON_CTL_YAML_H

#include "base/error.h"

#include <stdbool.h>
#include <yaml.h>

/**
 * yaml_init() - parse the first document of a text
 * @yaml:   initialized; call yaml_document_delete() after success
 * @bytes:  the text
 * @len:    number of bytes
 * @err:    receives the reason with the line
 *
 * Return: 0, -EINVAL if the text is not YAML, -ENOMEM.
 */
int yaml_init(yaml_document_t *yaml, const char *bytes, size_t len, struct error *err);

/* Returns the value of a key of a mapping, or NULL if there is none. */
const yaml_node_t *yaml_member(yaml_document_t *yaml, const yaml_node_t *mapping, const char *key);

/* Returns the text of a scalar; NULL for other nodes and for a text with a NUL. */
const char *yaml_scalar(const yaml_node_t *node);

/* Returns the number of elements of a sequence or of pairs of a mapping, 0 for other nodes. */
size_t yaml_length(const yaml_node_t *node);

/* Returns element i of a sequence, or value i of a mapping, where key receives its key. */
const yaml_node_t *yaml_element(yaml_document_t *yaml, const yaml_node_t *sequence, size_t i);
const yaml_node_t *yaml_pair(yaml_document_t *yaml, const yaml_node_t *mapping, size_t i,
			     const char **key);

/* Returns the line of a node, from 1. */
size_t yaml_line(const yaml_node_t *node);

#endif
