/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Families on their way out, in any of the formats, one after the other.
 *
 * Embedded in its owner; used by one thread.
 */
#ifndef DYNMON_EXPORT_EXPOSER_H
#define DYNMON_EXPORT_EXPOSER_H

#include "export/exposition.h"
#include "export/protobuf.h"

struct exposer {
	enum exposition exposition;
	struct protobuf *protobuf; /* NULL: it is text */
};

/* -ENOMEM. In any case: exposer_release(). */
int exposer_init(struct exposer *exposer, enum exposition exposition);
void exposer_release(struct exposer *exposer);

/*
 * Begins a family, and so ends the one before. name: of its samples, with the _total of a counter;
 * unit: NULL for none, and not told where the name does not end in it; help: not escaped.
 */
void exposer_family(struct exposer *exposer, const char *name, enum metric_type type,
		    const char *unit, const char *help, struct text *out);

/* A sample of the family that was begun, which is no histogram or summary. labels: not escaped. */
void exposer_sample(struct exposer *exposer, const char *name, const struct value_label *labels,
		    size_t n_labels, struct number number, struct text *out);

/* Ends the last family, and the exposition. */
void exposer_end(struct exposer *exposer, struct text *out);

#endif
