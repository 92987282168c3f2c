/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cache of compiled objects. Concurrent requests for the same code share one compilation: 100
 * monitors with the same document compile the document once.
 *
 * A request uses a result only if the compilation began after the request arrived, because the
 * included headers may change between requests. The cache is empty outside cache_begin() and
 * cache_end().
 *
 * Owned by the registry. An internal mutex makes all functions safe to call from any thread. All
 * functions accept NULL for the cache.
 */
#ifndef DYNMON_DATAPLANE_CACHE_H
#define DYNMON_DATAPLANE_CACHE_H

#include "dataplane/compiler.h"

/* Limits of the cache. Results that exceed a limit are not stored. */
#define CACHE_OBJECTS_MAX 256
#define CACHE_BYTES_MAX	  (64 * 1024 * 1024)

struct cache;

/**
 * cache_new() - allocate an empty cache
 *
 * Return: the cache, or NULL if memory ran out. The caller may ignore the failure, because all
 * functions accept NULL.
 */
struct cache *cache_new(void);

/**
 * cache_free() - free a cache
 * @cache:  cache that no thread uses, or NULL
 *
 * Return: NULL.
 */
struct cache *cache_free(struct cache *cache);

/**
 * cache_begin() - start to keep results
 * @cache:  the cache, or NULL
 *
 * Calls nest and may overlap between threads. The last cache_end() empties the cache.
 */
void cache_begin(struct cache *cache);

/**
 * cache_end() - end a cache_begin()
 * @cache:  the cache, or NULL
 */
void cache_end(struct cache *cache);

/**
 * cache_forget() - empty the cache
 * @cache:  the cache, or NULL
 *
 * Results of compilations that are running now will not be stored.
 */
void cache_forget(struct cache *cache);

/**
 * cache_find() - look for the result of a compilation
 * @cache:        the cache, or NULL
 * @since:        ignore compilations that began before this time, in ns of clock_now_ns()
 * @target:       compile target
 * @origin:       name of the code in messages
 * @code:         C source, or an object that was tried in the sandbox
 * @object:       the compiled object is appended
 * @diagnostics:  the messages of the compiler are appended
 *
 * Nothing is appended if there is no result. The caller checks both texts for lack of memory.
 *
 * Return: true if the cache holds a result.
 */
bool cache_find(struct cache *cache, uint64_t since, const struct compile_target *target,
		const char *origin, const struct text *code, struct text *object,
		struct text *diagnostics);

/**
 * cache_store() - store the result of a successful compilation
 * @cache:        the cache, or NULL
 * @began:        start of the compilation, in ns of clock_now_ns()
 * @target:       compile target
 * @origin:       name of the code in messages
 * @code:         C source, or an object that was tried in the sandbox
 * @object:       the compiled object, copied
 * @diagnostics:  messages of the compiler, copied
 *
 * Replaces an older result for the same code. Stores nothing if a limit would be exceeded, memory
 * runs out, or the cache was emptied after @began.
 */
void cache_store(struct cache *cache, uint64_t began, const struct compile_target *target,
		 const char *origin, const struct text *code, const struct text *object,
		 const struct text *diagnostics);

#endif
