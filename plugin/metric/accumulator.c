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

struct accumulator {
	unsigned int refs; /* atomic */
	size_t key_size;
	size_t value_size; /* of all CPUs */
	size_t value_at;   /* offset in an entry's bytes */
	size_t total_at;   /* likewise; 0: no total */
	size_t numbers_at; /* likewise */
	size_t n_numbers;
	uint32_t meaning; /* hash of what the numbers are, see hash_meaning() */
	size_t entry_size;
	size_t max;    /* entries beyond which old ones are evicted */
	size_t limit;  /* entries that ACCUMULATOR_BYTES_MAX allows */
	bool replaces; /* gauge: a new value replaces the old one */

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

static size_t value_offset(const struct metric *metric)
{
	return align8(metric->map.key_size);
}

static size_t total_offset(const struct metric *metric)
{
	return value_offset(metric) + align8(map_value_stride(&metric->map));
}

/* The numbers combine all CPUs. Samples of a single CPU are taken from the total. */
static size_t numbers_offset(const struct metric *metric)
{
	size_t total = metric_lists_cpus(metric) ? align8(map_value_stride(&metric->map)) : 0;

	return total_offset(metric) + total;
}

static size_t accumulator_entry_bytes(const struct metric *metric)
{
	return sizeof(struct entry) + numbers_offset(metric) +
	       metric->n_columns * sizeof(struct number);
}

int accumulator_check(const struct metric *metric, struct error *err)
{
	unsigned long long n = ACCUMULATOR_MAPS_MAX * (unsigned long long)metric->map.max_entries;
	unsigned long long bytes = n * accumulator_entry_bytes(metric);

	if (bytes <= ACCUMULATOR_BYTES_MAX)
		return 0;
	return error_set(err, -EFBIG,
			 "map %s: the accumulator may need %llu bytes (%d times %u entries of %zu "
			 "bytes%s), the limit is %llu; reduce max_entries",
			 metric->config->map_name, bytes, ACCUMULATOR_MAPS_MAX,
			 metric->map.max_entries, accumulator_entry_bytes(metric),
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
	accumulator->key_size = metric->map.key_size;
	accumulator->value_size = map_value_stride(&metric->map);
	accumulator->value_at = value_offset(metric);
	accumulator->total_at = metric_lists_cpus(metric) ? total_offset(metric) : 0;
	accumulator->numbers_at = numbers_offset(metric);
	accumulator->n_numbers = metric->n_columns;
	accumulator->entry_size = accumulator_entry_bytes(metric);
	accumulator->limit = ACCUMULATOR_BYTES_MAX / accumulator->entry_size;
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
	uint32_t meaning;

	return accumulator->key_size == metric->map.key_size &&
	       accumulator->value_size == map_value_stride(&metric->map) &&
	       accumulator->n_numbers == metric->n_columns && hash_meaning(metric, &meaning) == 0 &&
	       accumulator->meaning == meaning &&
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
	buffer_free(accumulator->entries, accumulator->size * accumulator->entry_size);
	index_release(&accumulator->index);
	free(accumulator);
	return NULL;
}

static struct entry *entry_at(const struct accumulator *accumulator, size_t i)
{
	return (struct entry *)(accumulator->entries + i * accumulator->entry_size);
}

static struct index_keys index_keys_of(const struct accumulator *accumulator)
{
	return (struct index_keys){
		.first = accumulator->entries ? entry_at(accumulator, 0)->bytes : NULL,
		.stride = accumulator->entry_size,
		.size = accumulator->key_size,
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
				       accumulator->entry_size);
			to++;
		}
	accumulator->n = to;
	index_refill(&accumulator->index, index_keys_of(accumulator), to);
}

/* Makes room for n more entries: evicts, then grows the array. Called with lock held. */
static int accumulator_make_room(struct accumulator *accumulator, size_t n)
{
	size_t size = 2 * accumulator->size;
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
		entries = buffer_resize(accumulator->entries,
					accumulator->size * accumulator->entry_size,
					size * accumulator->entry_size);
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
	memset(entry, 0, accumulator->entry_size);
	memcpy(entry->bytes, key, accumulator->key_size);
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

static struct number *numbers_of(const struct accumulator *accumulator, struct entry *entry)
{
	return (struct number *)(entry->bytes + accumulator->numbers_at);
}

static void add_value(const struct accumulator *accumulator, const struct metric *metric, char *sum,
		      const char *value)
{
	if (accumulator->replaces)
		memcpy(sum, value, accumulator->value_size);
	else
		metric_value_add(metric, sum, value);
}

int accumulator_add(struct accumulator *accumulator, const struct metric *metric,
		    const struct map_batch *batch)
{
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
		sums = numbers_of(accumulator, entry);
		add_value(accumulator, metric, entry->bytes + accumulator->value_at, value);
		if (accumulator->total_at)
			add_value(accumulator, metric, entry->bytes + accumulator->total_at, value);
		for (size_t n = 0; n < accumulator->n_numbers; n++) {
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
	size_t n = MAP_BATCH_BYTES / accumulator->entry_size + 1;

	*reader = (struct accumulator_reader){ .accumulator = accumulator, .recent = recent };
	pthread_mutex_lock(&accumulator->lock);
	reader->end = accumulator->next_serial;
	if (n > accumulator->n)
		n = accumulator->n;
	pthread_mutex_unlock(&accumulator->lock);
	reader->capacity = (uint32_t)n;
	reader->keys = malloc(n * accumulator->key_size + 1);
	reader->values = malloc(n * accumulator->value_size + 1);
	reader->numbers = malloc(n * accumulator->n_numbers * sizeof(*reader->numbers) + 1);
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

/* Copies an entry into the reader's batch, and resets its value if the read is of recent changes.
 */
static void copy_entry(struct accumulator_reader *reader, struct entry *entry, uint32_t to)
{
	const struct accumulator *accumulator = reader->accumulator;
	char *value = entry->bytes + accumulator->value_at;
	const char *source = accumulator->total_at && !reader->recent
				     ? entry->bytes + accumulator->total_at
				     : value;

	memcpy(reader->keys + to * accumulator->key_size, entry->bytes, accumulator->key_size);
	memcpy(reader->values + to * accumulator->value_size, source, accumulator->value_size);
	memcpy(reader->numbers + to * accumulator->n_numbers, numbers_of(accumulator, entry),
	       accumulator->n_numbers * sizeof(*reader->numbers));
	if (reader->recent) {
		memset(value, 0, accumulator->value_size);
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
