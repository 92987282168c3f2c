/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed/feed_target.h"

#include <errno.h>
#include <string.h>

static void target_release(struct feed_target *target)
{
	while (target->n)
		cell_release(&target->cells[--target->n]);
	free(target->map);
	free(target->error);
}

static void feed_targets_free(struct feed_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		target_release(&targets[i]);
	free(targets);
}

/* A read that empties the map in place would remove the fed value. */
static int check_emptied(const struct generation *generation, struct cell *cell, struct error *err)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *this = &generation->directions[direction];

		for (size_t i = 0; i < this->n_metrics; i++) {
			const struct metric *metric = &this->metrics[i];

			if (metric->map.id != cell->map.id || metric->swapped ||
			    !metric->config->empty_on_read)
				continue;
			cell_release(cell);
			return error_set(err, -EINVAL,
					 "map %s: metric \"%s\" empties it with each read "
					 "(empty-on-read)",
					 metric->config->map_name, metric->config->name);
		}
	}
	return 0;
}

/*
 * Adds the cell of one copy of the programs, unless the target has a cell of the same map already.
 */
static int add_cell(struct feed_target *target, const struct generation *generation,
		    enum direction direction, bool second, const struct cell_place *place,
		    struct error *err)
{
	const struct generation_direction *this = &generation->directions[direction];
	struct cell *cell = &target->cells[target->n];
	int r = cell_init(cell, second ? this->second : this->object, place, err);

	if (r == 0)
		r = check_emptied(generation, cell, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < target->n; i++)
		if (target->cells[i].map.id == cell->map.id) {
			cell_release(cell);
			return 0;
		}
	target->second[target->n++] = second;
	return 0;
}

/* Without Path one direction with such a map is sufficient. */
static int feed_target_add_direction(struct feed_target *target,
				     const struct feed_settings *settings,
				     const struct generation *generation, enum direction direction,
				     struct error *err)
{
	const struct cell_place place = { settings->map, settings->key ? settings->key : "0",
					  settings->field };
	const struct generation_direction *this = &generation->directions[direction];
	int r;

	if (settings->direction && strcmp(settings->direction, direction_name(direction)) != 0)
		return 0;
	if (!this->object)
		return settings->direction ? error_set(err, -ENOENT, "nothing runs on %s",
						       direction_name(direction))
					   : 0;
	r = add_cell(target, generation, direction, false, &place, err);
	if (r == 0 && this->second)
		r = add_cell(target, generation, direction, true, &place, err);
	if (r < 0)
		error_prefix(err, r, "%s", direction_name(direction));
	return !settings->direction && !object_find_map(this->object, settings->map) ? 0 : r;
}

/* If no direction has such a map, the error is the one of the first direction. */
static void find_cells(struct feed_target *target, const struct feed_settings *settings,
		       const struct generation *generation)
{
	_cleanup_error_ struct error first = {};
	int r = 0;

	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		_cleanup_error_ struct error err = {};

		r = feed_target_add_direction(target, settings, generation, direction, &err);
		if (r < 0 || (err.code && !first.code)) {
			error_release(&first);
			first = err;
			err = (struct error){};
		}
	}
	if (r == 0 && target->n)
		return;
	while (target->n)
		cell_release(&target->cells[--target->n]);
	target->error = strdup(first.code ? error_message(&first) : "nothing runs there");
}

struct feed_target *feed_target_find(const struct generation *generation, uint64_t feed)
{
	for (size_t i = 0; i < generation->n_targets; i++)
		if (generation->targets[i].feed == feed)
			return &generation->targets[i];
	return NULL;
}

struct feed_target *feed_target_add(struct generation *generation, uint64_t feed,
				    const struct feed_settings *settings)
{
	struct feed_target *target, *targets = realloc(generation->targets, (generation->n_targets +
									     1) * sizeof(*targets));

	if (!targets)
		return NULL;
	generation->targets = targets;
	generation->feed_targets_free = feed_targets_free;
	target = &targets[generation->n_targets];
	*target = (struct feed_target){ .feed = feed, .map = strdup(settings->map) };
	if (!target->map)
		return NULL;
	generation->n_targets++;
	find_cells(target, settings, generation);
	return target;
}

void feed_target_drop(struct generation *generation, size_t i)
{
	target_release(&generation->targets[i]);
	generation->targets[i] = generation->targets[--generation->n_targets];
}

static const char *why_not(int r)
{
	return r == -EPERM ? "it is read-only" : r == -E2BIG ? "it is full" : strerror(-r);
}

/* A repeated failure with the same error is not logged again. */
bool feed_target_set(struct feed_target *target, double value)
{
	_cleanup_text_ struct text words = {};

	if (!target->n)
		return false;
	for (size_t i = 0; i < target->n; i++) {
		int r = cell_set(&target->cells[i], value);

		if (r < 0 && !words.len)
			text_printf(&words, "map %s: %s", target->map, why_not(r));
	}
	if (words.len && target->error && !strcmp(target->error, text_str(&words)))
		return false;
	free(target->error);
	target->error = words.len ? strdup(text_str(&words)) : NULL;
	target->told = false;
	return !words.len;
}

void feed_target_set_copy(struct feed_target *target, bool second, double value)
{
	for (size_t i = 0; i < target->n; i++)
		if (target->second[i] == second)
			cell_set(&target->cells[i], value);
}
