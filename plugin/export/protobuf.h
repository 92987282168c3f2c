/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' protobuf: each family a MetricFamily, with its length before it. Histograms are
 * classic, and native beside that where their slots are such.
 *
 * A family is held until its end, because its length comes first; its metrics are packed one by
 * one. Used by one thread.
 */
#ifndef DYNMON_EXPORT_PROTOBUF_H
#define DYNMON_EXPORT_PROTOBUF_H

#include "export/source.h"

struct protobuf;

/* NULL: out of memory. */
struct protobuf *protobuf_new(void);
struct protobuf *protobuf_free(struct protobuf *protobuf);

/* As exposer_family(). Appends the one before to out, and is told there if memory ran out. */
void protobuf_family(struct protobuf *protobuf, const char *name, enum metric_type type,
		     const char *unit, const char *help, struct text *out);

/* Adds a number of a batch's entry i to the family, as for source_number(). */
void protobuf_entry(struct protobuf *protobuf, const struct source *source,
		    const struct metric_batch *batch, uint32_t i, unsigned int cpu,
		    uint32_t element);

/* The same of an entry of a histogram or summary. */
void protobuf_histogram(struct protobuf *protobuf, const struct source *source,
			const struct metric_batch *batch, uint32_t i);

/* As exposer_sample(). */
void protobuf_sample(struct protobuf *protobuf, const struct value_label *labels, size_t n_labels,
		     struct number number);

/* Appends the last family. */
void protobuf_end(struct protobuf *protobuf, struct text *out);

#endif
