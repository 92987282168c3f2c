/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "persist/history.h"
#include "base/array.h"

#include <errno.h>
#include <string.h>

int history_entry_init(struct history_entry *layer, const char *file, const char *bytes, size_t len,
		       const bool leave[N_DIRECTIONS], const struct document *document)
{
	*layer = (struct history_entry){};
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		layer->leave[direction] = leave[direction];
		layer->covers[direction] =
			!leave[direction] && (!document || document->directions[direction]);
	}
	if (file)
		layer->file = strdup(file);
	else
		text_add(&layer->bytes, bytes, len);
	if ((!file || layer->file) && text_status(&layer->bytes) == 0)
		return 0;
	history_entry_release(layer);
	return -ENOMEM;
}

int history_entry_assign(struct history_entry *layer, char *const *assignments, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char **to = array_append(layer->assignments, layer->n_assignments);

		if (!to || !(*to = strdup(assignments[i])))
			return -ENOMEM;
	}
	return 0;
}

void history_entry_release(struct history_entry *layer)
{
	for (size_t i = 0; i < layer->n_assignments; i++)
		free(layer->assignments[i]);
	free(layer->assignments);
	free(layer->file);
	text_release(&layer->bytes);
	*layer = (struct history_entry){};
}

void history_push(struct history *history, struct history_entry *layer)
{
	bool covered[N_DIRECTIONS], changes = false; /* covered: by a later entry */

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		covered[direction] = layer->covers[direction];
		changes = changes || covered[direction];
	}
	if (!changes) {
		history_entry_release(layer);
		return;
	}
	for (size_t i = history->n; i-- > 0;) {
		struct history_entry *entry = &history->layers[i];
		bool used = false;

		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			used = used || (entry->covers[direction] && !covered[direction]);
			covered[direction] = covered[direction] || entry->covers[direction];
		}
		if (used)
			continue;
		history_entry_release(entry);
		array_remove(history->layers, history->n, i);
	}
	history->layers[history->n++] = *layer;
	*layer = (struct history_entry){};
}

void history_drop(struct history *history, enum direction direction)
{
	for (size_t i = history->n; i-- > 0;) {
		struct history_entry *layer = &history->layers[i];

		layer->covers[direction] = false;
		layer->leave[direction] = true;
		if (layer->covers[!direction])
			continue;
		history_entry_release(layer);
		array_remove(history->layers, history->n, i);
	}
}

void history_release(struct history *history)
{
	for (size_t i = 0; i < history->n; i++)
		history_entry_release(&history->layers[i]);
	*history = (struct history){};
}
