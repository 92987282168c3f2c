/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled objects, shared by concurrent requests for the same code: a hundred monitors with one
 * document compile the document once. A result is shared only with requests that arrived before its
 * compilation began, since headers may change. The cache is empty while no request is under way.
 *
 * Owned by the registry. Safe from any thread. Each function takes NULL for the cache.
 */
#ifndef DYNMON_DATAPLANE_CACHE_H
#define DYNMON_DATAPLANE_CACHE_H

#include "dataplane/compiler.h"

/* More are not remembered. */
#define CACHE_OBJECTS_MAX 256
#define CACHE_BYTES_MAX	  (64 * 1024 * 1024)

struct cache;

/* NULL: out of memory, and that is fine, too: so do all others take it. */
struct cache *cache_new(void);
struct cache *cache_free(struct cache *cache);

/* The cache keeps results between these calls, which nest; the last end empties the cache. */
void cache_begin(struct cache *cache);
void cache_end(struct cache *cache);

/* Empties the cache, and discards the results of compilations under way. */
void cache_forget(struct cache *cache);

/**
 * cache_find() - look for the result of a compilation
 * @since:        ignore compilations that began before this time of clock_now_ns()
 * @target:       what the code is compiled for
 * @origin:       the name of the code in messages
 * @code:         the source, or an object that was tried in the sandbox
 * @object:       the result is appended
 * @diagnostics:  the messages of the compiler are appended
 *
 * Return: true if there is a result.
 */
bool cache_find(struct cache *cache, uint64_t since, const struct compile_target *target,
		const char *origin, const struct text *code, struct text *object,
		struct text *diagnostics);

/* Stores the result of a compilation that began at the given time, if there is room. */
void cache_store(struct cache *cache, uint64_t began, const struct compile_target *target,
		 const char *origin, const struct text *code, const struct text *object,
		 const struct text *diagnostics);

#endif
