/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins the values of the two directions of a metric by their identifiers, for types of collectd
 * with the data sources rx and tx. Embedded in its owner, used by one thread, no lock. Zeroed it is
 * empty.
 */
#ifndef DYNMON_EXPORT_VALUE_PAIRS_H
#define DYNMON_EXPORT_VALUE_PAIRS_H

#include "base/direction.h"
#include "base/index.h"
#include "export/value.h"
#include "monitor/snapshot.h"

struct value_pairs {
	struct value_pair *pairs; /* in the order of their first values */
	size_t n;
	struct index index; /* of the identifiers */
	struct text labels; /* names and values, each with a NUL */
};

/* Returns NULL if the values of a metric can be joined; otherwise the reason, a constant. */
const char *value_pairs_fault(const struct snapshot_metric *from,
			      const struct metric_settings *settings);

/**
 * value_pairs_add() - add the number of one direction
 * @value:  one number with its identifier; is copied
 *
 * Return: 0; -EEXIST if the direction has another value with this identifier; -ENOMEM or the error
 * of getrandom().
 */
int value_pairs_add(struct value_pairs *pairs, const struct value *value, enum direction direction);

/* Passes on all pairs. The number of a missing direction is 0. Returns 0 or -ENOMEM. */
int value_pairs_send(struct value_pairs *pairs, const char *metric, const char *type,
		     void (*sink)(void *data, const struct value *value), void *data);

void value_pairs_release(struct value_pairs *pairs);

#endif
