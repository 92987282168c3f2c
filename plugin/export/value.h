/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value for collectd, without knowledge of collectd: its names, its type and its numbers. */
#ifndef DYNMON_EXPORT_VALUE_H
#define DYNMON_EXPORT_VALUE_H

#include "base/direction.h"
#include "metric/metric.h"

/* Bytes of a field of a collectd identifier, without the final NUL. */
#define VALUE_FIELD_MAX 127

/* A label of a value, for consumers that can use more than names. */
struct value_label {
	const char *name;
	const char *value;
};

/* One value; its strings are valid during the call of sink. */
struct value {
	const char *metric; /* name of the metric, for messages */
	const char *type;   /* a type of types.db */
	char plugin_instance[VALUE_FIELD_MAX + 1];
	char type_instance[VALUE_FIELD_MAX + 1];
	/* Two for a type with the data sources rx and tx: of ingress and egress. */
	struct number numbers[N_DIRECTIONS];
	size_t n_numbers;
	bool is_gauge;			  /* a sample of a metric that is no counter */
	const struct value_label *labels; /* constants of the document, then fields */
	size_t n_labels;
};

/**
 * value_field() - convert a text to a field of a collectd identifier
 * @text:  the text; convert names that may contain any bytes with text_name() first
 * @len:   bytes of the text
 * @field: receives a NUL-terminated string of valid UTF-8
 *
 * A "/" becomes "_", unprintable characters are escaped, see utf8_show(). A text that needs more
 * than VALUE_FIELD_MAX bytes is cut between characters and ends in a hash of the whole text.
 */
void value_field(const char *text, size_t len, char field[VALUE_FIELD_MAX + 1]);

/* Returns the length of a metric's name without "_total", the suffix of counters. */
size_t value_name_len(const struct metric_config *config);

/* Returns true if two names give the same identifier, see value_field(). */
bool value_names_clash(const struct metric_config *a, const struct metric_config *b);

/**
 * value_type() - choose a type with one data source from the stock types.db
 * @config:  the metric
 * @family:  name of the family, empty if the metric has one without a name
 *
 * The unit of the metric decides. Without a unit, the end of the name decides, such as "_bytes".
 *
 * Return: the type, a constant.
 */
const char *value_type(const struct metric_config *config, const char *family);

/*
 * Appends a variable such as "%{field}" to the template of a type instance. Does nothing if
 * type_instance, the operator's template, is not NULL, and it or plugin_instance has the variable.
 * Without the variable, several values would have one identifier.
 */
void value_distinguish(struct text *to, const char *variable, const char *type_instance,
		       const char *plugin_instance);

/* Returns true for types with the data sources rx and tx, such as if_octets. */
bool value_type_is_pair(const char *type);

#endif
