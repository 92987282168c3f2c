/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of a conversion from YAML to a document, and access to the YAML that reports what cannot be
 * converted. A conversion continues after a refusal, so that all of them are reported at once.
 */
#ifndef DYNMON_CTL_CONVERTER_H
#define DYNMON_CTL_CONVERTER_H

#include "base/json_writer.h"
#include "ctl/yaml.h"
#include "decode/field.h"
#include "kernel/object.h"

struct converter {
	const char *file;
	yaml_document_t yaml;
	struct object *object;
	struct json_writer json;
	struct text refusals; /* one per line */
	size_t n_refusals;
	struct text *hints; /* one per line */
	struct error *err;
	/* -- the metric that is being converted -- */
	const char *metric;
	struct map map;
	struct field *key;
	size_t n_key;
};

/* Adds a line to the refusals: the place in the file, the metric, and the reason. */
void converter_refuse(struct converter *converter, const yaml_node_t *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds a line to the hints, as converter_refuse() does to the refusals. */
void converter_hint(struct converter *converter, const yaml_node_t *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Refuses the keys of a mapping that are not in a list separated by spaces. */
void converter_check_keys(struct converter *converter, const yaml_node_t *mapping,
			  const char *known);

/* Returns the text of a required key, or "" after a refusal. */
const char *converter_text(struct converter *converter, const yaml_node_t *mapping,
			   const char *key);

/* Returns a number from 0 to max, or the fallback if the key is missing or after a refusal. */
double converter_number(struct converter *converter, const yaml_node_t *mapping, const char *key,
			double fallback, double max);

/* Returns true if a key has a value that YAML 1.1 reads as true. */
bool converter_is_true(struct converter *converter, const yaml_node_t *mapping, const char *key);

/* Writes the path of a field of the key in documents; NULL: the field was refused. */
void converter_path(struct converter *converter, const struct field *field);

/**
 * converter_labels() - write the labels of a metric of ebpf_exporter
 * @converter:  the conversion
 * @metric:     the metric
 * @slot:       receives the field of the last label, the slot of a histogram; NULL: a counter
 *
 * Return: true if the last label is the number of the CPU, which is not part of the key.
 */
bool converter_labels(struct converter *converter, const yaml_node_t *metric,
		      const struct field **slot);

#endif
