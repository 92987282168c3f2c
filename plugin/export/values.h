/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as collectd sees them, without collectd: plain structs that the plugin's module
 * dispatches.
 */
#ifndef DYNMON_EXPORT_VALUES_H
#define DYNMON_EXPORT_VALUES_H

#include "monitor/registry.h"

/* collectd's fields have room for 127 bytes. */
#define VALUE_FIELD_MAX 127
/*
 * collectd's write queue has no bound, so one read of one metric gives no more than this, unless
 * the document or MaxSeries says so.
 */
#define VALUE_SERIES_MAX 1000

/* What tells a value from others of its metric, for those who can use more than names. */
struct value_label {
	const char *name;
	const char *value;
};

struct value {
	const char *metric; /* its name, for messages */
	const char *type;   /* of types.db */
	char plugin_instance[VALUE_FIELD_MAX + 1];
	char type_instance[VALUE_FIELD_MAX + 1];
	struct number number;
	const struct value_label *labels; /* the document's, and the fields' */
	size_t n_labels;
};

/*
 * Reads all metrics of one instance that are scalar and to be dispatched, and calls sink for
 * each value; no lock is held. What cannot be read is told to trouble, and the rest goes on.
 * Of a metric with more series than it may have the largest are given, and their number and the sum
 * of all beside them.
 */
void values_read(const struct snapshot_item *item,
		 void (*sink)(void *data, const struct value *value),
		 void (*trouble)(void *data, const struct error *err), void *data);

/**
 * value_field() - convert a text to a field of a collectd identifier
 * @text:   the text, see utf8_name() for names that may be any bytes
 * @len:    its bytes
 * @field:  receives a string of valid UTF-8
 *
 * A "/" becomes "_", and all that is not printable is escaped, see utf8_show(). A field that would
 * have more than VALUE_FIELD_MAX bytes is cut between characters and ends in a hash of the whole
 * text.
 */
void value_field(const char *text, size_t len, char field[VALUE_FIELD_MAX + 1]);

#endif
