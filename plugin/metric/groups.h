/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups add up the map entries that belong to one series. The keys of these entries differ only in
 * the slot of a histogram, or in bytes that the labels do not show (metric->merges).
 *
 * Embedded in the owner, used by one thread, no lock. A zeroed struct groups is empty.
 */
#ifndef DYNMON_METRIC_GROUPS_H
#define DYNMON_METRIC_GROUPS_H

#include "base/index.h"
#include "metric/reader.h"

struct groups {
	/* Flat arrays, one element per group, in the order of first occurrence. */
	struct text keys, values, numbers;
	struct text ids; /* if metric->merges: hashes of labels, indexed instead of keys */
	uint32_t count;
	struct index index;
	struct text scratch;
	uint64_t seeds[2][2]; /* SipHash keys of the ids */
};

/**
 * groups_add() - add the entries of a batch to their groups
 * @groups: zeroed, or used with the same metric before
 * @metric: the metric of the batch
 * @batch:  entries; they are copied
 *
 * Return: 0; -ENOMEM or the error of getrandom() if some entries were not added.
 */
int groups_add(struct groups *groups, const struct metric *metric,
	       const struct metric_batch *batch);
/**
 * groups_batch() - return all groups as one batch
 * @groups: the groups
 * @metric: their metric
 *
 * Return: a batch with numbers. It points into the groups and is valid until the next
 * groups_add() or groups_release().
 */
struct metric_batch groups_batch(const struct groups *groups, const struct metric *metric);
void groups_release(struct groups *groups);

#endif
