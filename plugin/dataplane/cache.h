/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled objects that are asked for again: a hundred monitors of one document compile it once.
 *
 * For as long as one start or reload takes, and no longer: headers may change. Safe from any
 * thread.
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

/* Between these it remembers, and forgets everything with the last end. They nest. */
void cache_begin(struct cache *cache);
void cache_end(struct cache *cache);

/*
 * Appends what the code was compiled to for that target, and what was said then, when it is known.
 * code: the source, or an object that was tried in the sandbox.
 */
bool cache_find(struct cache *cache, const struct compile_target *target, const char *origin,
		const struct text *code, struct text *object, struct text *diagnostics);

/* Remembers that, if there is room. */
void cache_store(struct cache *cache, const struct compile_target *target, const char *origin,
		 const struct text *code, const struct text *object,
		 const struct text *diagnostics);

#endif
