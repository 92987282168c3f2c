/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/groups.h"
#include "base/siphash.h"
#include "metric/histogram.h"
#include "metric/label.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/*
 * A series that merges entries is identified by a keyed 128-bit hash of its labels. Packets may
 * choose the labels, so the hash must resist deliberate collisions.
 */
#define ID_SIZE (2 * sizeof(uint64_t))

static struct index_keys groups_keys_of(const struct groups *groups, const struct metric *metric)
{
	size_t size = metric->merges ? ID_SIZE : metric->map.key_size;
	const struct text *keys = metric->merges ? &groups->ids : &groups->keys;

	return (struct index_keys){ .first = keys->data, .stride = size, .size = size };
}

/*
 * Hashes the labels of an entry, of each CPU if CPUs have their own series. Returns -ENOENT if a
 * label leaves the entry out.
 */
static int make_id(struct groups *groups, const struct metric *metric, const char *key,
		   const char *value, uint64_t id[2])
{
	unsigned int cpus = metric_lists_cpus(metric) ? map_cpus() : 1;
	struct text *text = &groups->scratch;

	if (!groups->count && getrandom(groups->seeds, sizeof(groups->seeds), 0) < 0)
		return -errno;
	text_clear(text);
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < metric->n_labels; i++) {
			if (!label_text(&metric->labels[i], key, value, cpu, text))
				return -ENOENT;
			text_addc(text, '\0');
		}
	if (text_status(text) < 0)
		return -ENOMEM;
	for (int i = 0; i < 2; i++)
		id[i] = siphash(groups->seeds[i], text_str(text), text->len);
	return 0;
}

/* Finds or creates the group of an entry. key has no slot number. Returns the group or -errno. */
static int64_t find_group(struct groups *groups, const struct metric *metric, const char *key,
			  const char *value, size_t value_stride)
{
	size_t bytes = metric->n_numbers * sizeof(struct number);
	uint64_t id[2];
	const char *what = metric->merges ? (const char *)id : key;
	uint32_t *slot;
	char *room;
	int r = metric->merges ? make_id(groups, metric, key, value, id) : 0;

	if (r == 0)
		r = index_reserve(&groups->index, groups_keys_of(groups, metric), groups->count, 1);
	if (r < 0)
		return r;
	slot = index_slot(&groups->index, groups_keys_of(groups, metric), what);
	if (*slot)
		return *slot - 1;
	if (metric->merges)
		text_add(&groups->ids, what, ID_SIZE);
	text_add(&groups->keys, key, metric->map.key_size);
	text_add(&groups->values, value, value_stride);
	room = text_reserve(&groups->numbers, bytes);
	if (!room || text_status(&groups->ids) < 0 || text_status(&groups->keys) < 0 ||
	    text_status(&groups->values) < 0)
		return -ENOMEM;
	if (histogram_is_one(&metric->histogram))
		histogram_clear(metric, (struct number *)room);
	groups->numbers.len += bytes;
	*slot = ++groups->count;
	return groups->count - 1;
}

int groups_add(struct groups *groups, const struct metric *metric, const struct metric_batch *batch)
{
	const struct map_batch *entries = &batch->entries;
	_cleanup_free_ char *key = malloc(metric->map.key_size);

	for (uint32_t i = 0; key && i < entries->count; i++) {
		const char *value = entries->values + i * entries->value_stride;
		uint32_t before = groups->count;
		struct number *numbers;
		int64_t group;

		histogram_group(metric, entries->keys + i * entries->key_stride, key);
		group = find_group(groups, metric, key, value, entries->value_stride);
		if (group == -ENOENT)
			continue;
		if (group < 0)
			return (int)group;
		numbers = (struct number *)groups->numbers.data + (size_t)group * metric->n_numbers;
		if (histogram_is_one(&metric->histogram)) {
			histogram_add(metric, batch, i, numbers);
			continue;
		}
		for (size_t n = 0; n < metric->n_columns; n++) {
			struct number number = metric_batch_sample(metric, n, batch, i);

			numbers[n] =
				groups->count > before ? number : number_add(numbers[n], number);
		}
		/* Samples of each CPU are read from the values, not from the numbers. */
		if (metric_lists_cpus(metric) && groups->count == before)
			metric_samples_add(
				metric, groups->values.data + (size_t)group * entries->value_stride,
				value);
	}
	return key ? 0 : -ENOMEM;
}

struct metric_batch groups_batch(const struct groups *groups, const struct metric *metric)
{
	return (struct metric_batch){
		.entries = {
			.keys = groups->keys.data,
			.values = groups->values.data,
			.key_stride = metric->map.key_size,
			.value_stride = map_value_stride(&metric->map),
			.count = groups->count,
		},
		.numbers = (const struct number *)groups->numbers.data,
	};
}

void groups_release(struct groups *groups)
{
	text_release(&groups->keys);
	text_release(&groups->values);
	text_release(&groups->numbers);
	text_release(&groups->ids);
	text_release(&groups->scratch);
	index_release(&groups->index);
	*groups = (struct groups){};
}
