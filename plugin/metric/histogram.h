/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of a histogram in a map: where the slots are, and which values each slot counts.
 *
 * A map stores slots in one of three ways: the value contains an array of slots, the key or one of
 * its fields is the slot number, or the map is an array of slots. In the last two cases an entry is
 * a single slot, and entries whose keys differ only in the slot number form one series.
 *
 * The numbers of a series are, in this order: its buckets, not cumulative; the count, which is the
 * sum of the buckets; and, if a field holds it, the sum of all measured values.
 *
 * Embedded in its metric and read-only after histogram_plan(); any number of threads may read it.
 */
#ifndef DYNMON_METRIC_HISTOGRAM_H
#define DYNMON_METRIC_HISTOGRAM_H

#include "decode/field.h"

struct metric;
struct metric_batch;

/* Number of slots if neither the map nor the document defines it: enough for 64-bit values. */
#define SLOTS_DEFAULT 65

struct histogram {
	enum slots_in { SLOTS_NOWHERE, SLOTS_IN_VALUE, SLOTS_IN_KEY, SLOTS_IN_INDEX } in;
	const struct field *field; /* slot array or field of the key; NULL: the index */
	const struct field *count; /* of the value; NULL with SLOTS_IN_VALUE */
	const struct field *sum;   /* of the value; NULL: no field holds the sum */
	size_t n_buckets;	   /* the last one has no upper bound */
	double *bounds;		   /* n_buckets - 1 upper bounds, inclusive; scaled */
	const double *quantiles;   /* from the document, or the default */
	size_t n_quantiles;
	/*
	 * The Prometheus native histogram, schema 0: bucket i counts values above 2^(i-1), up to
	 * and including 2^i. Slots include their lower bound instead, so a value that is a power of
	 * two is counted one native bucket too high.
	 */
	size_t native_zero;  /* leading slots with values up to 1; 0: no native form */
	int native_exponent; /* log2 of the scale */
};

/**
 * histogram_plan() - find the slots of a metric and compute the bucket bounds
 * @metric: metric with listed fields; its histogram is filled
 * @err:    receives the reason
 *
 * The slots are those the document names, or else are found by type and name. The histogram stays
 * SLOTS_NOWHERE if the metric is no histogram or summary, or if no slots are found and the document
 * does not configure the histogram.
 *
 * Return: 0; -ENOMEM; -EINVAL if the document configures a histogram that the map cannot provide.
 */
int histogram_plan(struct metric *metric, struct error *err);
void histogram_release(struct histogram *histogram);

/* Returns the native bucket number of the first slot after the native_zero slots. */
static inline int histogram_native_first(const struct histogram *histogram)
{
	return histogram->native_exponent + 2;
}

static inline bool histogram_is_one(const struct histogram *histogram)
{
	return histogram->in != SLOTS_NOWHERE;
}

/* Returns true if several map entries form one series. */
static inline bool histogram_has_groups(const struct histogram *histogram)
{
	return histogram->in == SLOTS_IN_KEY || histogram->in == SLOTS_IN_INDEX;
}

/* Returns the number of numbers in a series. */
static inline size_t histogram_n_numbers(const struct histogram *histogram)
{
	return histogram->n_buckets + 1 + (histogram->sum ? 1 : 0);
}

static inline struct number histogram_count(const struct histogram *histogram,
					    const struct number *numbers)
{
	return numbers[histogram->n_buckets];
}

/* Returns the unscaled sum of the measured values. Only valid if histogram->sum is set. */
static inline struct number histogram_sum(const struct histogram *histogram,
					  const struct number *numbers)
{
	return numbers[histogram->n_buckets + 1];
}

/* Returns the position of a field of the value in the numbers: that of the sum or of the count. */
static inline size_t histogram_rank(const struct histogram *histogram, const struct field *field)
{
	return field == histogram->sum ? histogram->n_buckets + 1 : histogram->n_buckets;
}

/* Sets all numbers of a series, histogram_n_numbers(), to zero. */
void histogram_clear(const struct histogram *histogram, struct number *numbers);
/**
 * histogram_add() - add a map entry to the numbers of its series
 * @metric:  the metric
 * @batch:   the batch that holds the entry
 * @i:       the entry, less than the count of the batch
 * @numbers: numbers of the series, initialized by histogram_clear()
 */
void histogram_add(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
		   struct number *numbers);

/**
 * histogram_group() - copy a key with the slot number set to zero
 * @metric: the metric
 * @key:    key of an entry
 * @group:  receives the key that all entries of the series share; has the map's key_size bytes
 */
void histogram_group(const struct metric *metric, const char *key, char *group);

/**
 * histogram_quantile() - estimate a quantile
 * @histogram: the histogram
 * @numbers:   numbers of a series
 * @q:         the quantile, 0 to 1
 *
 * Interpolates within a bucket, as Prometheus' histogram_quantile() does.
 *
 * Return: the scaled value; the largest bound if the quantile is in the last bucket; NaN if nothing
 * was measured.
 */
double histogram_quantile(const struct histogram *histogram, const struct number *numbers,
			  double q);

#endif
