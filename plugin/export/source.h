/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: the families of samples that a snapshot's metrics give, with the names and labels that
 * the exposition formats allow.
 */
#ifndef DYNMON_EXPORT_SOURCE_H
#define DYNMON_EXPORT_SOURCE_H

#include "export/exposition.h"
#include "export/values.h"
#include "metric/sampling.h"
#include "monitor/snapshot.h"

/* Labels that are the same for all of a source: the document's, where it is, its own names. */
#define FIXED_MAX (LABELS_MAX + 5)

/* A metric of one instance, read once for all of its families. */
struct held {
	const struct metric *metric;
	struct sampling sampling;
	bool open;
	size_t users; /* families that are still to come */
	/* When it is closed: */
	uint64_t left_out;
	struct number *sums; /* of each number; NULL: nothing was left out */
};

/* One family of one metric of one instance. */
struct source {
	const struct monitor *monitor; /* NULL: of none */
	const struct metric *metric;
	size_t family;
	struct held *held; /* the sources' */
	char *name; /* of the samples, without _bucket and its like; equal names are one family */
	struct text labels;	   /* the fixed ones: monitor="edge",... */
	struct value_label *fixed; /* the same, not escaped; both strings are owned */
	size_t n_fixed;
	/* Of the others: ,saddr=" ; the last of those of an array in the value. */
	char **label_heads;
	char **label_names;
	char **tails; /* of buckets: ,le="1.0"} ; of quantiles */
	size_t n_tails;
	enum metric_type type; /* histograms and summaries are such in fact */
	bool native;	       /* all histograms of this name can be native ones */
	size_t order;
};

/* Sorted by name. Embedded in its owner. */
struct sources {
	struct source *items;
	size_t n;
	struct held *helds;
	size_t n_helds;
};

/* The snapshot must outlive the sources. -ENOMEM. After success: sources_release(). */
int sources_init(struct sources *sources, const struct snapshot *snapshot);
void sources_release(struct sources *sources);

/* Length of the family's name: without _total where a counter's samples have it. */
size_t source_family_len(const struct source *source);

/*
 * The number of a batch's entry i, scaled; cpu: the one whose it is, where the metric lists them;
 * element: of an array in the value. false: a counter cannot have that value; the whole exposition
 * would be refused.
 */
bool source_number(const struct source *source, const struct metric_batch *batch, uint32_t i,
		   unsigned int cpu, uint32_t element, struct number *ret);

#endif
