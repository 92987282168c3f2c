/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/index.h"
#include "base/buffer.h"
#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOTS_MIN 64

int index_reserve(struct index *index, struct index_keys keys, size_t n, size_t more)
{
	size_t n_slots = index->n_slots ? index->n_slots : SLOTS_MIN;
	uint32_t *slots;

	while (n_slots < 2 * (n + more))
		n_slots *= 2;
	if (n_slots == index->n_slots)
		return 0;
	slots = buffer_resize(NULL, 0, n_slots * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (!index->slots && getrandom(index->seed, sizeof(index->seed), 0) < 0) {
		int r = -errno;

		buffer_free(slots, n_slots * sizeof(*slots));
		return r;
	}
	buffer_free(index->slots, index->n_slots * sizeof(*slots));
	index->slots = slots;
	index->n_slots = n_slots;
	index_refill(index, keys, n);
	return 0;
}

void index_refill(struct index *index, struct index_keys keys, size_t n)
{
	if (index->slots)
		memset(index->slots, 0, index->n_slots * sizeof(*index->slots));
	for (size_t i = 0; i < n; i++)
		*index_slot(index, keys, keys.first + i * keys.stride) = (uint32_t)i + 1;
}

uint32_t *index_slot(const struct index *index, struct index_keys keys, const char *key)
{
	size_t mask = index->n_slots - 1, at = siphash(index->seed, key, keys.size) & mask;
	const char *entry;

	for (; index->slots[at]; at = (at + 1) & mask) {
		entry = keys.first + (index->slots[at] - 1) * keys.stride;
		if (!memcmp(entry, key, keys.size))
			break;
	}
	return &index->slots[at];
}

void index_release(struct index *index)
{
	buffer_free(index->slots, index->n_slots * sizeof(*index->slots));
	*index = (struct index){};
}
