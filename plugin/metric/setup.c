/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/setup.h"
#include "kernel/event.h"
#include "metric/accumulator.h"
#include "metric/series.h"

#include <errno.h>
#include <linux/bpf.h>

static int no_such_map(const struct metric_config *config, const struct object *object,
		       struct error *err)
{
	_cleanup_text_ struct text all = {};

	for (size_t i = 0; i < object->n_maps; i++)
		if (!event_map_is_internal(object->maps[i].name))
			text_printf(&all, "%s%s", all.len ? ", " : "", object->maps[i].name);
	return error_set(err, -ENOENT, "map \"%s\" does not exist; the code has: %s",
			 config->map_name, all.len ? text_str(&all) : "none");
}

static int metric_plan(struct metric *metric, const struct object *object,
		       const struct object_map *map, struct error *err)
{
	const struct btf *btf = object_btf(object);
	enum map_kind kind = map_kind(metric->map.type);
	int r;

	r = plan_init(&metric->value, btf, map->value_type, metric->map.value_size, err);
	if (r < 0)
		return error_prefix(err, r, "value of map %s", map->name);
	if (kind == MAP_QUEUE)
		return 0;
	r = plan_init(&metric->key, btf, map->key_type, metric->map.key_size, err);
	if (r == 0 && kind != MAP_ARRAY)
		r = fields_list(btf, map->key_type, metric->map.key_size, "key",
				&metric->key_fields, &metric->n_key_fields, err);
	if (r < 0)
		return error_prefix(err, r, "key of map %s", map->name);
	if (!metric->config->exported)
		return 0;
	metric->dialect = map->dialect;
	/* A value with too many fields is exported as JSON only. */
	if (fields_list(btf, map->value_type, metric->map.value_size, "value",
			&metric->value_fields, &metric->n_value_fields, NULL) < 0)
		return 0;
	r = fields_list_repeated(btf, map->value_type, metric->map.value_size,
				 &metric->value_fields, &metric->n_value_fields, err);
	if (r < 0)
		return r;
	return series_plan(metric, err);
}

/* Checks that the map can be read, and emptied if reads empty it. */
static int access_check(const struct metric *metric, const struct object_map *map,
			struct error *err)
{
	size_t entry = metric->map.key_size + map_value_stride(&metric->map);

	if (map_kind(metric->map.type) == MAP_UNREADABLE) {
		_cleanup_text_ struct text types = {};

		map_type_list_readable(&types);
		return error_set(err, -EOPNOTSUPP,
				 "map %s is a %s and cannot be read as a metric; these can: %s",
				 map->name, map_type_name(metric->map.type), text_str(&types));
	}
	if (entry > MAP_BATCH_BYTES_MAX)
		return error_set(err, -EFBIG,
				 "map %s: an entry has %zu bytes, expected at most %d; make the "
				 "value smaller",
				 map->name, entry, MAP_BATCH_BYTES_MAX);
	if (metric->map.flags & BPF_F_WRONLY)
		return error_set(err, -EACCES, "map %s has BPF_F_WRONLY: it cannot be read",
				 map->name);
	if ((metric->config->empty_on_read || map->swapped) && metric->map.flags & BPF_F_RDONLY)
		return error_set(err, -EACCES, "map %s has BPF_F_RDONLY: it cannot be emptied",
				 map->name);
	return 0;
}

int metric_init(struct metric *metric, const struct metric_config *config,
		const struct object *object, struct error *err)
{
	const struct object_map *map = object_find_map(object, config->map_name);
	struct metric_notes *notes = calloc(1, sizeof(*notes));
	int r;

	*metric = (struct metric){ .config = config, .next = metric, .notes = notes };
	if (notes) {
		pthread_mutex_init(&notes->lock, NULL);
		pthread_cond_init(&notes->selected, NULL);
	}
	r = !notes ? error_oom(err)
	    : !map ? no_such_map(config, object, err)
		   : object_map_describe(map, &metric->map, err);
	if (r == 0)
		r = access_check(metric, map, err);
	if (r == 0)
		r = metric_plan(metric, object, map, err);
	if (r < 0) {
		metric_release(metric);
		return error_prefix(err, r, "metric \"%s\"", config->name);
	}
	return 0;
}

void metric_release(struct metric *metric)
{
	plan_release(&metric->key);
	plan_release(&metric->value);
	series_release(metric);
	fields_free(metric->key_fields, metric->n_key_fields);
	fields_free(metric->value_fields, metric->n_value_fields);
	accumulator_unref(metric->accumulator);
	if (metric->notes) {
		pthread_cond_destroy(&metric->notes->selected);
		pthread_mutex_destroy(&metric->notes->lock);
	}
	free(metric->notes);
	free(metric->owner);
	*metric = (struct metric){};
}

int metric_set_owner(struct metric *metric, const char *monitor, struct error *err)
{
	return asprintf(&metric->owner, "monitor %s: ", monitor) < 0 ? error_oom(err) : 0;
}

int metric_set_second(struct metric *metric, const struct object *copy, struct error *err)
{
	const struct object_map *map = object_find_map(copy, metric->config->map_name);
	int r = map ? object_map_describe(map, &metric->second, err)
		    : no_such_map(metric->config, copy, err);

	metric->swapped = r == 0;
	return r < 0 ? error_prefix(err, r, "metric \"%s\"", metric->config->name) : 0;
}

int metric_set_accumulator(struct metric *metric, const struct metric *previous, struct error *err)
{
	const struct metric_config *config = metric->config;
	bool counted = config->exported && metric_type_accumulates(config->type);
	int r;

	if (map_kind(metric->map.type) == MAP_QUEUE ||
	    !(metric->swapped || (counted && config->empty_on_read)))
		return 0;
	r = accumulator_check(metric, err);
	if (r < 0)
		return error_prefix(err, r, "metric \"%s\"", config->name);
	metric->accumulator = previous && previous->accumulator &&
					      accumulator_suits(previous->accumulator, metric)
				      ? accumulator_ref(previous->accumulator)
				      : accumulator_new(metric);
	return metric->accumulator ? 0 : error_oom(err);
}

void metric_join(struct metric *metric, struct metric *first)
{
	metric->next = first->next;
	first->next = metric;
	metric->taken_by_other = true;
}
