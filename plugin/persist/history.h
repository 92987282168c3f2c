/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history of an injected dataplane: the injected documents of which at least one direction
 * still runs, in the order of injection. The dataplane is rebuilt from the history after a restart
 * or for another hook.
 *
 * The history is embedded in its owner, whose lock guards it. A zeroed history is empty.
 */
#ifndef DYNMON_PERSIST_HISTORY_H
#define DYNMON_PERSIST_HISTORY_H

#include "dataplane/document.h"

/* One injected document. */
struct history_entry {
	char *file;	    /* name below the dataplane directory; NULL: see bytes */
	struct text bytes;  /* the document as received, if file is NULL */
	char **assignments; /* "NAME=VALUE": variables that the injection set */
	size_t n_assignments;
	bool leave[N_DIRECTIONS]; /* treat the direction as {} in the document */
	bool covers[N_DIRECTIONS];
};

struct history {
	struct history_entry
		layers[N_DIRECTIONS]; /* enough: a direction runs code of one document */
	size_t n;
};

/**
 * history_entry_init() - copy an injected document
 * @layer:     receives the copy, for history_push() or history_entry_release()
 * @file:      name below the dataplane directory; NULL to copy @len bytes of @bytes
 * @leave:     directions that the injection does not change
 * @document:  the parsed document; NULL if the document covers all other directions
 *
 * Return: 0 or -ENOMEM.
 */
int history_entry_init(struct history_entry *layer, const char *file, const char *bytes, size_t len,
		       const bool leave[N_DIRECTIONS], const struct document *document);
/* Copies the assignments of the injection. Returns 0 or -ENOMEM. */
int history_entry_assign(struct history_entry *layer, char *const *assignments, size_t n);
void history_entry_release(struct history_entry *layer);

/* Appends the last injection and removes entries that it replaces completely. Moves *layer. */
void history_push(struct history *history, struct history_entry *layer);
/* Removes a direction from all entries, and entries without a direction left. */
void history_drop(struct history *history, enum direction direction);
void history_release(struct history *history);

#endif
