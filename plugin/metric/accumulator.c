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
	uint64_t serial; /* rises from entry to entry, also after others were forgotten */
	uint32_t pass;	 /* the last that saw it; 0: it is new */
	bool recent;
	/* The key, the value and maybe the total, each aligned to 8, and the numbers. */
	char bytes[] __attribute__((aligned(8)));
};

struct tally {
	unsigned int refs; /* atomic */
	size_t key_size;
	size_t value_size; /* of all CPUs */
	size_t value_at;   /* in an entry's bytes */
	size_t total_at;   /* the same; 0: there is none */
	size_t numbers_at; /* the same */
	size_t n_numbers;
	uint32_t meaning; /* of the numbers, a hash */
	size_t entry_size;
	size_t max;    /* entries, while old ones can be forgotten */
	size_t limit;  /* entries */
	bool replaces; /* a gauge: the newest value counts */

	pthread_mutex_t turn; /* taken before lock */
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	char *entries; /* in the order of their coming */
	size_t n, size;
	uint64_t next_serial;
	struct index index;
	uint32_t pass;
};

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/*
 * A hash of the fields of the numbers and of the way that values of several CPUs are combined.
 * -ENOMEM.
 */
static int meaning_of(const struct metric *metric, uint32_t *ret)
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

/* The numbers are of all CPUs together; samples of each CPU come from the total. */
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

int tally_check(const struct metric *metric, struct error *err)
{
	unsigned long long n = TALLY_MAPS_MAX * (unsigned long long)metric->map.max_entries;
	unsigned long long bytes = n * accumulator_entry_bytes(metric);

	if (bytes <= TALLY_BYTES_MAX)
		return 0;
	return error_set(err, -EFBIG,
			 "map %s: the accumulator may need %llu bytes (%d times %u entries of %zu "
			 "bytes%s), at most %llu are possible; give the map fewer entries",
			 metric->config->map_name, bytes, TALLY_MAPS_MAX, metric->map.max_entries,
			 accumulator_entry_bytes(metric),
			 map_is_percpu(metric->map.type) ? " on all CPUs" : "", TALLY_BYTES_MAX);
}

struct tally *tally_new(const struct metric *metric)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally || meaning_of(metric, &tally->meaning) < 0) {
		free(tally);
		return NULL;
	}
	tally->refs = 1;
	tally->pass = 1;
	tally->key_size = metric->map.key_size;
	tally->value_size = map_value_stride(&metric->map);
	tally->value_at = value_offset(metric);
	tally->total_at = metric_lists_cpus(metric) ? total_offset(metric) : 0;
	tally->numbers_at = numbers_offset(metric);
	tally->n_numbers = metric->n_columns;
	tally->entry_size = accumulator_entry_bytes(metric);
	tally->limit = TALLY_BYTES_MAX / tally->entry_size;
	tally->max = 2 * (size_t)metric->map.max_entries;
	if (tally->max < TALLY_ENTRIES_MIN)
		tally->max = TALLY_ENTRIES_MIN;
	if (tally->max > tally->limit)
		tally->max = tally->limit;
	tally->replaces = metric->config->type == METRIC_GAUGE;
	pthread_mutex_init(&tally->turn, NULL);
	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

bool tally_suits(const struct tally *tally, const struct metric *metric)
{
	uint32_t meaning;

	return tally->key_size == metric->map.key_size &&
	       tally->value_size == map_value_stride(&metric->map) &&
	       tally->n_numbers == metric->n_columns && meaning_of(metric, &meaning) == 0 &&
	       tally->meaning == meaning &&
	       tally->replaces == (metric->config->type == METRIC_GAUGE);
}

struct tally *tally_ref(struct tally *tally)
{
	if (tally)
		__atomic_add_fetch(&tally->refs, 1, __ATOMIC_RELAXED);
	return tally;
}

struct tally *tally_unref(struct tally *tally)
{
	if (!tally || __atomic_sub_fetch(&tally->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	pthread_mutex_destroy(&tally->turn);
	pthread_mutex_destroy(&tally->lock);
	buffer_free(tally->entries, tally->size * tally->entry_size);
	index_release(&tally->index);
	free(tally);
	return NULL;
}

static struct entry *entry_at(const struct tally *tally, size_t i)
{
	return (struct entry *)(tally->entries + i * tally->entry_size);
}

static struct index_keys accumulator_keys_of(const struct tally *tally)
{
	return (struct index_keys){
		.first = tally->entries ? entry_at(tally, 0)->bytes : NULL,
		.stride = tally->entry_size,
		.size = tally->key_size,
	};
}

/*
 * How long ago an entry was seen, to a power of two: 0 for those of the pass at hand and of the one
 * before, which may still come in this one; 32 at most.
 */
static unsigned int age_of(const struct tally *tally, const struct entry *entry)
{
	uint32_t passes = tally->pass - entry->pass;

	return passes < 2 ? 0 : 32 - (unsigned int)__builtin_clz(passes);
}

/* Forgets the oldest until there is a quarter of room, but nothing that is still being counted. */
static void sweep(struct tally *tally)
{
	unsigned int oldest = 32;
	size_t ages[33] = {}, forgotten = 0, to = 0;

	for (size_t i = 0; i < tally->n; i++)
		ages[age_of(tally, entry_at(tally, i))]++;
	while (oldest > 0 && forgotten < tally->n / 4)
		forgotten += ages[oldest--];
	for (size_t i = 0; i < tally->n; i++)
		if (age_of(tally, entry_at(tally, i)) <= oldest) {
			if (to != i)
				memcpy(entry_at(tally, to), entry_at(tally, i), tally->entry_size);
			to++;
		}
	tally->n = to;
	index_refill(&tally->index, accumulator_keys_of(tally), to);
}

/* Makes room for n more entries. */
static int accumulator_make_room(struct tally *tally, size_t n)
{
	size_t size = 2 * tally->size;
	char *entries;

	if (tally->n + n > tally->size && tally->n + n > tally->max)
		sweep(tally);
	if (tally->n + n > tally->size) {
		if (tally->n + n > tally->limit)
			return -EFBIG;
		if (size < tally->n + n)
			size = tally->n + n;
		if (size < 64)
			size = 64;
		if (size > tally->limit)
			size = tally->limit;
		entries = buffer_resize(tally->entries, tally->size * tally->entry_size,
					size * tally->entry_size);
		if (!entries)
			return -ENOMEM;
		tally->entries = entries;
		tally->size = size;
	}
	return index_reserve(&tally->index, accumulator_keys_of(tally), tally->n, n);
}

int tally_reserve(struct tally *tally, uint32_t n)
{
	int r;

	pthread_mutex_lock(&tally->lock);
	r = accumulator_make_room(tally, n);
	pthread_mutex_unlock(&tally->lock);
	return r;
}

static struct entry *entry_of(struct tally *tally, const char *key)
{
	struct entry *entry;
	uint32_t *slot;

	if (tally->n && *(slot = index_slot(&tally->index, accumulator_keys_of(tally), key)))
		return entry_at(tally, *slot - 1);
	if (accumulator_make_room(tally, 1) < 0)
		return NULL;
	slot = index_slot(&tally->index, accumulator_keys_of(tally), key);
	entry = entry_at(tally, tally->n);
	memset(entry, 0, tally->entry_size);
	memcpy(entry->bytes, key, tally->key_size);
	entry->serial = tally->next_serial++;
	*slot = (uint32_t)++tally->n;
	return entry;
}

void tally_turn_begin(struct tally *tally)
{
	pthread_mutex_lock(&tally->turn);
}

void tally_turn_end(struct tally *tally)
{
	pthread_mutex_unlock(&tally->turn);
}

void tally_begin(struct tally *tally)
{
	pthread_mutex_lock(&tally->lock);
	tally->pass++;
	pthread_mutex_unlock(&tally->lock);
}

static struct number *numbers_of(const struct tally *tally, struct entry *entry)
{
	return (struct number *)(entry->bytes + tally->numbers_at);
}

/* The kind is that of the first one, which zero bytes do not have. */
static void add_number(const struct tally *tally, struct entry *entry, size_t n,
		       struct number number)
{
	struct number *sum = &numbers_of(tally, entry)[n];

	*sum = entry->pass && !tally->replaces ? number_add(*sum, number) : number;
}

static void add_value(const struct tally *tally, const struct metric *metric, char *sum,
		      const char *value)
{
	if (tally->replaces)
		memcpy(sum, value, tally->value_size);
	else
		metric_value_add(metric, sum, value);
}

int tally_add(struct tally *tally, const struct metric *metric, const struct map_batch *batch)
{
	int r = 0;

	pthread_mutex_lock(&tally->lock);
	for (uint32_t i = 0; i < batch->count && r == 0; i++) {
		const char *value = batch->values + i * batch->value_stride;
		struct entry *entry = entry_of(tally, batch->keys + i * batch->key_stride);

		if (!entry) {
			r = -ENOMEM;
			break;
		}
		add_value(tally, metric, entry->bytes + tally->value_at, value);
		if (tally->total_at)
			add_value(tally, metric, entry->bytes + tally->total_at, value);
		for (size_t n = 0; n < tally->n_numbers; n++)
			add_number(tally, entry, n, metric_sample(metric, n, value));
		entry->pass = tally->pass;
		entry->recent = true;
	}
	pthread_mutex_unlock(&tally->lock);
	return r;
}

int tally_reader_init(struct tally_reader *reader, struct tally *tally, bool recent)
{
	size_t n = MAP_BATCH_BYTES / tally->entry_size + 1;

	*reader = (struct tally_reader){ .tally = tally, .recent = recent };
	pthread_mutex_lock(&tally->lock);
	reader->end = tally->next_serial;
	if (n > tally->n)
		n = tally->n;
	pthread_mutex_unlock(&tally->lock);
	reader->capacity = (uint32_t)n;
	reader->keys = malloc(n * tally->key_size + 1);
	reader->values = malloc(n * tally->value_size + 1);
	reader->numbers = malloc(n * tally->n_numbers * sizeof(*reader->numbers) + 1);
	if (reader->keys && reader->values && reader->numbers)
		return 0;
	tally_reader_release(reader);
	return -ENOMEM;
}

/* The first entry with at least the given serial; earlier entries may have been forgotten. */
static size_t find_serial(const struct tally *tally, uint64_t serial)
{
	size_t low = 0, high = tally->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_at(tally, middle)->serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void copy_entry(struct tally_reader *reader, struct entry *entry, uint32_t to)
{
	const struct tally *tally = reader->tally;
	char *value = entry->bytes + tally->value_at;
	const char *given =
		tally->total_at && !reader->recent ? entry->bytes + tally->total_at : value;

	memcpy(reader->keys + to * tally->key_size, entry->bytes, tally->key_size);
	memcpy(reader->values + to * tally->value_size, given, tally->value_size);
	memcpy(reader->numbers + to * tally->n_numbers, numbers_of(tally, entry),
	       tally->n_numbers * sizeof(*reader->numbers));
	if (reader->recent) {
		memset(value, 0, tally->value_size);
		entry->recent = false;
	}
}

uint32_t tally_reader_next(struct tally_reader *reader)
{
	struct tally *tally = reader->tally;
	uint32_t count = 0;

	pthread_mutex_lock(&tally->lock);
	for (size_t i = find_serial(tally, reader->next); i < tally->n && count < reader->capacity;
	     i++) {
		struct entry *entry = entry_at(tally, i);

		if (entry->serial >= reader->end)
			break;
		reader->next = entry->serial + 1;
		if (!reader->recent || entry->recent)
			copy_entry(reader, entry, count++);
	}
	pthread_mutex_unlock(&tally->lock);
	return count;
}

void tally_reader_release(struct tally_reader *reader)
{
	free(reader->keys);
	free(reader->values);
	free(reader->numbers);
	*reader = (struct tally_reader){};
}
