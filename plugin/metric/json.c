/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/json.h"

#include <errno.h>

int metric_json_init(struct metric_json *json, const struct metric *metric)
{
	*json = (struct metric_json){ .metric = metric, .first = true };
	return metric_reader_init(&json->reader, metric, METRIC_FOR_JSON);
}

static void value_json(const struct metric *metric, const char *value, struct text *out)
{
	if (!map_is_percpu(metric->map.type)) {
		plan_json(&metric->value, value, out);
		return;
	}
	for (unsigned int cpu = 0; cpu < map_cpus(); cpu++) {
		text_addc(out, cpu ? ',' : '[');
		plan_json(&metric->value, value + cpu * map_cpu_stride(&metric->map), out);
	}
	text_addc(out, ']');
}

int metric_json_next(struct metric_json *json, struct text *out)
{
	const struct metric *metric = json->metric;
	const struct map_batch *batch = &json->batch.entries;
	enum map_kind kind = map_kind(metric->map.type);
	/* Arrays and queues without per-CPU values are lists of values, other maps lists of pairs.
	 */
	bool pairs = map_is_percpu(metric->map.type) || kind == MAP_HASH || kind == MAP_TRIE;
	size_t start = out->len;

	if (json->ended)
		return 0;
	if (json->at == batch->count) {
		int r = metric_reader_next(&json->reader, &json->batch);

		json->at = 0;
		if (r <= 0) { /* close the array also after an error */
			json->ended = true;
			text_adds(out, json->first ? "[]" : "]");
			return r < 0 ? r : text_status(out);
		}
	}
	for (; json->at < batch->count && out->len - start < METRIC_CHUNK_BYTES; json->at++) {
		text_addc(out, json->first ? '[' : ',');
		json->first = false;
		if (pairs) {
			text_add(out, "{\"key\":", 7);
			plan_json(&metric->key, batch->keys + json->at * batch->key_stride, out);
			text_add(out, ",\"value\":", 9);
		}
		value_json(metric, batch->values + json->at * batch->value_stride, out);
		if (pairs)
			text_addc(out, '}');
	}
	return text_status(out) < 0 ? -ENOMEM : 1;
}

void metric_json_release(struct metric_json *json)
{
	metric_reader_release(&json->reader);
}
