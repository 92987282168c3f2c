/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exposer writes metric families, one after the other, in any of the exposition formats.
 *
 * Embedded in its owner; used by one thread, no lock. Out of memory is recorded in the output text,
 * see text_status().
 */
#ifndef DYNMON_EXPORT_EXPOSER_H
#define DYNMON_EXPORT_EXPOSER_H

#include "export/exposition.h"
#include "export/protobuf.h"

struct exposer {
	enum exposition exposition;
	struct protobuf *protobuf; /* NULL: a text format */
};

/**
 * exposer_init() - initialize an exposer
 * @exposer:    receives the exposer; release it with exposer_release(), also on failure
 * @exposition: the format
 *
 * Return: 0 or -ENOMEM.
 */
int exposer_init(struct exposer *exposer, enum exposition exposition);
void exposer_release(struct exposer *exposer);

/**
 * exposer_family() - begin a family and end the previous one
 * @exposer: the exposer
 * @name:    name of the samples, for a counter with _total
 * @type:    type of the family
 * @unit:    unit or NULL; omitted if the name does not end in it
 * @help:    help text, not escaped
 * @out:     receives the output
 */
void exposer_family(struct exposer *exposer, const char *name, enum metric_type type,
		    const char *unit, const char *help, struct text *out);

/**
 * exposer_sample() - write a sample of the current family
 * @exposer:  the exposer; its family is no histogram or summary
 * @name:     name of the sample
 * @labels:   labels, not escaped
 * @n_labels: number of labels
 * @number:   the value
 * @out:      receives the output
 */
void exposer_sample(struct exposer *exposer, const char *name, const struct value_label *labels,
		    size_t n_labels, struct number number, struct text *out);

/* Ends the last family and the exposition. */
void exposer_end(struct exposer *exposer, struct text *out);

#endif
