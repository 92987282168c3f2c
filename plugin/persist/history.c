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

/* Returns true if entry i covers a direction that no later entry covers. */
static bool is_used(const struct history *history, size_t i, const struct history_entry *last)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		bool later = last->covers[direction];

		for (size_t j = i + 1; j < history->n; j++)
			later = later || history->layers[j].covers[direction];
		if (history->layers[i].covers[direction] && !later)
			return true;
	}
	return false;
}

void history_push(struct history *history, struct history_entry *layer)
{
	struct history next = {};
	bool covers = false;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		covers = covers || layer->covers[direction];
	if (!covers) { /* the injection changes nothing */
		history_entry_release(layer);
		return;
	}
	for (size_t i = 0; i < history->n; i++) {
		if (is_used(history, i, layer))
			next.layers[next.n++] = history->layers[i];
		else
			history_entry_release(&history->layers[i]);
	}
	next.layers[next.n++] = *layer;
	*layer = (struct history_entry){};
	*history = next;
}

void history_drop(struct history *history, enum direction direction)
{
	struct history next = {};

	for (size_t i = 0; i < history->n; i++) {
		struct history_entry *layer = &history->layers[i];

		layer->covers[direction] = false;
		layer->leave[direction] = true;
		if (layer->covers[!direction])
			next.layers[next.n++] = *layer;
		else
			history_entry_release(layer);
	}
	*history = next;
}

void history_release(struct history *history)
{
	for (size_t i = 0; i < history->n; i++)
		history_entry_release(&history->layers[i]);
	*history = (struct history){};
}
