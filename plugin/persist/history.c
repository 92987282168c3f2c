/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "persist/history.h"

#include <errno.h>
#include <string.h>

int layer_init(struct layer *layer, const char *file, const char *bytes, size_t len,
	       const bool leave[PATH_COUNT], const struct document *document)
{
	*layer = (struct layer){};
	for (int path = 0; path < PATH_COUNT; path++) {
		layer->leave[path] = leave[path];
		layer->covers[path] = !leave[path] && (!document || document->paths[path]);
	}
	if (file)
		layer->file = strdup(file);
	else
		text_add(&layer->bytes, bytes, len);
	if ((!file || layer->file) && text_status(&layer->bytes) == 0)
		return 0;
	layer_release(layer);
	return -ENOMEM;
}

void layer_release(struct layer *layer)
{
	free(layer->file);
	text_release(&layer->bytes);
	*layer = (struct layer){};
}

/* Whether it gives a path that no layer after it gives. */
static bool is_used(const struct recipe *recipe, size_t i, const struct layer *last)
{
	for (int path = 0; path < PATH_COUNT; path++) {
		bool later = last->covers[path];

		for (size_t j = i + 1; j < recipe->n; j++)
			later = later || recipe->layers[j].covers[path];
		if (recipe->layers[i].covers[path] && !later)
			return true;
	}
	return false;
}

void recipe_push(struct recipe *recipe, struct layer *layer)
{
	struct recipe next = {};
	bool covers = false;

	for (int path = 0; path < PATH_COUNT; path++)
		covers = covers || layer->covers[path];
	if (!covers) { /* all is left as it was */
		layer_release(layer);
		return;
	}
	for (size_t i = 0; i < recipe->n; i++) {
		if (is_used(recipe, i, layer))
			next.layers[next.n++] = recipe->layers[i];
		else
			layer_release(&recipe->layers[i]);
	}
	next.layers[next.n++] = *layer;
	*layer = (struct layer){};
	*recipe = next;
}

void recipe_drop(struct recipe *recipe, enum path path)
{
	struct recipe next = {};

	for (size_t i = 0; i < recipe->n; i++) {
		struct layer *layer = &recipe->layers[i];

		layer->covers[path] = false;
		layer->leave[path] = true;
		if (layer->covers[!path])
			next.layers[next.n++] = *layer;
		else
			layer_release(layer);
	}
	*recipe = next;
}

void recipe_release(struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->n; i++)
		layer_release(&recipe->layers[i]);
	*recipe = (struct recipe){};
}
