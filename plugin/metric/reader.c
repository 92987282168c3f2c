/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/reader.h"
#include "base/log.h"
#include "base/self_counter.h"

#include <errno.h>

/* Stores the number of entries in all metrics that share the map. */
static void store_entries(const struct metric *metric, const struct map_reader *reader)
{
	const struct metric *each = metric;

	do {
		__atomic_store_n(&each->notes->entries, reader->seen, __ATOMIC_RELAXED);
		__atomic_store_n(&each->notes->counted, true, __ATOMIC_RELEASE);
		each = each->next;
	} while (each != metric);
}

/*
 * Warns about a full map, because the kernel reports the failed insertion to the program only. LRU
 * maps evict an old entry instead.
 */
static void warn_if_full(const struct metric *metric, const struct map_reader *reader)
{
	bool *logged = &metric->notes->full_logged;
	bool rejects = map_type_get(reader->map.type)->fills;

	if (!rejects || reader->seen < reader->map.max_entries) {
		__atomic_store_n(logged, false, __ATOMIC_RELAXED);
		return;
	}
	self_counter_add(SELF_COUNTER_MAPS_FULL, 1);
	if (!__atomic_exchange_n(logged, true, __ATOMIC_RELAXED))
		log_warning("%smetric \"%s\": map %s is full with %u entries: new entries are lost",
			    metric_owner(metric), metric->config->name, metric->config->map_name,
			    reader->map.max_entries);
}

/* Makes room in all accumulators before entries are taken out of the map. */
static int reserve_all(const struct metric *metric, uint32_t n)
{
	const struct metric *each = metric;
	int r;

	do {
		r = accumulator_reserve(each->accumulator, n);
		each = each->next;
	} while (r == 0 && each != metric);
	return r;
}

static int move_entries(const struct metric *metric, const struct map *map)
{
	const struct metric *each = metric;
	struct map_reader reader;
	struct map_batch batch;
	int r = map_reader_init(&reader, map, true);

	if (r < 0)
		return r;
	do {
		accumulator_begin(each->accumulator);
		each = each->next;
	} while (each != metric);
	while ((r = reserve_all(metric, reader.capacity)) == 0 &&
	       (r = map_reader_next(&reader, &batch)) > 0) {
		do {
			r = accumulator_add(each->accumulator, each, &batch);
			each = each->next;
		} while (r == 0 && each != metric);
		if (r < 0)
			break;
	}
	if (r == 0) {
		store_entries(metric, &reader);
		warn_if_full(metric, &reader);
	}
	map_reader_release(&reader);
	return r;
}

int metric_take(const struct metric *metric, const struct map *map)
{
	/* The accumulator whose turn guards the map is the same one for all metrics of the map. */
	struct accumulator *first = metric->accumulator;
	int r;

	for (const struct metric *each = metric->next; each != metric; each = each->next)
		if (each->accumulator < first)
			first = each->accumulator;
	accumulator_turn_begin(first);
	r = move_entries(metric, map);
	accumulator_turn_end(first);
	return r;
}

int metric_reader_init(struct metric_reader *reader, const struct metric *metric,
		       enum metric_use use)
{
	const struct metric_config *config = metric->config;
	bool looking = use == METRIC_FOR_LOOKING;
	bool total = use != METRIC_FOR_JSON && metric_type_accumulates(config->type);

	*reader = (struct metric_reader){
		.metric = metric,
		.accumulated = metric->accumulator,
		.recent = config->empty_on_read && !total,
		.looking = looking,
	};
	if (looking && metric_is_taken(metric))
		return -EOPNOTSUPP;
	if (!metric->accumulator)
		return map_reader_init(&reader->map, &metric->map, config->empty_on_read);
	if (!metric->swapped && !looking)
		reader->failed = metric_take(metric, &metric->map);
	return accumulator_reader_init(&reader->totals, metric->accumulator, reader->recent);
}

int metric_reader_next(struct metric_reader *reader, struct metric_batch *batch)
{
	const struct map *map = &reader->metric->map;
	uint32_t count;

	*batch = (struct metric_batch){};
	if (!reader->accumulated) {
		int r = map_reader_next(&reader->map, &batch->entries);

		if (r == 0)
			store_entries(reader->metric, &reader->map);
		if (r == 0 && !reader->looking)
			warn_if_full(reader->metric, &reader->map);
		return r;
	}
	count = accumulator_reader_next(&reader->totals);
	if (!count)
		return reader->failed;
	batch->entries = (struct map_batch){
		.keys = reader->totals.keys,
		.values = reader->totals.values,
		.key_stride = map->key_size,
		.value_stride = map_value_stride(map),
		.count = count,
	};
	if (!reader->recent)
		batch->numbers = reader->totals.numbers;
	return 1;
}

void metric_reader_release(struct metric_reader *reader)
{
	if (reader->accumulated)
		accumulator_reader_release(&reader->totals);
	else
		map_reader_release(&reader->map);
}

void metric_log_failure(const struct metric *metric, int r)
{
	if (!__atomic_exchange_n(&metric->notes->failure_logged, true, __ATOMIC_RELAXED))
		log_error("%sreading map %s of metric \"%s\": %s", metric_owner(metric),
			  metric->config->map_name, metric->config->name, map_reader_strerror(r));
}
