/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dataplane: a document with its code compiled, ready to be loaded any number of times.
 *
 * Read-only and reference counted.
 */
#ifndef DYNMON_DATAPLANE_DATAPLANE_H
#define DYNMON_DATAPLANE_DATAPLANE_H

#include "dataplane/compiler.h"
#include "dataplane/document.h"

/* One path's code as an ELF object. */
struct path_code {
	unsigned int refs; /* atomic */
	struct path_config *config;
	struct text elf;
};

struct dataplane {
	unsigned int refs;		     /* atomic */
	struct path_code *paths[PATH_COUNT]; /* NULL: nothing runs on that path */
	struct document *document;	     /* what it was made from */
	struct text warnings;		     /* the document's and the compiler's, a line each */
};

/*
 * Compiles a document, which is taken even on failure.
 * previous: where the document has {} as a path, this dataplane's path goes on; may be NULL.
 * target: for the ingress path; path is not used. After success *ret is the caller's.
 * Errors: as compile_queue_enter(), and as compiler_run() with the path named.
 */
int dataplane_build(struct document *document, const struct dataplane *previous,
		    const struct compiler *compiler, const struct compile_target *target,
		    struct dataplane **ret, struct error *err);

/*
 * The document of what a dataplane runs: its own, with the paths of earlier ones that go on. To be
 * compiled again, for another log level for example. After success *ret is the caller's. -ENOMEM.
 */
int dataplane_get_document(const struct dataplane *dataplane, struct document **ret,
			   struct error *err);

/* The same dataplane with nothing on that path. After success *ret is the caller's. -ENOMEM. */
int dataplane_without(const struct dataplane *dataplane, enum path path, struct dataplane **ret,
		      struct error *err);

/* Whether nothing runs on any path. */
bool dataplane_is_empty(const struct dataplane *dataplane);

/* Whether a document says what this dataplane was made from, in text and in the files it names. */
bool dataplane_is_from(const struct dataplane *dataplane, const struct document *document);

struct dataplane *dataplane_ref(struct dataplane *dataplane);
struct dataplane *dataplane_unref(struct dataplane *dataplane);
DEFINE_CLEANUP(struct dataplane *, dataplane_unref);

#endif
