/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/shared_btf.h"

#include <bpf/btf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct shared_btf {
	struct shared_btf *next;
	size_t refs;
	struct btf *btf;
	const void *data;
	uint32_t size;
};

static struct {
	pthread_mutex_t lock; /* innermost lock: no other lock is taken inside */
	struct shared_btf *first;
} all_btf = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Caller holds all_btf.lock. */
static struct shared_btf *shared_btf_new(const void *data, uint32_t size)
{
	struct shared_btf *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return NULL;
	shared->btf = btf__new(data, size);
	shared->data = shared->btf ? btf__raw_data(shared->btf, &shared->size) : NULL;
	if (!shared->data) {
		btf__free(shared->btf);
		free(shared);
		return NULL;
	}
	shared->next = all_btf.first;
	all_btf.first = shared;
	return shared;
}

const struct btf *shared_btf_get(const void *data, uint32_t size)
{
	struct shared_btf *shared;

	pthread_mutex_lock(&all_btf.lock);
	shared = all_btf.first;
	while (shared && (shared->size != size || memcmp(shared->data, data, size) != 0))
		shared = shared->next;
	if (!shared)
		shared = shared_btf_new(data, size);
	if (shared)
		shared->refs++;
	pthread_mutex_unlock(&all_btf.lock);
	return shared ? shared->btf : NULL;
}

void shared_btf_put(const struct btf *btf)
{
	struct shared_btf **at = &all_btf.first, *shared;

	if (!btf)
		return;
	pthread_mutex_lock(&all_btf.lock);
	while ((*at)->btf != btf)
		at = &(*at)->next;
	shared = *at;
	if (--shared->refs == 0) {
		*at = shared->next;
		btf__free(shared->btf);
		free(shared);
	}
	pthread_mutex_unlock(&all_btf.lock);
}
