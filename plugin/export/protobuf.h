/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder for Prometheus' protobuf format: each family is a MetricFamily message preceded by its
 * length. Histograms are classic, and also native if their buckets are suitable.
 *
 * The encoder holds one family in memory until its end, because the length precedes it; metrics are
 * packed one by one. Owned by an exposer, used by one thread, no lock.
 */
#ifndef DYNMON_EXPORT_PROTOBUF_H
#define DYNMON_EXPORT_PROTOBUF_H

#include "export/source.h"

struct protobuf;

/* Returns NULL if out of memory. */
struct protobuf *protobuf_new(void);
struct protobuf *protobuf_free(struct protobuf *protobuf);

/**
 * protobuf_family() - begin a family, see exposer_family()
 * @protobuf: the encoder
 * @name:     name of the samples
 * @type:     type of the family
 * @unit:     unit or NULL
 * @help:     help text
 * @out:      receives the previous family; marked as failed if memory ran out
 */
void protobuf_family(struct protobuf *protobuf, const char *name, enum metric_type type,
		     const char *unit, const char *help, struct text *out);

/* Adds a number of entry i to the family. The parameters are those of source_number(). */
void protobuf_entry(struct protobuf *protobuf, const struct source *source,
		    const struct metric_batch *batch, uint32_t i, unsigned int cpu,
		    uint32_t element);

/* Adds entry i of a histogram or summary to the family. */
void protobuf_histogram(struct protobuf *protobuf, const struct source *source,
			const struct metric_batch *batch, uint32_t i);

/* Adds a sample, see exposer_sample(). */
void protobuf_sample(struct protobuf *protobuf, const struct value_label *labels, size_t n_labels,
		     struct number number);

/* Appends the last family to out, which is marked as failed if memory ran out. */
void protobuf_end(struct protobuf *protobuf, struct text *out);

#endif
