/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled objects, shared by those who ask for the same at the same time: a hundred monitors of
 * one document compile it once. A result is shared only with requests that were there before its
 * compilation began, for headers may change. Nothing is remembered when nobody asks any more.
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

/* Between these the cache remembers; it forgets everything with the last end. They nest. */
void cache_begin(struct cache *cache);
void cache_end(struct cache *cache);

/* Forgets everything, and what is being compiled at this moment. */
void cache_forget(struct cache *cache);

/**
 * cache_find() - look for the result of a compilation
 * @since:        not of one that began before that time, of figure_clock()
 * @target:       what the code is compiled for
 * @origin:       the name of the code in messages
 * @code:         the source, or an object that was tried in the sandbox
 * @object:       the result is appended
 * @diagnostics:  and what the compiler said
 *
 * Return: whether there is one.
 */
bool cache_find(struct cache *cache, uint64_t since, const struct compile_target *target,
		const char *origin, const struct text *code, struct text *object,
		struct text *diagnostics);

/* Remembers the result of a compilation that began at that time, if there is room. */
void cache_store(struct cache *cache, uint64_t began, const struct compile_target *target,
		 const char *origin, const struct text *code, const struct text *object,
		 const struct text *diagnostics);

#endif
