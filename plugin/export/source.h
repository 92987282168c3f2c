/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: the families of samples of a snapshot's metrics, with names and labels that are valid
 * and unique in the exposition formats.
 *
 * Embedded in the stream that reads them; used by one thread at a time, no lock.
 */
#ifndef DYNMON_EXPORT_SOURCE_H
#define DYNMON_EXPORT_SOURCE_H

#include "export/exposition.h"
#include "export/values.h"
#include "metric/sampling.h"
#include "monitor/snapshot.h"

/* Labels that all samples of a source share: constants, location, the metric's own names. */
#define FIXED_MAX (LABELS_MAX + 5)

/* A metric of one instance; it is read once for all of its families. */
struct metric_read {
	const struct metric *metric;
	struct sampling sampling;
	bool open;
	size_t users; /* families not written yet */
	/* -- set at the end of the read -- */
	uint64_t left_out;
	struct number *sums; /* over all series, of each number; NULL: none left out */
};

/* One family of one metric of one instance. */
struct source {
	const struct monitor *monitor; /* NULL: the generation belongs to no monitor */
	const struct metric *metric;
	size_t family;
	struct metric_read *read; /* owned by the sources */
	char *name; /* of the samples, without _bucket and the like; equal names form one family */
	struct text labels;	   /* the fixed ones: monitor="edge",... */
	struct names names;	   /* owns the names of all labels */
	struct value_label *fixed; /* the same, not escaped; values are owned */
	size_t n_fixed;
	/* Other labels, as ,saddr=" ; for an array in the value, one more: the index. */
	char **label_heads;
	char **label_names; /* points into names */
	char **tails;	    /* one per bucket: ,le="1.0"} ; or per quantile */
	size_t n_tails;
	enum metric_type type; /* METRIC_HISTOGRAM or _SUMMARY only if there are slots */
	const struct metric_config
		*clash; /* the metric that made it change name or type, or NULL */
	bool native;	/* all histograms of this name have a native form */
	size_t order;	/* position in the snapshot; sorts equal names */
};

/* Sorted by name. Embedded in its owner. */
struct sources {
	struct source *items;
	size_t n;
	struct metric_read *reads;
	size_t n_reads;
};

/**
 * sources_init() - list the families of a snapshot
 * @sources:  receives the sources; after success release them with sources_release()
 * @snapshot: outlives the sources
 *
 * Return: 0 or -ENOMEM.
 */
int sources_init(struct sources *sources, const struct snapshot *snapshot);
void sources_release(struct sources *sources);

/**
 * sources_report_clashes() - report metrics whose names clash with those of others on a page
 * @registry: all monitors
 * @monitor:  the monitor whose metrics are reported
 * @report:   receives a line for each family that gets another name, or the type unknown
 */
void sources_report_clashes(struct registry *registry, const char *monitor, struct text *report);

static inline const struct family *source_family(const struct source *source)
{
	return &source->metric->families[source->family];
}

/* Returns the length of the family name: the name without the _total of a counter. */
size_t source_family_len(const struct source *source);

#endif
