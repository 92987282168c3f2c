/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/binding.h"
#include "metric/series.h"

#include <errno.h>
#include <string.h>

/*
 * Finds the metric in the previous generation if its map is kept. The other direction is not
 * searched: if it still has a metric of that name and map, both would share one accumulator.
 */
static const struct metric *metric_before(const struct generation *previous,
					  enum direction direction, const struct metric *metric)
{
	const struct generation_direction *from =
		previous ? &previous->directions[direction] : NULL;

	for (size_t i = 0; from && i < from->n_metrics; i++) {
		const struct metric *before = &from->metrics[i];

		if (before->map.id == metric->map.id &&
		    before->config->type == metric->config->type &&
		    !strcmp(before->config->name, metric->config->name))
			return before;
	}
	return NULL;
}

/* Reports properties that the document's author may not expect. */
static void report_metric(enum direction direction, const struct metric *metric,
			  const struct metric *before, struct text *report)
{
	const struct metric_config *config = metric->config;
	_cleanup_text_ struct text omitted = {};

	if (!report)
		return;
	series_omitted(metric, &omitted);
	if (before && before->accumulator && before->accumulator != metric->accumulator)
		text_printf(report,
			    "%s metric \"%s\" starts at zero: what is added up of map %s has "
			    "changed\n",
			    direction_name(direction), config->name, config->map_name);
	if (config->exported && !metric->n_families && map_kind(metric->map.type) != MAP_QUEUE)
		text_printf(report,
			    "%s metric \"%s\" is in JSON alone: in the values of map %s are no "
			    "numbers for OpenMetrics and collectd, or more than %d fields\n",
			    direction_name(direction), config->name, config->map_name, FIELDS_MAX);
	if (omitted.len)
		text_printf(report,
			    "%s metric \"%s\" has in JSON alone, not in OpenMetrics and collectd: "
			    "%s of map %s\n",
			    direction_name(direction), config->name, text_str(&omitted),
			    config->map_name);
	if (metric->n_families && metric_lacks_slots(metric))
		text_printf(report,
			    "%s metric \"%s\" is of unknown type: map %s has no slots for a %s\n",
			    direction_name(direction), config->name, config->map_name,
			    metric_type_name(config->type));
}

static int direction_bind(struct generation *generation, enum direction direction,
			  const char *monitor, const struct generation *previous,
			  struct text *report, struct error *err)
{
	struct generation_direction *this = &generation->directions[direction];
	const struct direction_config *config =
		generation->dataplane->directions[direction]->config;

	this->metrics = calloc(config->n_metrics + 1, sizeof(*this->metrics));
	if (!this->metrics)
		return error_oom(err);
	for (size_t i = 0; i < config->n_metrics; i++) {
		struct metric *metric = &this->metrics[i];
		const struct metric *before;
		const struct object_map *map;
		int r = metric_init(metric, &config->metrics[i], this->object, err);

		if (r < 0)
			return r;
		this->n_metrics++;
		before = metric_before(previous, direction, metric);
		map = object_find_map(this->object, config->metrics[i].map_name);
		if (monitor)
			r = metric_set_owner(metric, monitor, err);
		if (r == 0 && map->swapped)
			r = metric_set_second(metric, this->second, err);
		if (r == 0)
			r = metric_set_accumulator(metric, before, err);
		if (r < 0)
			return r;
		report_metric(direction, metric, before, report);
	}
	return 0;
}

/* Returns the first earlier metric of either direction with the same map, or NULL. */
static struct metric *metric_of_same_map(struct generation *generation, const struct metric *metric)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct generation_direction *of = &generation->directions[direction];

		for (size_t i = 0; i < of->n_metrics; i++) {
			if (&of->metrics[i] == metric)
				return NULL;
			if (of->metrics[i].accumulator && of->metrics[i].map.id == metric->map.id)
				return &of->metrics[i];
		}
	}
	return NULL;
}

/*
 * Joins metrics of one map: otherwise, counts that one of them takes out of the map would be lost
 * to the others.
 */
static void join_metrics(struct generation *generation)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct generation_direction *of = &generation->directions[direction];

		for (size_t i = 0; i < of->n_metrics; i++) {
			struct metric *metric = &of->metrics[i], *first;

			first = metric->accumulator ? metric_of_same_map(generation, metric) : NULL;
			if (first)
				metric_join(metric, first);
		}
	}
}

int generation_bind(struct generation *generation, const char *monitor,
		    const struct generation *previous, struct text *report, struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int r = generation->directions[direction].object
				? direction_bind(generation, direction, monitor, previous, report,
						 err)
				: 0;

		if (r < 0)
			return error_prefix(err, r, "%s-path", direction_name(direction));
	}
	join_metrics(generation);
	return 0;
}
