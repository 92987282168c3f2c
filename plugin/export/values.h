/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts metrics to collectd values, without knowledge of collectd: the result is plain structs
 * that the plugin's module dispatches.
 */
#ifndef DYNMON_EXPORT_VALUES_H
#define DYNMON_EXPORT_VALUES_H

#include "monitor/registry.h"

/* Bytes of a field of a collectd identifier, without the final NUL. */
#define VALUE_FIELD_MAX 127
/*
 * Series per read of a metric, unless the document or MaxSeries sets another limit. collectd's
 * write queue is unbounded.
 */
#define VALUE_SERIES_MAX 1000

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
	struct number number;
	const struct value_label *labels; /* constants of the document, then fields */
	size_t n_labels;
};

/**
 * values_read() - read the metrics of an instance for collectd
 * @item:    the instance
 * @sink:    called for each value, with no lock held
 * @failed: called for each metric that cannot be read; other metrics are not affected
 * @data:    passed to sink and failed
 *
 * Reads all metrics that have scalar values and are enabled for dispatch. If a metric has more
 * series than its limit, the largest are passed on, with the number of series left out and the sum
 * over all series.
 */
void values_read(const struct snapshot_item *item,
		 void (*sink)(void *data, const struct value *value),
		 void (*failed)(void *data, const struct error *err), void *data);

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

#endif
