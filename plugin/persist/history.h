/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an injected dataplane was made from: the documents whose paths still run, in the order in
 * which they were injected. With it a dataplane is made again, after a restart or for another hook.
 *
 * Embedded in its owner, whose lock guards it; zeroed is empty.
 */
#ifndef DYNMON_PERSIST_HISTORY_H
#define DYNMON_PERSIST_HISTORY_H

#include "dataplane/document.h"

/* One injected document. */
struct layer {
	char *file;		/* below the dataplane directory; NULL: */
	struct text bytes;	/* the document as it came */
	bool leave[PATH_COUNT]; /* as if the document had {} there */
	bool covers[PATH_COUNT];
};

struct recipe {
	struct layer layers[PATH_COUNT]; /* no path runs code of two documents */
	size_t n;
};

/* Copies an injection; covers what document has, or with NULL all that is not left. -ENOMEM. */
int layer_init(struct layer *layer, const char *file, const char *bytes, size_t len,
	       const bool leave[PATH_COUNT], const struct document *document);
void layer_release(struct layer *layer);

/* Adds what was injected last, which is taken, and forgets what it has replaced. */
void recipe_push(struct recipe *recipe, struct layer *layer);
/* That path is of none of them any more. */
void recipe_drop(struct recipe *recipe, enum path path);
void recipe_release(struct recipe *recipe);

#endif
