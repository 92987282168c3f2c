/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: the entries of a map whose keys differ in a histogram's slot alone, added up to one
 * series each. Embedded in its owner, used by one thread; zeroed is empty.
 */
#ifndef DYNMON_METRIC_GROUPS_H
#define DYNMON_METRIC_GROUPS_H

#include "metric/index.h"
#include "metric/reader.h"

struct groups {
	/* Flat, in the order in which they came first. */
	struct text keys, values, numbers;
	uint32_t count;
	struct index index;
};

/* Adds a batch of a metric whose histogram has groups. -ENOMEM: not all of it. */
int groups_add(struct groups *groups, const struct metric *metric,
	       const struct metric_batch *batch);
/* All of them, as a batch with numbers; valid until they are added to. */
struct metric_batch groups_batch(const struct groups *groups, const struct metric *metric);
void groups_release(struct groups *groups);

#endif
