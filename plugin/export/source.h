/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: the families of samples that a view's metrics give, with the names and labels that the
 * exposition formats allow.
 */
#ifndef DYNMON_EXPORT_SOURCE_H
#define DYNMON_EXPORT_SOURCE_H

#include "export/exposition.h"
#include "metric/sampling.h"
#include "monitor/view.h"

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
	struct text labels; /* the fixed ones: monitor="edge",... */
	char **label_heads; /* of the others: ,saddr=" ; the last of those of an array in the value
			     */
	char **tails;	    /* of buckets: ,le="1.0"} ; of quantiles */
	size_t n_tails;
	enum metric_type type; /* histograms and summaries are such in fact */
	size_t order;
};

/* Sorted by name. Embedded in its owner. */
struct sources {
	struct source *items;
	size_t n;
	struct held *helds;
	size_t n_helds;
};

/* The view must outlive the sources. -ENOMEM. After success: sources_release(). */
int sources_init(struct sources *sources, const struct view *view);
void sources_release(struct sources *sources);

/* Length of the family's name: without _total where a counter's samples have it. */
size_t source_family_len(const struct source *source);

#endif
