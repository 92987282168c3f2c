/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/selection.h"
#include "base/array.h"
#include "base/buffer.h"
#include "metric/groups.h"
#include "metric/histogram.h"

#include <errno.h>

#define NUMBERS(text) ((struct number *)(text).data)

/* Returns the number that ranks an entry: of an array in the value, the sum. */
static struct number rank_in(const struct metric *metric, const struct number *numbers)
{
	struct number rank = numbers[metric->rank];

	for (uint32_t i = 1; i < metric->rank_numbers; i++)
		rank = number_add(rank, numbers[metric->rank + i]);
	return rank;
}

static struct number rank_of(const struct selection *selection, uint32_t slot)
{
	const struct metric *metric = selection->metric;

	return rank_in(metric, &NUMBERS(selection->numbers)[slot * metric->n_numbers]);
}

/* Restores the heap order below an entry. */
static void heap_sink(struct selection *selection, uint32_t at)
{
	uint32_t *heap = selection->heap;

	for (;;) {
		uint32_t least = at, moved = heap[at];

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < selection->count &&
			    number_less(rank_of(selection, heap[child]),
					rank_of(selection, heap[least])))
				least = child;
		if (least == at)
			return;
		heap[at] = heap[least];
		heap[least] = moved;
		at = least;
	}
}

/*
 * Returns true for a series without measurements in an indexed array: most of such an array is
 * usually not in use.
 */
static bool is_empty_histogram(const struct metric *metric, const struct number *numbers)
{
	const struct histogram *histogram = &metric->histogram;

	return histogram_is_one(histogram) && histogram->in != SLOTS_IN_INDEX &&
	       metric_has_index(metric) && metric->map.max_entries > 1 &&
	       !histogram_count(histogram, numbers).u;
}

/* Top-K: holds an entry if there is room or if it is larger than the smallest held entry. */
static int hold_entry(struct selection *selection, const struct map_batch *entries, uint32_t i,
		      const struct number *numbers)
{
	const struct metric *metric = selection->metric;
	const char *key = entries->keys + i * entries->key_stride;
	const char *value = entries->values + i * entries->value_stride;
	size_t slot, size = metric->n_numbers * sizeof(*numbers);

	if (is_empty_histogram(metric, numbers))
		return 0;
	if (histogram_is_one(&metric->histogram))
		histogram_note_sum(metric, numbers);
	for (size_t n = 0; n < metric->n_numbers; n++)
		selection->sums[n] =
			selection->seen ? number_add(selection->sums[n], numbers[n]) : numbers[n];
	selection->seen++;
	if (!selection->limit || selection->count < selection->limit) {
		text_add(&selection->keys, key, entries->key_stride);
		text_add(&selection->values, value, entries->value_stride);
		text_add(&selection->numbers, numbers, size);
		if (text_status(&selection->keys) < 0 || text_status(&selection->values) < 0 ||
		    text_status(&selection->numbers) < 0)
			return -ENOMEM;
		selection->count++;
		return 0;
	}
	if (!selection->heap) {
		selection->heap = malloc(selection->count * sizeof(*selection->heap));
		if (!selection->heap)
			return -ENOMEM;
		for (uint32_t n = 0; n < selection->count; n++)
			selection->heap[n] = n;
		for (uint32_t n = selection->count / 2; n-- > 0;)
			heap_sink(selection, n);
	}
	slot = selection->heap[0];
	if (!number_less(rank_of(selection, selection->heap[0]), rank_in(metric, numbers)))
		return 0;
	memcpy(selection->keys.data + slot * entries->key_stride, key, entries->key_stride);
	memcpy(selection->values.data + slot * entries->value_stride, value, entries->value_stride);
	memcpy(&NUMBERS(selection->numbers)[slot * metric->n_numbers], numbers, size);
	heap_sink(selection, 0);
	return 0;
}

/* For entries that are series. numbers: room for those of one series. */
static int hold_batch(struct selection *selection, const struct metric_batch *batch,
		      struct number *numbers)
{
	const struct metric *metric = selection->metric;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < batch->entries.count; i++) {
		if (histogram_is_one(&metric->histogram)) {
			histogram_clear(metric, numbers);
			histogram_add(metric, batch, i, numbers);
		} else {
			for (size_t n = 0; n < metric->n_columns; n++)
				numbers[n] = metric_batch_sample(metric, n, batch, i);
		}
		r = hold_entry(selection, &batch->entries, i, numbers);
	}
	return r;
}

/* For series that consist of several entries: holds their sums. */
static int hold_groups(struct selection *selection, struct metric_reader *reader)
{
	const struct metric *metric = selection->metric;
	_cleanup_(groups_release) struct groups groups = {};
	struct metric_batch batch;
	int r, held = 0;

	while ((r = metric_reader_next(reader, &batch)) > 0) {
		r = groups_add(&groups, metric, &batch);
		if (r < 0)
			return r;
	}
	batch = groups_batch(&groups, metric);
	for (uint32_t i = 0; held == 0 && i < batch.entries.count; i++)
		held = hold_entry(selection, &batch.entries, i,
				  batch.numbers + i * metric->n_numbers);
	return held < 0 ? held : r;
}

/* Holds a copy of the batch. Used without limit; the samples are decoded from the values later. */
static int hold_copy(struct selection *selection, const struct map_batch *entries)
{
	size_t keys = entries->count * entries->key_stride;
	size_t values = entries->count * entries->value_stride;
	char *bytes = buffer_resize(NULL, 0, keys + values);
	struct selection_block *block =
		bytes ? array_append(selection->blocks, selection->n_blocks) : NULL;

	if (!block) {
		if (bytes)
			buffer_free(bytes, keys + values);
		return -ENOMEM;
	}
	if (keys)
		memcpy(bytes, entries->keys, keys);
	memcpy(bytes + keys, entries->values, values);
	*block = (struct selection_block){ bytes, keys + values, *entries };
	block->entries.keys = bytes;
	block->entries.values = bytes + keys;
	selection->count += entries->count;
	selection->seen += entries->count;
	return 0;
}

static int hold_all(struct selection *selection, struct metric_reader *reader)
{
	const struct metric *metric = selection->metric;
	const struct histogram *histogram = &metric->histogram;
	bool counted = selection->limit || histogram_is_one(histogram);
	_cleanup_free_ struct number *numbers = calloc(metric->n_numbers, sizeof(*numbers));
	struct metric_batch batch;
	int r;

	selection->sums = calloc(metric->n_numbers, sizeof(*selection->sums));
	if (!numbers || !selection->sums)
		return -ENOMEM;
	if (histogram_has_groups(histogram) || metric->merges)
		return hold_groups(selection, reader);
	while ((r = metric_reader_next(reader, &batch)) > 0) {
		r = counted || batch.numbers ? hold_batch(selection, &batch, numbers)
					     : hold_copy(selection, &batch.entries);
		if (r < 0)
			break;
	}
	return r;
}

/* Makes the pass over the map. Returns 0 also if the pass failed after it began, see failed. */
static int selection_run(struct selection *selection)
{
	struct metric_reader reader;
	int r = metric_reader_init(&reader, selection->metric, selection->use);

	if (r < 0)
		return r;
	selection->failed = hold_all(selection, &reader);
	metric_reader_release(&reader);
	return selection->failed == -ENOMEM ? -ENOMEM : 0;
}

static void selection_free(struct selection *selection)
{
	for (size_t i = 0; i < selection->n_blocks; i++)
		buffer_free(selection->blocks[i].bytes, selection->blocks[i].size);
	free(selection->blocks);
	text_release(&selection->keys);
	text_release(&selection->values);
	text_release(&selection->numbers);
	free(selection->heap);
	free(selection->sums);
	free(selection);
}

/* Finds another selection with the same parameters in a state. Called with the lock held. */
static struct selection *selection_find(const struct selection *like, int state)
{
	struct selection *each = like->metric->notes->selections;

	while (each && (each == like || (int)each->state != state || each->use != like->use ||
			each->limit != like->limit))
		each = each->next;
	return each;
}

/*
 * Runs a pass for a selection, or waits for an equal one that has not begun. One pass with the same
 * parameters runs at a time; all readers that arrive while it runs share the next pass. Takes
 * selection, returns a reference to a finished one.
 */
static struct selection *selection_share(struct selection *selection)
{
	struct metric_notes *notes = selection->metric->notes;
	struct selection *other, **at = &notes->selections;

	pthread_mutex_lock(&notes->lock);
	other = selection_find(selection, SELECTION_WAITS);
	if (other) {
		other->refs++;
		while (other->state != SELECTION_DONE)
			pthread_cond_wait(&notes->selected, &notes->lock);
		pthread_mutex_unlock(&notes->lock);
		selection_free(selection);
		return other;
	}
	selection->next = notes->selections;
	notes->selections = selection;
	while (selection_find(selection, SELECTION_RUNS))
		pthread_cond_wait(&notes->selected, &notes->lock);
	selection->state = SELECTION_RUNS;
	pthread_mutex_unlock(&notes->lock);
	selection->result = selection_run(selection);
	pthread_mutex_lock(&notes->lock);
	selection->state = SELECTION_DONE;
	while (*at != selection)
		at = &(*at)->next;
	*at = selection->next;
	pthread_cond_broadcast(&notes->selected);
	pthread_mutex_unlock(&notes->lock);
	return selection;
}

int selection_get(const struct metric *metric, enum metric_use use, uint32_t limit,
		  struct selection **ret)
{
	uint64_t entry = metric->map.key_size + map_value_stride(&metric->map);
	struct selection *selection = malloc(sizeof(*selection));
	int r;

	if (!selection)
		return -ENOMEM;
	*selection = (struct selection){ .metric = metric, .use = use, .limit = limit, .refs = 1 };
	/*
	 * A pass over less than a batch costs less than waiting for another reader. Values that a
	 * read removes must not be given to two readers.
	 */
	if (entry * metric->map.max_entries > MAP_BATCH_BYTES && !metric_is_taken(metric))
		selection = selection_share(selection);
	else
		selection->result = selection_run(selection);
	r = selection->result;
	*ret = r < 0 ? selection_unref(selection) : selection;
	return r;
}

struct selection *selection_unref(struct selection *selection)
{
	if (selection && __atomic_sub_fetch(&selection->refs, 1, __ATOMIC_ACQ_REL) == 0)
		selection_free(selection);
	return NULL;
}
