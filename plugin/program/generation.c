/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/generation.h"
#include "metric/series.h"
#include "metric/setup.h"

#include <bpf/libbpf.h>
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
	const char *name = direction_name(direction);
	_cleanup_text_ struct text omitted = {};

	series_omitted(metric, &omitted);
	if (before && before->accumulator && before->accumulator != metric->accumulator)
		text_printf(report,
			    "%s metric \"%s\" starts at zero: what is added up of map %s has "
			    "changed\n",
			    name, config->name, config->map_name);
	if (config->exported && !metric->n_families && map_kind(metric->map.type) != MAP_QUEUE)
		text_printf(report,
			    "%s metric \"%s\" is in JSON alone: in the values of map %s are no "
			    "numbers for OpenMetrics and collectd, or more than %d fields\n",
			    name, config->name, config->map_name, FIELDS_MAX);
	if (omitted.len)
		text_printf(report,
			    "%s metric \"%s\" has in JSON alone, not in OpenMetrics and collectd: "
			    "%s of map %s\n",
			    name, config->name, text_str(&omitted), config->map_name);
	for (size_t i = 0; i < metric->n_labels; i++) {
		const char *why = format_missing(metric->labels[i].format);

		if (why)
			text_printf(report,
				    "%s metric \"%s\": label \"%s\" has numbers instead of names: "
				    "%s\n",
				    name, config->name, metric->labels[i].name, why);
	}
	if (metric->n_families && metric->both_directions)
		text_printf(report,
			    "%s metric \"%s\" has no label \"direction\": the programs of both "
			    "directions use map %s\n",
			    name, config->name, config->map_name);
	if (metric->n_families && metric_lacks_slots(metric))
		text_printf(report,
			    "%s metric \"%s\" is of unknown type: map %s has no slots for a %s\n",
			    name, config->name, config->map_name, metric_type_name(config->type));
}

/* Reports a metric that the other direction has, too, of the same map: its counts appear twice. */
static void report_repeated(const struct generation_direction *other, const struct metric *metric,
			    struct text *report)
{
	for (size_t i = 0; i < other->n_metrics; i++)
		if (other->metrics[i].map.id == metric->map.id &&
		    !strcmp(other->metrics[i].config->name, metric->config->name))
			text_printf(
				report,
				"both directions have metric \"%s\" of the same map %s: remove one "
				"of them\n",
				metric->config->name, metric->config->map_name);
}

/*
 * Returns true if the series of a metric have no direction: the programs of both directions use its
 * map. If the other direction has a metric of that name, the document tells them apart.
 */
static bool is_of_both(const struct generation *generation, enum direction direction,
		       const struct metric *metric)
{
	const struct direction_code *other = generation->dataplane->directions[!direction];
	const struct direction_config *config = other ? other->config : NULL;

	for (size_t i = 0; config && i < config->n_metrics; i++)
		if (!strcmp(config->metrics[i].name, metric->config->name))
			return false;
	return object_program_uses(generation->directions[!direction].prog_fd, metric->map.id) &&
	       object_program_uses(generation->directions[direction].prog_fd, metric->map.id);
}

/*
 * Joins a metric with the first earlier one of the same map: otherwise, counts that one of them
 * takes out of the map would be lost to the other.
 */
static void join_metric(struct generation *generation, struct metric *metric)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct generation_direction *of = &generation->directions[direction];

		for (size_t i = 0; i < of->n_metrics && &of->metrics[i] != metric; i++)
			if (of->metrics[i].accumulator && of->metrics[i].map.id == metric->map.id) {
				metric_join(metric, &of->metrics[i]);
				return;
			}
	}
}

static int bind_direction(struct generation *generation, enum direction direction,
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
		int r = metric_init(metric, &config->metrics[i], this->object, err);

		if (r < 0)
			return r;
		this->n_metrics++;
		metric->both_directions = is_of_both(generation, direction, metric);
		before = metric_before(previous, direction, metric);
		if (monitor)
			r = metric_set_owner(metric, monitor, err);
		if (r == 0 && object_find_map(this->object, config->metrics[i].map_name)->swapped)
			r = metric_set_second(metric, this->second, err);
		if (r == 0)
			r = metric_set_accumulator(metric, before, err);
		if (r < 0)
			return r;
		if (report)
			report_metric(direction, metric, before, report);
		if (report)
			report_repeated(&generation->directions[!direction], metric, report);
		if (metric->accumulator)
			join_metric(generation, metric);
	}
	return 0;
}

int generation_bind(struct generation *generation, const char *monitor,
		    const struct generation *previous, struct text *report, struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int r = 0;

		if (generation->directions[direction].object)
			r = bind_direction(generation, direction, monitor, previous, report, err);
		if (r < 0)
			return error_prefix(err, r, "%s", direction_key(direction));
	}
	return 0;
}

int generation_reusable_maps(const struct generation *generation,
			     struct reusable_maps *reusable_maps)
{
	int r = 0;

	for (enum direction direction = 0; generation && r == 0 && direction < N_DIRECTIONS;
	     direction++) {
		const struct generation_direction *this = &generation->directions[direction];

		if (this->object)
			r = reusable_maps_add_object(reusable_maps, this->object, direction, false);
		if (r == 0 && this->second)
			r = reusable_maps_add_object(reusable_maps, this->second, direction, true);
	}
	return r;
}

int generation_prog_fd(const struct generation *generation, enum direction direction)
{
	const struct generation_direction *this =
		generation ? &generation->directions[direction] : NULL;

	if (!this || !this->object)
		return -1;
	if (this->second && __atomic_load_n(&generation->swap->second_runs, __ATOMIC_ACQUIRE))
		return this->second_prog_fd;
	return this->prog_fd;
}

struct run_stats generation_run_stats(const struct generation *generation, enum direction direction)
{
	const struct generation_direction *this = &generation->directions[direction];
	struct run_stats stats = this->before;

	if (!this->object)
		return stats;
	if (this->by_section) {
		run_stats_add_object(&stats, this->object);
		return stats;
	}
	run_stats_add(&stats, this->prog_fd);
	if (this->second)
		run_stats_add(&stats, this->second_prog_fd);
	return stats;
}

void generation_follow(struct generation *generation, const struct generation *previous)
{
	for (enum direction direction = 0; generation && previous && direction < N_DIRECTIONS;
	     direction++) {
		struct generation_direction *this = &generation->directions[direction];

		if (this->object && this->object == previous->directions[direction].object)
			this->before = previous->directions[direction].before;
		else
			this->before = generation_run_stats(previous, direction);
	}
}

bool generation_has_past(const struct generation *generation)
{
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++)
		if (object_has_past(generation->directions[direction].object))
			return true;
	return false;
}

int generation_add_past(struct generation *generation, struct error *err)
{
	int result = 0;

	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++) {
		struct object *object = generation->directions[direction].object;
		int r = object ? object_add_past(object, err) : 0;

		result = r < 0 ? r : result;
	}
	return result;
}

bool generation_has_hooks(const struct generation *generation)
{
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++)
		if (generation->directions[direction].object &&
		    !generation->directions[direction].by_section)
			return true;
	return false;
}

bool generation_has_sections(const struct generation *generation)
{
	return generation && generation->directions[INGRESS].by_section;
}

int generation_attach_sections(struct generation *generation, struct error *err)
{
	struct object *object;

	if (!generation_has_sections(generation))
		return 0;
	object = generation->directions[INGRESS].object;
	return sections_attach(&object->links, object->bpf, err);
}

void generation_detach_sections(struct generation *generation, const struct generation *next)
{
	struct object *object =
		generation_has_sections(generation) ? generation->directions[INGRESS].object : NULL;

	if (object && !(next && next->directions[INGRESS].object == object))
		sections_detach(&object->links);
}

void generation_keep(struct generation *generation)
{
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++)
		object_keep(generation->directions[direction].object);
}

struct generation *generation_ref(struct generation *generation)
{
	if (generation)
		__atomic_add_fetch(&generation->refs, 1, __ATOMIC_RELAXED);
	return generation;
}

struct generation *generation_unref(struct generation *generation)
{
	if (!generation || __atomic_sub_fetch(&generation->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	if (generation->feed_targets_free)
		generation->feed_targets_free(generation->targets, generation->n_targets);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct generation_direction *this = &generation->directions[direction];

		for (size_t i = 0; i < this->n_metrics; i++)
			metric_release(&this->metrics[i]);
		free(this->metrics);
		object_unref(this->second);
		object_unref(this->object);
	}
	if (generation->swap && !__atomic_sub_fetch(&generation->swap->refs, 1, __ATOMIC_ACQ_REL)) {
		pthread_mutex_destroy(&generation->swap->reading);
		free(generation->swap);
	}
	dataplane_unref(generation->dataplane);
	free(generation);
	return NULL;
}
