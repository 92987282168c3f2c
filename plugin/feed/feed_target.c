/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed/feed_target.h"
#include "base/array.h"
#include "base/string.h"

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

/*
 * Adds the cell of one copy of the programs, unless the target has a cell of the same map already.
 */
static int add_cell(struct feed_target *target, const struct generation *generation,
		    const struct object *object, bool second, const struct cell_place *place,
		    struct error *err)
{
	struct cell *cell = &target->cells[target->n];
	int r = cell_init(cell, object, place, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < target->n; i++)
		if (target->cells[i].map.id == cell->map.id) {
			cell_release(cell);
			return 0;
		}
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *this = &generation->directions[direction];

		for (size_t i = 0; i < this->n_metrics; i++) {
			const struct metric *metric = &this->metrics[i];

			if (metric->map.id != cell->map.id || metric->swapped ||
			    !metric->config->empty_on_read)
				continue;
			/* A read would remove the value of the feed. */
			cell_release(cell);
			return error_set(err, -EINVAL,
					 "map %s: metric \"%s\" empties the map with each read "
					 "(empty-on-read)",
					 metric->config->map_name, metric->config->name);
		}
	}
	target->second[target->n++] = second;
	return 0;
}

/*
 * Without Path one direction with such a map is sufficient. If no direction has such a map, the
 * error is the one of the first direction.
 */
static void find_cells(struct feed_target *target, const struct feed_settings *settings,
		       const struct generation *generation)
{
	const struct cell_place place = { settings->map, settings->key ? settings->key : "0",
					  settings->field };
	_cleanup_error_ struct error first = {};
	int r = 0;

	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *this = &generation->directions[direction];
		const char *name = direction_name(direction);
		_cleanup_error_ struct error err = {};

		if (settings->direction ? strcmp(settings->direction, name) != 0 : !this->object)
			continue;
		if (!this->object) {
			r = error_set(&err, -ENOENT, "no program runs on %s", name);
		} else {
			r = add_cell(target, generation, this->object, false, &place, &err);
			if (r == 0 && this->second)
				r = add_cell(target, generation, this->second, true, &place, &err);
			if (r < 0)
				error_prefix(&err, r, "%s", name);
			if (!settings->direction && !object_find_map(this->object, settings->map))
				r = 0;
		}
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
	target->error = strdup(first.code ? error_message(&first) : "no program runs");
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
	_cleanup_free_ char *map = strdup(settings->map);
	struct feed_target *target =
		map ? array_append(generation->targets, generation->n_targets) : NULL;

	if (!target)
		return NULL;
	generation->feed_targets_free = feed_targets_free;
	target->feed = feed;
	target->map = steal_ptr(&map);
	find_cells(target, settings, generation);
	return target;
}

void feed_target_drop(struct generation *generation, size_t i)
{
	target_release(&generation->targets[i]);
	generation->targets[i] = generation->targets[--generation->n_targets];
}

/* A repeated failure with the same error is not logged again. */
bool feed_target_set(struct feed_target *target, double value)
{
	_cleanup_text_ struct text message = {};

	if (!target->n)
		return false;
	for (size_t i = 0; i < target->n; i++) {
		int r = cell_set(&target->cells[i], value);

		if (r < 0 && !message.len)
			text_printf(&message, "map %s: %s", target->map,
				    r == -EPERM	  ? "the map is read-only"
				    : r == -E2BIG ? "the map is full"
						  : strerror(-r));
	}
	if (message.len && string_equal(target->error, text_str(&message)))
		return false;
	free(target->error);
	target->error = message.len ? strdup(text_str(&message)) : NULL;
	target->error_logged = false;
	return !message.len;
}

void feed_target_set_copy(struct feed_target *target, bool second, double value)
{
	for (size_t i = 0; i < target->n; i++)
		if (target->second[i] == second)
			cell_set(&target->cells[i], value);
}
