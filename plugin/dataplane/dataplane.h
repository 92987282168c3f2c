/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dataplane is a document with its compiled code. Each load creates a new generation from it.
 *
 * Reference counted and read-only once built. Any thread that holds a reference may use it without
 * a lock. The reference counts are atomic.
 */
#ifndef DYNMON_DATAPLANE_DATAPLANE_H
#define DYNMON_DATAPLANE_DATAPLANE_H

#include "dataplane/compiler.h"
#include "dataplane/document.h"

/* The compiled code of one direction. Shared by the dataplanes that keep the direction. */
struct direction_code {
	unsigned int refs;		 /* atomic */
	struct direction_config *config; /* one reference is owned */
	struct text elf;
};

struct dataplane {
	unsigned int refs;				 /* atomic */
	struct direction_code *directions[N_DIRECTIONS]; /* NULL: no code runs on this direction */
	struct document *document;			 /* the source document, owned */
	struct text warnings; /* of document and compiler, one per line */
};

/**
 * dataplane_build() - compile a document
 * @document:  parsed document; ownership moves to the callee, even on failure
 * @previous:  provides the directions that the document leaves unchanged ({}); may be NULL
 * @compiler:  settings, cache and queue; the call blocks while it waits in the queue
 * @target:    parameters for the ingress direction; the member direction is ignored
 * @ret:       receives the dataplane, one reference owned by the caller
 * @err:       receives the reason of a failure, prefixed with the direction
 *
 * Return: 0 on success, -EINVAL if a bundle was compiled for another hook, otherwise the errors of
 * compile_queue_enter(), compiler_run() and compiler_try().
 */
int dataplane_build(struct document *document, const struct dataplane *previous,
		    const struct compiler *compiler, const struct compile_target *target,
		    struct dataplane **ret, struct error *err);

/**
 * dataplane_get_document() - get a document of all code that a dataplane runs
 * @dataplane:  the dataplane
 * @ret:        receives the document, to be freed with document_free()
 * @err:        receives the reason of a failure
 *
 * In contrast to dataplane->document, the directions include those that were kept from previous
 * dataplanes. Use it to compile the code again, for example for another log level.
 *
 * Return: 0 or -ENOMEM.
 */
int dataplane_get_document(const struct dataplane *dataplane, struct document **ret,
			   struct error *err);

/**
 * dataplane_without() - copy a dataplane without the code of one direction
 * @dataplane:  the dataplane, not modified
 * @direction:       direction to remove
 * @ret:        receives the copy, one reference owned by the caller
 * @err:        receives the reason of a failure
 *
 * Return: 0 or -ENOMEM.
 */
int dataplane_without(const struct dataplane *dataplane, enum direction direction,
		      struct dataplane **ret, struct error *err);

/**
 * dataplane_is_empty() - test whether a dataplane has no code on any direction
 * @dataplane:  the dataplane
 */
bool dataplane_is_empty(const struct dataplane *dataplane);

/**
 * dataplane_is_from() - test whether a dataplane was built from an equal document
 * @dataplane:  the dataplane
 * @document:   document to compare with the source of the dataplane
 *
 * Return: true if the JSON and the contents of the files that it refers to are equal.
 */
bool dataplane_is_from(const struct dataplane *dataplane, const struct document *document);

/**
 * dataplane_ref() - take a reference
 * @dataplane:  the dataplane, or NULL
 *
 * Return: @dataplane.
 */
struct dataplane *dataplane_ref(struct dataplane *dataplane);

/**
 * dataplane_unref() - release a reference; the last one frees the dataplane
 * @dataplane:  the dataplane, or NULL
 *
 * Return: NULL.
 */
struct dataplane *dataplane_unref(struct dataplane *dataplane);
DEFINE_CLEANUP(struct dataplane *, dataplane_unref);

#endif
