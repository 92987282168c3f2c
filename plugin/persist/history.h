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
struct history_entry {
	char *file;		/* below the dataplane directory; NULL: */
	struct text bytes;	/* the document as it came */
	bool leave[PATH_COUNT]; /* as if the document had {} there */
	bool covers[PATH_COUNT];
};

struct history {
	struct history_entry layers[PATH_COUNT]; /* no path runs code of two documents */
	size_t n;
};

/* Copies an injection; covers what document has, or with NULL all that is not left. -ENOMEM. */
int history_entry_init(struct history_entry *layer, const char *file, const char *bytes, size_t len,
		       const bool leave[PATH_COUNT], const struct document *document);
void history_entry_release(struct history_entry *layer);

/* Adds what was injected last, which is taken, and forgets what it has replaced. */
void history_push(struct history *history, struct history_entry *layer);
/* That path is of none of them any more. */
void history_drop(struct history *history, enum path path);
void history_release(struct history *history);

#endif
