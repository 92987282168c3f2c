/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/cache.h"
#include "base/clock.h"

#include <pthread.h>
#include <string.h>

struct compiled {
	struct text key; /* all inputs that the object depends on */
	uint64_t began;	 /* ns of clock_now_ns() */
	struct text object;
	struct text diagnostics;
};

struct cache {
	pthread_mutex_t lock;
	/* -- protected by lock -- */
	struct compiled items[CACHE_OBJECTS_MAX];
	size_t n, bytes;
	unsigned int users; /* cache_begin() without cache_end() */
	uint64_t forgot;    /* time when the cache was last emptied, in ns of clock_now_ns() */
};

struct cache *cache_new(void)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

static void compiled_release(struct compiled *item)
{
	text_release(&item->key);
	text_release(&item->object);
	text_release(&item->diagnostics);
}

/* Called with lock held. */
static void forget(struct cache *cache)
{
	for (size_t i = 0; i < cache->n; i++)
		compiled_release(&cache->items[i]);
	cache->n = cache->bytes = 0;
	cache->forgot = clock_now_ns();
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

void cache_forget(struct cache *cache)
{
	if (!cache)
		return;
	pthread_mutex_lock(&cache->lock);
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

/*
 * Each monitor has its own CUBE_ID. Code that does not use it compiles to the same object for all
 * monitors. Headers that the code includes with quotes are not read here and are assumed to use it.
 */
static bool uses_cube_id(const struct text *code)
{
	if (memmem(code->data, code->len, "CUBE_ID", 7) ||
	    memmem(code->data, code->len, "cube_id", 7))
		return true;
	for (size_t at = 0, len; at < code->len; at += len + 1) {
		const char *line = code->data + at, *end = memchr(line, '\n', code->len - at);
		const char *include;

		len = end ? (size_t)(end - line) : code->len - at;
		include = memmem(line, len, "include", 7);
		if (include && memchr(line, '#', len) &&
		    memchr(include, '"', len - (size_t)(include - line)))
			return true;
	}
	return false;
}

static void cache_make_key(const struct compile_target *target, const char *origin,
			   const struct text *code, struct text *key)
{
	text_printf(key, "%d %d %s %u %s\n", target->direction, target->xdp, target->log_level,
		    uses_cube_id(code) ? target->cube_id : 0, origin);
	text_add(key, code->data, code->len);
}

/* Called with lock held. */
static struct compiled *find_compiled(struct cache *cache, const struct text *key)
{
	for (size_t i = 0; i < cache->n; i++)
		if (text_equal(&cache->items[i].key, key))
			return &cache->items[i];
	return NULL;
}

bool cache_find(struct cache *cache, uint64_t since, const struct compile_target *target,
		const char *origin, const struct text *code, struct text *object,
		struct text *diagnostics)
{
	_cleanup_text_ struct text key = {};
	const struct compiled *found;

	if (!cache)
		return false;
	cache_make_key(target, origin, code, &key);
	pthread_mutex_lock(&cache->lock);
	found = text_status(&key) < 0 ? NULL : find_compiled(cache, &key);
	if (found && found->began < since)
		found = NULL;
	if (found) {
		text_add(object, found->object.data, found->object.len);
		text_add(diagnostics, found->diagnostics.data, found->diagnostics.len);
	}
	pthread_mutex_unlock(&cache->lock);
	return found;
}

static size_t compiled_size(const struct compiled *item)
{
	return item->key.len + item->object.len;
}

void cache_store(struct cache *cache, uint64_t began, const struct compile_target *target,
		 const char *origin, const struct text *code, const struct text *object,
		 const struct text *diagnostics)
{
	struct compiled item = { .began = began }, old = {}, *place;
	size_t bytes;

	if (!cache)
		return;
	cache_make_key(target, origin, code, &item.key);
	text_add(&item.object, object->data, object->len);
	text_add(&item.diagnostics, diagnostics->data, diagnostics->len);
	pthread_mutex_lock(&cache->lock);
	place = find_compiled(cache, &item.key);
	if (place)
		old = *place;
	else if (cache->n < CACHE_OBJECTS_MAX)
		place = &cache->items[cache->n];
	bytes = cache->bytes - compiled_size(&old) + compiled_size(&item);
	if (place && bytes <= CACHE_BYTES_MAX && text_status(&item.key) == 0 &&
	    text_status(&item.object) == 0 && text_status(&item.diagnostics) == 0 && cache->users &&
	    began > cache->forgot) {
		cache->bytes = bytes;
		cache->n += place == &cache->items[cache->n];
		*place = item;
		item = old;
	}
	pthread_mutex_unlock(&cache->lock);
	compiled_release(&item);
}
