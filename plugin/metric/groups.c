/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/groups.h"

#include <errno.h>
#include <string.h>

static struct index_keys keys_of(const struct groups *groups, const struct metric *metric)
{
	size_t size = metric->map.key_size;

	return (struct index_keys){ .first = groups->keys.data, .stride = size, .size = size };
}

/* The numbers of the group that a key belongs to, or NULL: out of memory. */
static struct number *numbers_of(struct groups *groups, const struct metric *metric,
				 const char *key, const char *value, size_t value_stride)
{
	size_t size = metric->map.key_size, bytes = metric->n_numbers * sizeof(struct number);
	uint32_t *slot;
	char *room;

	if (index_reserve(&groups->index, keys_of(groups, metric), groups->count) < 0)
		return NULL;
	slot = index_slot(&groups->index, keys_of(groups, metric), key);
	if (*slot)
		return (struct number *)(groups->numbers.data + (*slot - 1) * bytes);
	text_add(&groups->keys, key, size);
	text_add(&groups->values, value, value_stride);
	room = text_reserve(&groups->numbers, bytes);
	if (!room || text_status(&groups->keys) < 0 || text_status(&groups->values) < 0)
		return NULL;
	histogram_clear(&metric->histogram, (struct number *)room);
	groups->numbers.len += bytes;
	*slot = ++groups->count;
	return (struct number *)room;
}

int groups_add(struct groups *groups, const struct metric *metric, const struct metric_batch *batch)
{
	const struct map_batch *entries = &batch->entries;
	_cleanup_free_ char *key = malloc(metric->map.key_size);

	for (uint32_t i = 0; key && i < entries->count; i++) {
		struct number *numbers;

		histogram_group(metric, entries->keys + i * entries->key_stride, key);
		numbers =
			numbers_of(groups, metric, key, entries->values + i * entries->value_stride,
				   entries->value_stride);
		if (!numbers)
			return -ENOMEM;
		histogram_add(metric, batch, i, numbers);
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
	index_release(&groups->index);
	*groups = (struct groups){};
}
