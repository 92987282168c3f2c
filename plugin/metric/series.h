/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a metric's entries are as series: which of their fields are labels and which are families of
 * samples. By BTF alone, or as the document says.
 */
#ifndef DYNMON_METRIC_SERIES_H
#define DYNMON_METRIC_SERIES_H

#include "metric/metric.h"

/*
 * Fills the labels and families of a metric, whose fields are listed. -EINVAL: the document names a
 * field that does not exist, is no number, or does not have the size of its format; the message
 * says which ones there are.
 */
int series_plan(struct metric *metric, struct error *err);
void series_release(struct metric *metric);

/*
 * Appends the fields of the value that have numbers and are neither samples nor labels, as
 * "value.a, value.b"; nothing where the document says itself which field is the sample.
 */
void series_omitted(const struct metric *metric, struct text *out);

/* Says that no field is called path, and which ones there are. Returns -EINVAL. */
int series_no_such_field(const struct metric *metric, const char *what, const char *path,
			 struct error *err);
/* The field of the value called path; it is a number. what: the key that names it, for errors. */
int series_find_number(const struct metric *metric, const char *what, const char *path,
		       const struct field **ret, struct error *err);

#endif
