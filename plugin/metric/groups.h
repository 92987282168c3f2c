/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: the entries of a map that are one series, added up. Their keys differ in a histogram's
 * slot alone, or in what their labels do not tell. Embedded in its owner, used by one thread;
 * zeroed is empty.
 */
#ifndef DYNMON_METRIC_GROUPS_H
#define DYNMON_METRIC_GROUPS_H

#include "base/index.h"
#include "metric/reader.h"

struct groups {
	/* Flat, in the order in which they came first. */
	struct text keys, values, numbers;
	struct text ids; /* of a metric that merges: what the index is of, instead of the keys */
	uint32_t count;
	struct index index;
	struct text scratch;
	uint64_t seeds[2][2];
};

/* Adds a batch. -ENOMEM, or what getrandom() fails with: not all of it. */
int groups_add(struct groups *groups, const struct metric *metric,
	       const struct metric_batch *batch);
/* All of them, as a batch with numbers; valid until they are added to. */
struct metric_batch groups_batch(const struct groups *groups, const struct metric *metric);
void groups_release(struct groups *groups);

#endif
