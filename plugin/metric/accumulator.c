/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/accumulator.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/index.h"
#include "metric/metric.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct entry {
	uint64_t serial; /* increases from entry to entry, also across evictions */
	uint32_t pass;	 /* the last pass that saw the entry; 0: new */
	bool recent;	 /* changed since the last read of recent changes */
	/* Key, value, optional total, each aligned to 8 bytes, then the numbers. */
	char bytes[] __attribute__((aligned(8)));
};

/* The layout of an entry: offsets in its bytes, and sizes. */
struct layout {
	size_t key_size;
	size_t value_size; /* of all CPUs */
	size_t value_at;
	size_t total_at; /* 0: no total */
	size_t numbers_at;
	size_t n_numbers;
	size_t entry_size;
};

struct accumulator {
	unsigned int refs; /* atomic */
	struct layout layout;
	uint32_t meaning; /* hash of what the numbers are, see hash_meaning() */
	size_t max;	  /* entries beyond which old ones are evicted */
	size_t limit;	  /* entries that ACCUMULATOR_BYTES_MAX allows */
	bool replaces;	  /* gauge: a new value replaces the old one */

	pthread_mutex_t turn; /* taken before lock */
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	char *entries; /* sorted by serial number */
	size_t n, size;
	uint64_t next_serial;
	struct index index;
	uint32_t pass;
};

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Hashes the fields of the numbers and the combination of per-CPU values. Returns 0 or -ENOMEM. */
static int hash_meaning(const struct metric *metric, uint32_t *ret)
{
	_cleanup_text_ struct text text = {};

	text_printf(&text, "%d", metric->config->per_cpu);
	for (size_t i = 0; i < metric->n_columns; i++)
		text_printf(&text, " %u %u %u %s", metric->columns[i].field->offset,
			    metric->columns[i].element, metric->columns[i].field->plan.size,
			    metric->columns[i].field->name);
	*ret = hash_bytes(text_str(&text), text.len);
	return text_status(&text);
}

static struct layout layout_of(const struct metric *metric)
{
	size_t value = map_value_stride(&metric->map);
	struct layout layout = {
		.key_size = metric->map.key_size,
		.value_size = value,
		.value_at = align8(metric->map.key_size),
		.n_numbers = metric->n_columns,
	};

	layout.numbers_at = layout.value_at + align8(value);
	/* The numbers combine all CPUs. Samples of a single CPU are taken from the total. */
	if (metric_lists_cpus(metric)) {
		layout.total_at = layout.numbers_at;
		layout.numbers_at += align8(value);
	}
	layout.entry_size =
		sizeof(struct entry) + layout.numbers_at + layout.n_numbers * sizeof(struct number);
	return layout;
}

int accumulator_check(const struct metric *metric, struct error *err)
{
	size_t entry = layout_of(metric).entry_size;
	unsigned long long bytes =
		ACCUMULATOR_MAPS_MAX * (unsigned long long)metric->map.max_entries * entry;

	if (bytes <= ACCUMULATOR_BYTES_MAX)
		return 0;
	return error_set(err, -EFBIG,
			 "map %s: the accumulator may need %llu bytes (%d times %u entries of %zu "
			 "bytes%s), the limit is %llu; reduce max_entries",
			 metric->config->map_name, bytes, ACCUMULATOR_MAPS_MAX,
			 metric->map.max_entries, entry,
			 map_is_percpu(metric->map.type) ? " on all CPUs" : "",
			 ACCUMULATOR_BYTES_MAX);
}

struct accumulator *accumulator_new(const struct metric *metric)
{
	struct accumulator *accumulator = calloc(1, sizeof(*accumulator));

	if (!accumulator || hash_meaning(metric, &accumulator->meaning) < 0) {
		free(accumulator);
		return NULL;
	}
	accumulator->refs = 1;
	accumulator->pass = 1;
	accumulator->layout = layout_of(metric);
	accumulator->limit = ACCUMULATOR_BYTES_MAX / accumulator->layout.entry_size;
	accumulator->max = 2 * (size_t)metric->map.max_entries;
	if (accumulator->max < ACCUMULATOR_ENTRIES_MIN)
		accumulator->max = ACCUMULATOR_ENTRIES_MIN;
	if (accumulator->max > accumulator->limit)
		accumulator->max = accumulator->limit;
	accumulator->replaces = metric->config->type == METRIC_GAUGE;
	pthread_mutex_init(&accumulator->turn, NULL);
	pthread_mutex_init(&accumulator->lock, NULL);
	return accumulator;
}

bool accumulator_suits(const struct accumulator *accumulator, const struct metric *metric)
{
	const struct layout layout = layout_of(metric);
	uint32_t meaning;

	return !memcmp(&layout, &accumulator->layout, sizeof(layout)) &&
	       hash_meaning(metric, &meaning) == 0 && accumulator->meaning == meaning &&
	       accumulator->replaces == (metric->config->type == METRIC_GAUGE);
}

struct accumulator *accumulator_ref(struct accumulator *accumulator)
{
	if (accumulator)
		__atomic_add_fetch(&accumulator->refs, 1, __ATOMIC_RELAXED);
	return accumulator;
}

struct accumulator *accumulator_unref(struct accumulator *accumulator)
{
	if (!accumulator || __atomic_sub_fetch(&accumulator->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	pthread_mutex_destroy(&accumulator->turn);
	pthread_mutex_destroy(&accumulator->lock);
	buffer_free(accumulator->entries, accumulator->size * accumulator->layout.entry_size);
	index_release(&accumulator->index);
	free(accumulator);
	return NULL;
}

static struct entry *entry_at(const struct accumulator *accumulator, size_t i)
{
	return (struct entry *)(accumulator->entries + i * accumulator->layout.entry_size);
}

static struct index_keys index_keys_of(const struct accumulator *accumulator)
{
	return (struct index_keys){
		.first = accumulator->entries ? entry_at(accumulator, 0)->bytes : NULL,
		.stride = accumulator->layout.entry_size,
		.size = accumulator->layout.key_size,
	};
}

/*
 * Returns the logarithmic age of an entry in passes, at most 32. It is 0 for entries of the current
 * pass, and of the previous one because the current pass may still see them.
 */
static unsigned int age_of(const struct accumulator *accumulator, const struct entry *entry)
{
	uint32_t passes = accumulator->pass - entry->pass;

	return passes < 2 ? 0 : 32 - (unsigned int)__builtin_clz(passes);
}

/* Evicts the oldest entries, at least a quarter of all if so many have an age above 0. */
static void evict_oldest(struct accumulator *accumulator)
{
	unsigned int oldest = 32;
	size_t ages[33] = {}, evicted = 0, to = 0;

	for (size_t i = 0; i < accumulator->n; i++)
		ages[age_of(accumulator, entry_at(accumulator, i))]++;
	while (oldest > 0 && evicted < accumulator->n / 4)
		evicted += ages[oldest--];
	for (size_t i = 0; i < accumulator->n; i++)
		if (age_of(accumulator, entry_at(accumulator, i)) <= oldest) {
			if (to != i)
				memcpy(entry_at(accumulator, to), entry_at(accumulator, i),
				       accumulator->layout.entry_size);
			to++;
		}
	accumulator->n = to;
	index_refill(&accumulator->index, index_keys_of(accumulator), to);
}

/* Makes room for n more entries: evicts, then grows the array. Called with lock held. */
static int accumulator_make_room(struct accumulator *accumulator, size_t n)
{
	size_t entry_size = accumulator->layout.entry_size, size = 2 * accumulator->size;
	char *entries;

	if (accumulator->n + n > accumulator->size && accumulator->n + n > accumulator->max)
		evict_oldest(accumulator);
	if (accumulator->n + n > accumulator->size) {
		if (accumulator->n + n > accumulator->limit)
			return -EFBIG;
		if (size < accumulator->n + n)
			size = accumulator->n + n;
		if (size < 64)
			size = 64;
		if (size > accumulator->limit)
			size = accumulator->limit;
		entries = buffer_resize(accumulator->entries, accumulator->size * entry_size,
					size * entry_size);
		if (!entries)
			return -ENOMEM;
		accumulator->entries = entries;
		accumulator->size = size;
	}
	return index_reserve(&accumulator->index, index_keys_of(accumulator), accumulator->n, n);
}

int accumulator_reserve(struct accumulator *accumulator, uint32_t n)
{
	int r;

	pthread_mutex_lock(&accumulator->lock);
	r = accumulator_make_room(accumulator, n);
	pthread_mutex_unlock(&accumulator->lock);
	return r;
}

/* Finds or creates the entry of a key. Returns NULL if there is no room. */
static struct entry *entry_of(struct accumulator *accumulator, const char *key)
{
	struct entry *entry;
	uint32_t *slot;

	if (accumulator->n &&
	    *(slot = index_slot(&accumulator->index, index_keys_of(accumulator), key)))
		return entry_at(accumulator, *slot - 1);
	if (accumulator_make_room(accumulator, 1) < 0)
		return NULL;
	slot = index_slot(&accumulator->index, index_keys_of(accumulator), key);
	entry = entry_at(accumulator, accumulator->n);
	memset(entry, 0, accumulator->layout.entry_size);
	memcpy(entry->bytes, key, accumulator->layout.key_size);
	entry->serial = accumulator->next_serial++;
	*slot = (uint32_t)++accumulator->n;
	return entry;
}

void accumulator_turn_begin(struct accumulator *accumulator)
{
	pthread_mutex_lock(&accumulator->turn);
}

void accumulator_turn_end(struct accumulator *accumulator)
{
	pthread_mutex_unlock(&accumulator->turn);
}

void accumulator_begin(struct accumulator *accumulator)
{
	pthread_mutex_lock(&accumulator->lock);
	accumulator->pass++;
	pthread_mutex_unlock(&accumulator->lock);
}

int accumulator_add(struct accumulator *accumulator, const struct metric *metric,
		    const struct map_batch *batch)
{
	const struct layout *layout = &accumulator->layout;
	const size_t values_at[] = { layout->value_at, layout->total_at };
	int r = 0;

	pthread_mutex_lock(&accumulator->lock);
	for (uint32_t i = 0; i < batch->count; i++) {
		const char *value = batch->values + i * batch->value_stride;
		struct entry *entry = entry_of(accumulator, batch->keys + i * batch->key_stride);
		struct number *sums;

		if (!entry) {
			r = -ENOMEM;
			break;
		}
		for (int n = 0; n < (layout->total_at ? 2 : 1); n++) {
			char *sum = entry->bytes + values_at[n];

			if (accumulator->replaces)
				memcpy(sum, value, layout->value_size);
			else
				metric_value_add(metric, sum, value);
		}
		sums = (struct number *)(entry->bytes + layout->numbers_at);
		for (size_t n = 0; n < layout->n_numbers; n++) {
			struct number number = metric_sample(metric, n, value);

			/* The kind of a zeroed number may differ: the first one is copied. */
			sums[n] = entry->pass && !accumulator->replaces
					  ? number_add(sums[n], number)
					  : number;
		}
		entry->pass = accumulator->pass;
		entry->recent = true;
	}
	pthread_mutex_unlock(&accumulator->lock);
	return r;
}

int accumulator_reader_init(struct accumulator_reader *reader, struct accumulator *accumulator,
			    bool recent)
{
	size_t n = MAP_BATCH_BYTES / accumulator->layout.entry_size + 1;

	*reader = (struct accumulator_reader){ .accumulator = accumulator, .recent = recent };
	pthread_mutex_lock(&accumulator->lock);
	reader->end = accumulator->next_serial;
	if (n > accumulator->n)
		n = accumulator->n;
	pthread_mutex_unlock(&accumulator->lock);
	reader->capacity = (uint32_t)n;
	reader->keys = malloc(n * accumulator->layout.key_size + 1);
	reader->values = malloc(n * accumulator->layout.value_size + 1);
	reader->numbers = malloc(n * accumulator->layout.n_numbers * sizeof(*reader->numbers) + 1);
	if (reader->keys && reader->values && reader->numbers)
		return 0;
	accumulator_reader_release(reader);
	return -ENOMEM;
}

/* Finds the first entry with at least this serial number; earlier entries may be evicted. */
static size_t find_serial(const struct accumulator *accumulator, uint64_t serial)
{
	size_t low = 0, high = accumulator->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_at(accumulator, middle)->serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Copies an entry into the reader's batch. A read of recent changes resets its value. */
static void copy_entry(struct accumulator_reader *reader, struct entry *entry, uint32_t to)
{
	const struct layout *layout = &reader->accumulator->layout;
	bool total = layout->total_at && !reader->recent;

	memcpy(reader->keys + to * layout->key_size, entry->bytes, layout->key_size);
	memcpy(reader->values + to * layout->value_size,
	       entry->bytes + (total ? layout->total_at : layout->value_at), layout->value_size);
	memcpy(reader->numbers + to * layout->n_numbers, entry->bytes + layout->numbers_at,
	       layout->n_numbers * sizeof(*reader->numbers));
	if (reader->recent) {
		memset(entry->bytes + layout->value_at, 0, layout->value_size);
		entry->recent = false;
	}
}

uint32_t accumulator_reader_next(struct accumulator_reader *reader)
{
	struct accumulator *accumulator = reader->accumulator;
	uint32_t count = 0;

	pthread_mutex_lock(&accumulator->lock);
	for (size_t i = find_serial(accumulator, reader->next);
	     i < accumulator->n && count < reader->capacity; i++) {
		struct entry *entry = entry_at(accumulator, i);

		if (entry->serial >= reader->end)
			break;
		reader->next = entry->serial + 1;
		if (!reader->recent || entry->recent)
			copy_entry(reader, entry, count++);
	}
	pthread_mutex_unlock(&accumulator->lock);
	return count;
}

void accumulator_reader_release(struct accumulator_reader *reader)
{
	free(reader->keys);
	free(reader->values);
	free(reader->numbers);
	*reader = (struct accumulator_reader){};
}
