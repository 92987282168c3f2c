/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/value_pairs.h"
#include "base/array.h"

#include <errno.h>

struct value_pair {
	/* The identifier, padded with zeros, is the key of the index. */
	char plugin_instance[VALUE_FIELD_MAX + 1];
	char type_instance[VALUE_FIELD_MAX + 1];
	struct number numbers[N_DIRECTIONS];
	bool has[N_DIRECTIONS];
	size_t labels, n_labels; /* offset in value_pairs.labels */
};

const char *value_pairs_fault(const struct snapshot_metric *from,
			      const struct metric_settings *settings)
{
	static const char variable[] = "%{direction}";
	const char *plugin_instance = from->item->settings->plugin_instance;

	if (from->metric->config->type != METRIC_COUNTER)
		return "the metric is no counter; choose a type with one data source";
	if ((plugin_instance && strstr(plugin_instance, variable)) ||
	    (settings->type_instance && strstr(settings->type_instance, variable)))
		return "remove %{direction} from PluginInstance and TypeInstance";
	return NULL;
}

static struct index_keys pair_keys(const struct value_pairs *pairs)
{
	return (struct index_keys){ .first = pairs->pairs->plugin_instance,
				    .stride = sizeof(struct value_pair),
				    .size = offsetof(struct value_pair, numbers) };
}

/* Appends a pair, which keeps the labels of its first value. Returns 0 or -ENOMEM. */
static int add_pair(struct value_pairs *pairs, const struct value *value)
{
	struct value_pair *pair = array_append(pairs->pairs, pairs->n);

	if (!pair)
		return -ENOMEM;
	strcpy(pair->plugin_instance, value->plugin_instance);
	strcpy(pair->type_instance, value->type_instance);
	pair->labels = pairs->labels.len;
	pair->n_labels = value->n_labels;
	for (size_t i = 0; i < value->n_labels; i++) {
		text_add(&pairs->labels, value->labels[i].name, strlen(value->labels[i].name) + 1);
		text_add(&pairs->labels, value->labels[i].value,
			 strlen(value->labels[i].value) + 1);
	}
	return text_status(&pairs->labels);
}

int value_pairs_add(struct value_pairs *pairs, const struct value *value, enum direction direction)
{
	struct value_pair *pair;
	uint32_t *slot;
	/* The last pair becomes the key to find, and is removed if another pair has its key. */
	int r = add_pair(pairs, value);

	if (r == 0)
		r = index_reserve(&pairs->index, pair_keys(pairs), pairs->n - 1, 1);
	if (r < 0)
		return r;
	slot = index_slot(&pairs->index, pair_keys(pairs),
			  pairs->pairs[pairs->n - 1].plugin_instance);
	if (*slot)
		pairs->labels.len = pairs->pairs[--pairs->n].labels;
	else
		*slot = (uint32_t)pairs->n;
	pair = &pairs->pairs[*slot - 1];
	if (pair->has[direction])
		return -EEXIST;
	pair->has[direction] = true;
	pair->numbers[direction] = value->numbers[0];
	return 0;
}

/* Points the list at the labels of a pair. */
static void list_labels(const struct value_pairs *pairs, const struct value_pair *pair,
			struct value_label *list)
{
	const char *text = pairs->labels.data + pair->labels;

	for (size_t i = 0; i < pair->n_labels; i++) {
		list[i].name = text;
		list[i].value = text + strlen(text) + 1;
		text = list[i].value + strlen(list[i].value) + 1;
	}
}

int value_pairs_send(struct value_pairs *pairs, const char *metric, const char *type,
		     void (*sink)(void *data, const struct value *value), void *data)
{
	size_t max = 0;
	struct value_label *list;

	for (size_t i = 0; i < pairs->n; i++)
		if (pairs->pairs[i].n_labels > max)
			max = pairs->pairs[i].n_labels;
	list = calloc(max + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < pairs->n; i++) {
		const struct value_pair *pair = &pairs->pairs[i];
		struct value value = { .metric = metric,
				       .type = type,
				       .n_numbers = N_DIRECTIONS,
				       .labels = list,
				       .n_labels = pair->n_labels };

		list_labels(pairs, pair, list);
		memcpy(value.numbers, pair->numbers, sizeof(value.numbers));
		strcpy(value.plugin_instance, pair->plugin_instance);
		strcpy(value.type_instance, pair->type_instance);
		sink(data, &value);
	}
	free(list);
	return 0;
}

void value_pairs_release(struct value_pairs *pairs)
{
	free(pairs->pairs);
	index_release(&pairs->index);
	text_release(&pairs->labels);
	*pairs = (struct value_pairs){};
}
