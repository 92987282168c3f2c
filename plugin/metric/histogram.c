/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/histogram.h"
#include "base/log.h"

#include <math.h>
#include <string.h>

/* The last slot looks like a sum from so many counts on, if it exceeds them by this factor. */
#define SUM_COUNTS_MIN 10
#define SUM_FACTOR     16

void histogram_clear(const struct metric *metric, struct number *numbers)
{
	static const char zero[sizeof(uint64_t)];
	const struct histogram *histogram = &metric->histogram;
	size_t n = histogram_n_numbers(histogram);

	for (size_t i = 0; i < metric_histograms(metric) * n; i++)
		numbers[i] = histogram->sum && i % n == histogram->n_buckets + 1
				     ? plan_number(&histogram->sum->plan, zero)
				     : (struct number){ NUMBER_UNSIGNED, .u = 0 };
}

static void count_slot(const struct histogram *histogram, struct number *numbers, uint64_t slot,
		       struct number n)
{
	size_t bucket = slot < histogram->n_buckets ? slot : histogram->n_buckets - 1;

	if (histogram->sum_slot && slot == histogram->sum_slot) {
		numbers[histogram->n_buckets + 1].u += n.u;
		return;
	}
	numbers[bucket].u += n.u;
	numbers[histogram->n_buckets].u += n.u;
}

static uint64_t slot_of(const struct histogram *histogram, const char *key)
{
	struct number n;
	uint32_t index;

	if (histogram->in == SLOTS_IN_INDEX) {
		memcpy(&index, key, sizeof(index));
		return index;
	}
	n = plan_number(&histogram->field->plan, key + histogram->field->offset);
	return n.kind == NUMBER_SIGNED && n.i < 0 ? 0 : n.u;
}

/* Returns a column of an entry: of all CPUs if copy is 0, else of CPU copy - 1. */
static struct number entry_sample(const struct metric *metric, size_t column,
				  const struct metric_batch *batch, uint32_t i, size_t copy)
{
	const struct map_batch *entries = &batch->entries;

	if (!copy)
		return metric_batch_sample(metric, column, batch, i);
	return metric_sample_cpu(metric, column, entries->values + i * entries->value_stride,
				 (unsigned int)copy - 1);
}

/* Adds an entry to one of the histograms of its series. */
static void add_copy(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
		     size_t copy, struct number *numbers)
{
	const struct histogram *histogram = &metric->histogram;
	const struct map_batch *entries = &batch->entries;
	size_t slots = metric->n_columns - (histogram->sum ? 1 : 0);

	if (histogram->in == SLOTS_IN_VALUE)
		for (size_t slot = 0; slot < slots; slot++)
			count_slot(histogram, numbers, slot,
				   entry_sample(metric, slot, batch, i, copy));
	else
		count_slot(histogram, numbers,
			   slot_of(histogram, entries->keys + i * entries->key_stride),
			   entry_sample(metric, 0, batch, i, copy));
	if (histogram->sum) {
		struct number *sum = &numbers[histogram->n_buckets + 1];

		*sum = number_add(*sum, entry_sample(metric, slots, batch, i, copy));
	}
}

void histogram_add(const struct metric *metric, const struct metric_batch *batch, uint32_t i,
		   struct number *numbers)
{
	for (size_t copy = 0; copy < metric_histograms(metric); copy++)
		add_copy(metric, batch, i, copy,
			 numbers + copy * histogram_n_numbers(&metric->histogram));
}

void histogram_group(const struct metric *metric, const char *key, char *group)
{
	const struct histogram *histogram = &metric->histogram;

	memcpy(group, key, metric->map.key_size);
	if (histogram->in == SLOTS_IN_INDEX)
		memset(group, 0, metric->map.key_size);
	else if (histogram->in == SLOTS_IN_KEY)
		memset(group + histogram->field->offset, 0, histogram->field->plan.size);
}

/* Returns the last slot that counted anything. */
static size_t last_slot(const struct histogram *histogram, const struct number *numbers)
{
	size_t last = histogram->n_buckets - 1;

	while (last && !numbers[last].u)
		last--;
	return last;
}

/*
 * Returns true if the last slot of a series is likely a sum: its number exceeds all counts by far,
 * or stands apart from them and is what measurements in their buckets can add up to.
 */
static bool ends_in_sum(const struct metric *metric, const struct number *numbers)
{
	const struct histogram *histogram = &metric->histogram;
	size_t last = last_slot(histogram, numbers);
	struct number end = numbers[last];
	double least = 0, most = 0, sum = number_double(metric_scale(metric, end));
	uint64_t counts = histogram_count(histogram, numbers).u - end.u;

	if (last < 2 || histogram->bounds[0] < 0 || counts < SUM_COUNTS_MIN)
		return false;
	for (size_t i = 0; i < last; i++) {
		least += i ? histogram->bounds[i - 1] * number_double(numbers[i]) : 0;
		most += histogram->bounds[i] * number_double(numbers[i]);
	}
	return end.u / SUM_FACTOR > counts || (!numbers[last - 1].u && sum >= least && sum <= most);
}

void histogram_note_sum(const struct metric *metric, const struct number *numbers)
{
	const struct metric_config *config = metric->config;
	bool *logged = &metric->notes->sum_logged;

	if (histogram_has_sum(&metric->histogram) || __atomic_load_n(logged, __ATOMIC_RELAXED) ||
	    !ends_in_sum(metric, numbers) || __atomic_exchange_n(logged, true, __ATOMIC_RELAXED))
		return;
	log_warning(
		"%smetric \"%s\": the last slot in use of map %s, %zu, has %llu and looks like "
		"the sum of all measurements: if it is, set \"sum-slot\": true and \"slots\" to "
		"the number of slots before it",
		metric_owner(metric), config->name, config->map_name,
		last_slot(&metric->histogram, numbers),
		(unsigned long long)numbers[last_slot(&metric->histogram, numbers)].u);
}

double histogram_quantile(const struct histogram *histogram, const struct number *numbers, double q)
{
	double rank = q * number_double(histogram_count(histogram, numbers)), before = 0;
	size_t last = histogram->n_buckets - 1, i = 0;
	double lower, upper;

	if (!histogram_count(histogram, numbers).u)
		return NAN;
	for (; i < last; i++) {
		double n = number_double(numbers[i]);

		if (n > 0 && before + n >= rank)
			break;
		before += n;
	}
	if (i == last)
		return histogram->bounds[last - 1];
	upper = histogram->bounds[i];
	if (i == 0 && upper <= 0)
		return upper;
	lower = i ? histogram->bounds[i - 1] : 0;
	return lower + (upper - lower) * (rank - before) / number_double(numbers[i]);
}
