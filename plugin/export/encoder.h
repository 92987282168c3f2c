/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface between a read of metrics and the exposition formats. An encoding is a format; an
 * encoder writes one exposition in that format, family by family.
 *
 * To add a format, define its encoding and add it to the table in negotiation.c.
 *
 * An encoder is owned by its creator and used by one thread, no lock. Out of memory is recorded in
 * the output text, see text_status().
 */
#ifndef DYNMON_EXPORT_ENCODER_H
#define DYNMON_EXPORT_ENCODER_H

#include "export/source.h"

/* The first member of each encoder's state. */
struct encoder {
	const struct encoding *encoding;
};

/* A series of a source: an entry of its map, and if applicable a CPU and an array element. */
struct source_series {
	const struct source *source;
	const char *key;
	const char *value; /* of all CPUs */
	unsigned int cpu;
	uint32_t element;
};

struct encoding {
	const char *content_type;
	/* Entries of an Accept header that request the format: media types, ending in "/" or "*" if
	 * only the beginning must match, and the names and values of required parameters. */
	const char *media_types[2];
	const char *parameters[2][2];

	/* Returns NULL if out of memory. */
	struct encoder *(*new)(const struct encoding *encoding);
	void (*free)(struct encoder *encoder);
	/*
	 * Begins a family and ends the previous one. name is that of the samples, for a counter
	 * with _total. unit is NULL, or the end of the family's name. help is not escaped.
	 */
	void (*family)(struct encoder *encoder, const char *name, enum metric_type type,
		       const char *unit, const char *help, struct text *out);
	/* Writes a sample of the current family, which is no histogram. Labels are not escaped. */
	void (*sample)(struct encoder *encoder, const char *name, const struct value_label *labels,
		       size_t n_labels, struct number number, struct text *out);
	/* Writes a sample of a source, whose family is the current one. */
	void (*series)(struct encoder *encoder, const struct source_series *series,
		       struct number number, struct text *out);
	/* Writes a series of a histogram or summary with these numbers, see metric/histogram.h. */
	void (*histogram)(struct encoder *encoder, const struct source_series *series,
			  const struct number *numbers, struct text *out);
	/* Ends the last family and the exposition. */
	void (*end)(struct encoder *encoder, struct text *out);
};

static inline struct encoder *encoder_free(struct encoder *encoder)
{
	if (encoder)
		encoder->encoding->free(encoder);
	return NULL;
}
DEFINE_CLEANUP(struct encoder *, encoder_free);

#endif
