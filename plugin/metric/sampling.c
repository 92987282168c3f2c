/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/sampling.h"
#include "metric/groups.h"

#include <errno.h>

#define NUMBERS(text) ((struct number *)(text).data)

/* What decides how large an entry is; of an array in its value all together. */
static struct number rank_in(const struct metric *metric, const struct number *numbers)
{
	struct number rank = numbers[metric->rank];

	for (uint32_t i = 1; i < metric->rank_numbers; i++)
		rank = number_add(rank, numbers[metric->rank + i]);
	return rank;
}

static struct number rank_of(const struct sampling *sampling, uint32_t slot)
{
	const struct metric *metric = sampling->metric;

	return rank_in(metric, &NUMBERS(sampling->numbers)[slot * metric->n_numbers]);
}

/* Moves an entry of the heap down to where no smaller one is below it. */
static void heap_sink(struct sampling *sampling, uint32_t at)
{
	uint32_t *heap = sampling->heap;

	for (;;) {
		uint32_t least = at, moved = heap[at];

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < sampling->count && number_less(rank_of(sampling, heap[child]),
								   rank_of(sampling, heap[least])))
				least = child;
		if (least == at)
			return;
		heap[at] = heap[least];
		heap[least] = moved;
		at = least;
	}
}

static int heap_make(struct sampling *sampling)
{
	sampling->heap = malloc(sampling->count * sizeof(*sampling->heap));
	if (!sampling->heap)
		return -ENOMEM;
	for (uint32_t i = 0; i < sampling->count; i++)
		sampling->heap[i] = i;
	for (uint32_t i = sampling->count / 2; i-- > 0;)
		heap_sink(sampling, i);
	return 0;
}

/* The numbers of an entry that is a series, into the room at numbers. */
static void entry_numbers(const struct sampling *sampling, const struct metric_batch *batch,
			  uint32_t i, struct number *numbers)
{
	const struct metric *metric = sampling->metric;

	if (histogram_is_one(&metric->histogram)) {
		histogram_clear(&metric->histogram, numbers);
		histogram_add(metric, batch, i, numbers);
		return;
	}
	for (size_t n = 0; n < metric->n_columns; n++)
		numbers[n] = metric_batch_sample(metric, n, batch, i);
}

static void add_sums(struct sampling *sampling, const struct number *numbers)
{
	for (size_t n = 0; n < sampling->metric->n_numbers; n++)
		sampling->sums[n] =
			sampling->seen ? number_add(sampling->sums[n], numbers[n]) : numbers[n];
	sampling->seen++;
}

static void append(struct sampling *sampling, const struct map_batch *entries, uint32_t i,
		   const struct number *numbers)
{
	text_add(&sampling->keys, entries->keys + i * entries->key_stride, entries->key_stride);
	text_add(&sampling->values, entries->values + i * entries->value_stride,
		 entries->value_stride);
	text_add(&sampling->numbers, numbers, sampling->metric->n_numbers * sizeof(*numbers));
	sampling->count++;
}

/* Puts an entry in the place of the smallest one. */
static void replace(struct sampling *sampling, const struct map_batch *entries, uint32_t i,
		    const struct number *numbers)
{
	size_t slot = sampling->heap[0], n = sampling->metric->n_numbers;

	memcpy(sampling->keys.data + slot * entries->key_stride,
	       entries->keys + i * entries->key_stride, entries->key_stride);
	memcpy(sampling->values.data + slot * entries->value_stride,
	       entries->values + i * entries->value_stride, entries->value_stride);
	memcpy(&NUMBERS(sampling->numbers)[slot * n], numbers, n * sizeof(*numbers));
	heap_sink(sampling, 0);
}

static int hold_entry(struct sampling *sampling, const struct map_batch *entries, uint32_t i,
		      const struct number *numbers)
{
	add_sums(sampling, numbers);
	if (!sampling->limit || sampling->count < sampling->limit) {
		append(sampling, entries, i, numbers);
		return 0;
	}
	if (!sampling->heap && heap_make(sampling) < 0)
		return -ENOMEM;
	if (number_less(rank_of(sampling, sampling->heap[0]), rank_in(sampling->metric, numbers)))
		replace(sampling, entries, i, numbers);
	return 0;
}

static int hold(struct sampling *sampling, const struct metric_batch *batch, struct number *numbers)
{
	for (uint32_t i = 0; i < batch->entries.count; i++) {
		entry_numbers(sampling, batch, i, numbers);
		if (hold_entry(sampling, &batch->entries, i, numbers) < 0)
			return -ENOMEM;
	}
	if (text_status(&sampling->keys) < 0 || text_status(&sampling->values) < 0 ||
	    text_status(&sampling->numbers) < 0)
		return -ENOMEM;
	return 0;
}

/* Of entries that are parts of series the sums are held. */
static int hold_groups(struct sampling *sampling)
{
	const struct metric *metric = sampling->metric;
	_cleanup_(groups_release) struct groups groups = {};
	struct metric_batch batch;
	int r;

	while ((r = metric_reader_next(&sampling->reader, &batch)) > 0) {
		r = groups_add(&groups, metric, &batch);
		if (r < 0)
			return r;
	}
	batch = groups_batch(&groups, metric);
	for (uint32_t i = 0; i < batch.entries.count; i++)
		if (hold_entry(sampling, &batch.entries, i, batch.numbers + i * metric->n_numbers) <
		    0)
			return -ENOMEM;
	return text_status(&sampling->numbers) < 0 ? -ENOMEM : r;
}

/* All entries are given as they came, their samples are in their values: a copy of the batch. */
static int hold_as_is(struct sampling *sampling, const struct map_batch *entries)
{
	size_t keys = entries->count * entries->key_stride;
	size_t values = entries->count * entries->value_stride, n = sampling->n_batches;
	struct map_batch *batches = realloc(sampling->batches, (n + 1) * sizeof(*batches));
	char *bytes;

	if (!batches)
		return -ENOMEM;
	sampling->batches = batches;
	bytes = malloc(keys + values);
	if (!bytes)
		return -ENOMEM;
	if (keys)
		memcpy(bytes, entries->keys, keys);
	memcpy(bytes + keys, entries->values, values);
	batches[n] = *entries;
	batches[n].keys = bytes;
	batches[n].values = bytes + keys;
	sampling->n_batches++;
	sampling->count += entries->count;
	sampling->seen += entries->count;
	return 0;
}

/* The one pass over the map. What was held before it breaks off is given. */
static int hold_all(struct sampling *sampling)
{
	const struct histogram *histogram = &sampling->metric->histogram;
	bool counted = sampling->limit || histogram_is_one(histogram);
	size_t n = sampling->metric->n_numbers;
	_cleanup_free_ struct number *numbers = calloc(n, sizeof(*numbers));
	struct metric_batch batch;
	int r;

	sampling->sums = calloc(n, sizeof(*sampling->sums));
	if (!numbers || !sampling->sums)
		return -ENOMEM;
	if (histogram_has_groups(histogram) || sampling->metric->merges)
		return hold_groups(sampling);
	while ((r = metric_reader_next(&sampling->reader, &batch)) > 0) {
		r = counted || batch.numbers ? hold(sampling, &batch, numbers)
					     : hold_as_is(sampling, &batch.entries);
		if (r < 0)
			break;
	}
	return r;
}

int sampling_init(struct sampling *sampling, const struct metric *metric, enum metric_use use,
		  uint32_t limit)
{
	int r;

	*sampling = (struct sampling){ .metric = metric, .limit = limit };
	/* As many as the map can have are all; a tally remembers more. */
	if (!metric->tally && limit >= metric->map.max_entries)
		sampling->limit = 0;
	sampling->held = sampling->limit || metric->n_families > 1 || metric->merges ||
			 histogram_is_one(&metric->histogram);
	r = metric_reader_init(&sampling->reader, metric, use);
	if (r < 0 || !sampling->held)
		return r;
	sampling->broke = hold_all(sampling);
	if (sampling->broke == -ENOMEM) {
		sampling_release(sampling);
		return -ENOMEM;
	}
	return 0;
}

int sampling_next(struct sampling *sampling, struct metric_batch *batch)
{
	const struct map *map = &sampling->metric->map;

	if (!sampling->held)
		return metric_reader_next(&sampling->reader, batch);
	if (sampling->given < sampling->n_batches) {
		*batch = (struct metric_batch){ .entries = sampling->batches[sampling->given++] };
		return 1;
	}
	if (sampling->given || !sampling->count)
		return sampling->broke;
	sampling->given = 1;
	*batch = (struct metric_batch){
		.entries = {
			.keys = sampling->keys.data,
			.values = sampling->values.data,
			.key_stride = map->key_size,
			.value_stride = map_value_stride(map),
			.count = sampling->count,
		},
		.numbers = NUMBERS(sampling->numbers),
	};
	return 1;
}

void sampling_rewind(struct sampling *sampling)
{
	sampling->given = 0;
}

void sampling_release(struct sampling *sampling)
{
	metric_reader_release(&sampling->reader);
	for (size_t i = 0; i < sampling->n_batches; i++)
		free((char *)sampling->batches[i].keys);
	free(sampling->batches);
	text_release(&sampling->keys);
	text_release(&sampling->values);
	text_release(&sampling->numbers);
	free(sampling->heap);
	free(sampling->sums);
	*sampling = (struct sampling){};
}
