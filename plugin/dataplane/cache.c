/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/cache.h"

#include <pthread.h>
#include <string.h>

struct compiled {
	struct text key; /* all that the object depends on */
	struct text object;
	struct text diagnostics;
};

struct cache {
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct compiled items[CACHE_OBJECTS_MAX];
	size_t n, bytes;
	unsigned int users;
};

struct cache *cache_new(void)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

/* Under lock. */
static void forget(struct cache *cache)
{
	for (size_t i = 0; i < cache->n; i++) {
		text_release(&cache->items[i].key);
		text_release(&cache->items[i].object);
		text_release(&cache->items[i].diagnostics);
	}
	cache->n = cache->bytes = 0;
}

void cache_begin(struct cache *cache)
{
	if (!cache)
		return;
	pthread_mutex_lock(&cache->lock);
	cache->users++;
	pthread_mutex_unlock(&cache->lock);
}

void cache_end(struct cache *cache)
{
	if (!cache)
		return;
	pthread_mutex_lock(&cache->lock);
	if (!--cache->users)
		forget(cache);
	pthread_mutex_unlock(&cache->lock);
}

struct cache *cache_free(struct cache *cache)
{
	if (!cache)
		return NULL;
	forget(cache);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return NULL;
}

/* A line that includes a header of the user's own, which may ask for anything. */
static bool includes_own(const char *line, size_t len)
{
	const char *word = memmem(line, len, "include", strlen("include"));

	return memchr(line, '#', len) && word && memchr(word, '"', len - (size_t)(word - line));
}

/* Each monitor has a CUBE_ID of its own: it matters where the source, or a header of it, asks. */
static bool uses_cube_id(const struct text *code)
{
	if (memmem(code->data, code->len, "CUBE_ID", 7) ||
	    memmem(code->data, code->len, "cube_id", 7))
		return true;
	for (size_t at = 0, len; at < code->len; at += len + 1) {
		const char *line = code->data + at, *end = memchr(line, '\n', code->len - at);

		len = end ? (size_t)(end - line) : code->len - at;
		if (includes_own(line, len))
			return true;
	}
	return false;
}

static void make_key(const struct compile_target *target, const char *origin,
		     const struct text *code, struct text *key)
{
	text_printf(key, "%d %d %s %u %s\n", target->path, target->xdp, target->log_level,
		    uses_cube_id(code) ? target->cube_id : 0, origin);
	text_add(key, code->data, code->len);
}

/* Under lock. */
static const struct compiled *find(const struct cache *cache, const struct text *key)
{
	for (size_t i = 0; i < cache->n; i++)
		if (cache->items[i].key.len == key->len &&
		    !memcmp(cache->items[i].key.data, key->data, key->len))
			return &cache->items[i];
	return NULL;
}

bool cache_find(struct cache *cache, const struct compile_target *target, const char *origin,
		const struct text *code, struct text *object, struct text *diagnostics)
{
	_cleanup_text_ struct text key = {};
	const struct compiled *found;

	if (!cache)
		return false;
	make_key(target, origin, code, &key);
	pthread_mutex_lock(&cache->lock);
	found = text_status(&key) < 0 ? NULL : find(cache, &key);
	if (found) {
		text_add(object, found->object.data, found->object.len);
		text_add(diagnostics, found->diagnostics.data, found->diagnostics.len);
	}
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void cache_store(struct cache *cache, const struct compile_target *target, const char *origin,
		 const struct text *code, const struct text *object, const struct text *diagnostics)
{
	struct compiled item = {};

	if (!cache)
		return;
	make_key(target, origin, code, &item.key);
	text_add(&item.object, object->data, object->len);
	text_add(&item.diagnostics, diagnostics->data, diagnostics->len);
	pthread_mutex_lock(&cache->lock);
	if (text_status(&item.key) == 0 && text_status(&item.object) == 0 &&
	    text_status(&item.diagnostics) == 0 && cache->users && cache->n < CACHE_OBJECTS_MAX &&
	    cache->bytes + item.key.len + item.object.len <= CACHE_BYTES_MAX &&
	    !find(cache, &item.key)) {
		cache->bytes += item.key.len + item.object.len;
		cache->items[cache->n++] = item;
		item = (struct compiled){};
	}
	pthread_mutex_unlock(&cache->lock);
	text_release(&item.key);
	text_release(&item.object);
	text_release(&item.diagnostics);
}
