/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/generation.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static struct swap *swap_unref(struct swap *swap)
{
	if (!swap || __atomic_sub_fetch(&swap->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	pthread_mutex_destroy(&swap->reading);
	free(swap);
	return NULL;
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
	swap_unref(generation->swap);
	dataplane_unref(generation->dataplane);
	free(generation);
	return NULL;
}
