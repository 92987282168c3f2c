/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/sampling.h"

int sampling_init(struct sampling *sampling, const struct metric *metric, enum metric_use use,
		  uint32_t limit)
{
	*sampling = (struct sampling){ .metric = metric };
	/* A limit of max_entries is no limit, unless an accumulator holds more entries. */
	if (!metric->accumulator && limit >= metric->map.max_entries)
		limit = 0;
	if (limit || metric->n_families > 1 || metric->merges ||
	    histogram_is_one(&metric->histogram))
		return selection_get(metric, use, limit, &sampling->selection);
	return metric_reader_init(&sampling->reader, metric, use);
}

/* Returns all entries of a flat selection as one batch. */
static struct metric_batch selected(const struct selection *selection)
{
	const struct map *map = &selection->metric->map;

	return (struct metric_batch){
		.entries = {
			.keys = selection->keys.data,
			.values = selection->values.data,
			.key_stride = map->key_size,
			.value_stride = map_value_stride(map),
			.count = selection->count,
		},
		.numbers = (const struct number *)selection->numbers.data,
	};
}

int sampling_next(struct sampling *sampling, struct metric_batch *batch)
{
	const struct selection *selection = sampling->selection;

	if (!selection)
		return metric_reader_next(&sampling->reader, batch);
	if (sampling->given < selection->n_blocks) {
		*batch =
			(struct metric_batch){ .entries =
						       selection->blocks[sampling->given].entries };
	} else {
		if (sampling->given || !selection->count)
			return selection->broke;
		*batch = selected(selection);
	}
	sampling->given++;
	return 1;
}

void sampling_rewind(struct sampling *sampling)
{
	sampling->given = 0;
}

void sampling_release(struct sampling *sampling)
{
	if (!sampling->selection)
		metric_reader_release(&sampling->reader);
	selection_unref(sampling->selection);
	*sampling = (struct sampling){};
}
