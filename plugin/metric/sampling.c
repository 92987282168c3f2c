/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/sampling.h"
#include "base/log.h"

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

int sampling_next(struct sampling *sampling, struct metric_batch *batch)
{
	const struct selection *selection = sampling->selection;
	const struct map *map = &sampling->metric->map;

	if (!selection)
		return metric_reader_next(&sampling->reader, batch);
	*batch = (struct metric_batch){};
	if (sampling->given < selection->n_blocks) {
		batch->entries = selection->blocks[sampling->given].entries;
	} else {
		/* A selection without blocks is returned as one batch. */
		if (sampling->given || !selection->count)
			return selection->failed;
		batch->entries = (struct map_batch){
			.keys = selection->keys.data,
			.values = selection->values.data,
			.key_stride = map->key_size,
			.value_stride = map_value_stride(map),
			.count = selection->count,
		};
		batch->numbers = (const struct number *)selection->numbers.data;
	}
	sampling->given++;
	return 1;
}

void sampling_note_left_out(const struct sampling *sampling, enum reader_kind reader)
{
	const struct metric *metric = sampling->metric;
	const struct selection *selection = sampling->selection;
	uint64_t left_out = sampling_left_out(sampling);

	__atomic_store_n(&metric->notes->left_out[reader], left_out, __ATOMIC_RELAXED);
	if (left_out &&
	    !__atomic_exchange_n(&metric->notes->left_out_logged, true, __ATOMIC_RELAXED))
		log_warning("%smetric \"%s\": only the largest %u of %llu series are passed to %s; "
			    "set %s to change the limit",
			    metric_owner(metric), metric->config->name, selection->count,
			    (unsigned long long)selection->seen, reader_kind_name(reader),
			    reader == READER_COLLECTD ? "MaxSeries" : "\"max-series\"");
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
