/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/groups.h"
#include "base/hash.h"

#include <errno.h>
#include <string.h>

#define SLOTS_MIN 64

/* The slot of a key: its own, or the free one where it belongs. */
static uint32_t *slot_of(const struct groups *groups, const char *key, size_t size)
{
	size_t mask = groups->n_slots - 1, at = hash_bytes(key, size) & mask;

	while (groups->slots[at] &&
	       memcmp(groups->keys.data + (groups->slots[at] - 1) * size, key, size) != 0)
		at = (at + 1) & mask;
	return &groups->slots[at];
}

static int make_room(struct groups *groups, size_t size)
{
	size_t n = groups->n_slots ? 2 * groups->n_slots : SLOTS_MIN;
	uint32_t *slots;

	if (2 * ((size_t)groups->count + 1) <= groups->n_slots)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(groups->slots);
	groups->slots = slots;
	groups->n_slots = n;
	for (uint32_t i = 0; i < groups->count; i++)
		*slot_of(groups, groups->keys.data + i * size, size) = i + 1;
	return 0;
}

/* The numbers of the group that a key belongs to, or NULL: out of memory. */
static struct number *numbers_of(struct groups *groups, const struct metric *metric,
				 const char *key, const char *value, size_t value_stride)
{
	size_t size = metric->map.key_size, bytes = metric->n_numbers * sizeof(struct number);
	uint32_t *slot;
	char *room;

	if (make_room(groups, size) < 0)
		return NULL;
	slot = slot_of(groups, key, size);
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
	free(groups->slots);
	*groups = (struct groups){};
}
