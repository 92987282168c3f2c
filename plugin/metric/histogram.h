/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metric's entries as histograms: where in them the slots are, and what values each slot counts.
 *
 * A map has slots in one of three ways: a value has an array of them, the key or a field of it is
 * the slot's number, or the map is an array of slots. In the last two an entry is but one slot of a
 * histogram, and entries whose keys differ in that alone are one series.
 *
 * Numbers of a series: those of its buckets, not cumulated, then their sum, then, where a field
 * holds it, the sum of all that was measured.
 */
#ifndef DYNMON_METRIC_HISTOGRAM_H
#define DYNMON_METRIC_HISTOGRAM_H

#include "decode/field.h"

struct metric;
struct metric_batch;

/* Slots where neither the map nor the document says how many there are: all that 64 bits can have.
 */
#define SLOTS_DEFAULT 65

/* Embedded in its metric. */
struct histogram {
	enum slots_in { SLOTS_NOWHERE, SLOTS_IN_VALUE, SLOTS_IN_KEY, SLOTS_IN_INDEX } in;
	const struct field *field; /* the array, or the key's field; NULL: the index */
	const struct field *count; /* of the value, but for SLOTS_IN_VALUE */
	const struct field *sum;   /* of the value; NULL: none */
	size_t n_buckets;	   /* the last one has no upper bound */
	double *bounds;		   /* n_buckets - 1 upper bounds, inclusive; scaled */
	const double *quantiles;   /* the document's, or some */
	size_t n_quantiles;
	/*
	 * As a native histogram of Prometheus, of schema 0: bucket i has what is above 2^(i-1), up
	 * to 2^i. Slots count from a power of two on, so that power is one bucket too high.
	 */
	size_t native_zero;  /* so many slots at the front have what is not above 1; 0: not one */
	int native_exponent; /* the scale is 2 to this */
};

/*
 * Finds the slots of a metric whose fields are listed, as its document says or by their names, and
 * makes its bounds. Where there are none, and the document does not insist, it stays SLOTS_NOWHERE.
 * -EINVAL: the document names what is not there.
 */
int histogram_plan(struct metric *metric, struct error *err);
void histogram_release(struct histogram *histogram);

/* The native bucket of the slot after those that have what is not above 1. */
static inline int histogram_native_first(const struct histogram *histogram)
{
	return histogram->native_exponent + 2;
}

static inline bool histogram_is_one(const struct histogram *histogram)
{
	return histogram->in != SLOTS_NOWHERE;
}

/* Whether several entries make one series. */
static inline bool histogram_has_groups(const struct histogram *histogram)
{
	return histogram->in == SLOTS_IN_KEY || histogram->in == SLOTS_IN_INDEX;
}

/* How many numbers a series has. */
static inline size_t histogram_n_numbers(const struct histogram *histogram)
{
	return histogram->n_buckets + 1 + (histogram->sum ? 1 : 0);
}

static inline struct number histogram_count(const struct histogram *histogram,
					    const struct number *numbers)
{
	return numbers[histogram->n_buckets];
}

/* Only where a field holds it. Not scaled. */
static inline struct number histogram_sum(const struct histogram *histogram,
					  const struct number *numbers)
{
	return numbers[histogram->n_buckets + 1];
}

/* Which number a field of the value is: the sum, or how much was measured. */
static inline size_t histogram_rank(const struct histogram *histogram, const struct field *field)
{
	return field == histogram->sum ? histogram->n_buckets + 1 : histogram->n_buckets;
}

/* Sets the numbers of a series to nothing. */
void histogram_clear(const struct histogram *histogram, struct number *numbers);
/* Adds an entry to the numbers of its series. */
void histogram_add(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
		   struct number *numbers);

/*
 * Copies an entry's key with the slot's number, if it is there, taken out: what all entries of a
 * series have in common.
 */
void histogram_group(const struct metric *metric, const char *key, char *group);

/*
 * The value that a part q, 0 to 1, of what was measured does not exceed, scaled; within a bucket
 * it is interpolated, as Prometheus' histogram_quantile() does. NaN: nothing was measured.
 */
double histogram_quantile(const struct histogram *histogram, const struct number *numbers,
			  double q);

#endif
