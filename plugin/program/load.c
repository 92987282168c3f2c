/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/load.h"
#include "kernel/event.h"
#include "program/binding.h"
#include "program/verifier_log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* A generation while it is loaded. */
struct making {
	struct generation *generation;
	const struct load_options *options;
	struct bpf_program *programs[N_DIRECTIONS]; /* NULL: the direction is reused, or has no
						     program to attach to an interface */
	struct bpf_program *second_programs[N_DIRECTIONS];
	bool reused[N_DIRECTIONS]; /* the direction keeps its loaded object */
	struct error *err;
};

static bool same_code(const struct direction_code *a, const struct direction_code *b)
{
	return a->elf.len == b->elf.len && !memcmp(a->elf.data, b->elf.data, a->elf.len);
}

static bool is_within_monitor(const struct object_map *map)
{
	return map->scope != MAP_SCOPE_PROGRAM;
}

/*
 * Returns true if a metric requests swap-on-read for the map. Queues are not swapped, because
 * popping loses nothing.
 */
static bool is_swapped(const struct dataplane *dataplane, enum direction direction,
		       const struct object_map *map)
{
	for (int other = 0; other < N_DIRECTIONS; other++) {
		const struct direction_code *code = dataplane->directions[other];

		if (!code || (other != (int)direction && !is_within_monitor(map)))
			continue;
		for (size_t i = 0; i < code->config->n_metrics; i++)
			if (code->config->metrics[i].swap_on_read &&
			    !strcmp(code->config->metrics[i].map_name, map->name))
				return map_kind(object_map_shape(map).type) != MAP_QUEUE;
	}
	return false;
}

/*
 * Returns true if a metric of either direction has empty-on-read for a map that is not swapped.
 * Sets *counted if the metric accumulates what it takes out.
 */
static bool is_emptied(const struct dataplane *dataplane, enum direction direction,
		       const struct object_map *map, bool *counted)
{
	bool emptied = false;

	for (int other = 0; other < N_DIRECTIONS; other++) {
		const struct direction_code *code = dataplane->directions[other];

		if (!code || (other != (int)direction && !is_within_monitor(map)))
			continue;
		for (size_t i = 0; i < code->config->n_metrics; i++) {
			const struct metric_config *config = &code->config->metrics[i];

			if (map->swapped || !config->empty_on_read ||
			    strcmp(config->map_name, map->name) != 0)
				continue;
			emptied = true;
			*counted = *counted || !config->exported || config->type != METRIC_GAUGE;
		}
	}
	return emptied;
}

/* Returns true if a direction's loaded object can be reused as it is. */
static bool can_go_on(const struct making *making, enum direction direction)
{
	const struct generation *previous = making->options->previous;
	const struct dataplane *dataplane = making->generation->dataplane;
	const struct object *object = previous ? previous->directions[direction].object : NULL;

	if (!object ||
	    previous->dataplane->directions[direction] != dataplane->directions[direction])
		return false;
	/* Metrics of the other direction may have changed the requirements on shared maps. */
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		bool counted = false;

		if (map->swapped != is_swapped(dataplane, direction, map))
			return false;
		is_emptied(dataplane, direction, map, &counted);
		if (counted && !map->counted)
			return false;
	}
	return true;
}

static int open_object(struct making *making, enum direction direction, struct object **ret,
		       struct bpf_program **program)
{
	const struct direction_code *code = making->generation->dataplane->directions[direction];
	struct generation_direction *to = &making->generation->directions[direction];
	const char *name = code->config->program;
	int r = 0;

	if (!*ret)
		r = object_open(code->elf.data, code->elf.len, code->config->origin, ret,
				making->err);
	if (r < 0)
		return r;
	if (direction == INGRESS && sections_only((*ret)->bpf, name)) {
		to->by_section = true;
		sections_select((*ret)->bpf, name);
		return 0;
	}
	r = object_select(*ret, making->options->xdp && direction == INGRESS, direction == EGRESS,
			  name, program, making->err);
	return r < 0 ? error_prefix(making->err, r, "%s", code->config->origin) : 0;
}

/* Opens a direction's object, or reuses the loaded one. Paths with the same code share one object.
 */
static int path_open(struct making *making, enum direction direction)
{
	struct generation *generation = making->generation;
	const struct generation *previous = making->options->previous;
	struct direction_code *code = generation->dataplane->directions[direction];
	struct generation_direction *to = &generation->directions[direction];

	if (!code)
		return 0;
	if (can_go_on(making, direction)) {
		const struct generation_direction *from = &previous->directions[direction];

		making->reused[direction] = true;
		to->object = object_ref(from->object);
		to->second = object_ref(from->second);
		to->prog_fd = from->prog_fd;
		to->second_prog_fd = from->second_prog_fd;
		to->by_section = from->by_section;
		return 0;
	}
	for (int other = 0; other < (int)direction && !to->object; other++)
		if (generation->directions[other].object &&
		    !generation->directions[other].object->loaded &&
		    same_code(generation->dataplane->directions[other], code))
			to->object = object_ref(generation->directions[other].object);
	return open_object(making, direction, &to->object, &making->programs[direction]);
}

/* Sets the properties of each map that the metrics of both directions require. */
static void maps_prepare(struct making *making, enum direction direction)
{
	const struct dataplane *dataplane = making->generation->dataplane;
	struct object *object = making->generation->directions[direction].object;

	for (size_t i = 0; i < object->n_maps; i++)
		object->maps[i].swapped = object->maps[i].swapped ||
					  is_swapped(dataplane, direction, &object->maps[i]);
	for (size_t i = 0; i < object->n_maps; i++)
		if (is_emptied(dataplane, direction, &object->maps[i], &object->maps[i].counted))
			object_map_make_mappable(&object->maps[i]);
}

/* Makes an object use the other direction's copy of maps that are shared within the monitor. */
static int maps_share(struct object *object, const struct object *other, bool swapped_only,
		      struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		const struct object_map *theirs;
		int r = 0;

		if (!is_within_monitor(map) || map->resolved || (swapped_only && !map->swapped))
			continue;
		theirs = object_find_map(other, map->name);
		if (!theirs || !is_within_monitor(theirs))
			continue;
		if (other->loaded)
			r = object_map_reuse(map, object_map_fd(theirs), err);
		else if (map->scope == MAP_SCOPE_EXTERN && theirs->scope != MAP_SCOPE_EXTERN)
			r = object_map_declare(map, theirs, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Resolves extern maps from other monitors. Rejects a public map if another monitor has a public
 * map of that name.
 */
static int maps_find_public(struct object *object, const struct load_environment *around,
			    struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		_cleanup_close_ int fd = -1;
		int r;

		if (map->resolved ||
		    (map->scope != MAP_SCOPE_EXTERN && map->scope != MAP_SCOPE_PUBLIC))
			continue;
		fd = around->find_map(around->data, map->name);
		if (fd < 0)
			continue;
		if (map->scope == MAP_SCOPE_PUBLIC)
			return error_set(
				err, -EEXIST,
				"map %s is public, and another monitor has a public map of "
				"that name; declare it \"extern\" to use that one",
				map->name);
		if (map->swapped)
			return error_set(err, -EOPNOTSUPP,
					 "map %s belongs to another monitor: swap-on-read is not "
					 "possible",
					 map->name);
		r = object_map_reuse(map, fd, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void tell_kept(struct making *making, enum direction direction, const struct object_map *map,
		      const char *why)
{
	struct text *report = making->options->report;

	if (!report || event_map_is_internal(map->name))
		return;
	if (map->kept)
		text_printf(report, "%s map %s is kept\n", direction_name(direction), map->name);
	else
		text_printf(report, "%s map %s is new: %s\n", direction_name(direction), map->name,
			    why);
}

/* Makes maps reuse those of the previous generation. */
static int maps_keep(struct making *making, enum direction direction, struct object *object,
		     bool second)
{
	const struct generation_direction *this = &making->generation->directions[direction];
	const struct reusable_maps *reusable_maps = making->options->reusable_maps;

	for (size_t i = 0; reusable_maps && i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		_cleanup_text_ struct text why = {};
		const struct reusable_map *reusable_map;
		int r = 0;

		if (map->reused || bpf_map__pin_path(map->bpf) ||
		    (map->scope == MAP_SCOPE_EXTERN && !map->resolved))
			continue;
		/* Keep both copies of a double-buffered map, or neither. */
		if (second && !(map->swapped && this->object->maps[i].kept))
			continue;
		reusable_map = reusable_maps_find(reusable_maps, direction, second, map);
		if (reusable_map)
			r = reusable_map_use(reusable_map, object, map, &why, making->err);
		else
			text_adds(&why, "there was none of that name");
		if (r < 0)
			return r;
		map->kept = r > 0;
		if (!second && (map->kept || !map->internal))
			tell_kept(making, direction, map, text_str(&why));
	}
	return 0;
}

static int direction_load(struct making *making, enum direction direction)
{
	struct object *object = making->generation->directions[direction].object;
	const struct object *other = making->generation->directions[!direction].object;
	int r = 0;

	if (object->loaded)
		return 0;
	if (other && other != object)
		r = maps_share(object, other, false, making->err);
	if (r == 0)
		r = maps_find_public(object, making->options->around, making->err);
	if (r == 0)
		r = maps_keep(making, direction, object, false);
	if (r == 0)
		r = object_load(object, making->options->around->pin, making->err);
	return r < 0 ? verifier_log_annotate(
			       making->err, r,
			       making->generation->dataplane->directions[direction]->config)
		     : 0;
}

static bool has_swapped(const struct object *object)
{
	for (size_t i = 0; i < object->n_maps; i++)
		if (object->maps[i].swapped)
			return true;
	return false;
}

static int swap_check(const struct generation_direction *direction, struct error *err)
{
	const struct object *object = direction->object;

	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];

		if (!map->swapped)
			continue;
		if (direction->by_section)
			return error_set(err, -EOPNOTSUPP,
					 "map %s: swap-on-read is not possible, the kernel cannot "
					 "replace a program that is attached by its section",
					 map->name);
		if (map->scope == MAP_SCOPE_PUBLIC || map->pin_path)
			return error_set(err, -EOPNOTSUPP,
					 "map %s: swap-on-read is not possible, the map is %s: "
					 "others may write to it, too",
					 map->name,
					 map->scope == MAP_SCOPE_PUBLIC ? "public" : "pinned");
	}
	return 0;
}

/* Makes the second copy share all maps of the first one, except the swapped maps. */
static int second_maps(struct making *making, enum direction direction)
{
	struct generation_direction *this = &making->generation->directions[direction];
	const struct object *other = making->generation->directions[!direction].second;
	int r;

	for (size_t i = 0; i < this->second->n_maps; i++) {
		struct object_map *map = &this->second->maps[i];
		const struct object_map *first = &this->object->maps[i];

		map->swapped = first->swapped;
		if (map->swapped && map->scope == MAP_SCOPE_EXTERN) {
			r = object_map_declare(map, first, making->err);
			map->resolved =
				false; /* the second copy of the other direction provides it */
		} else if (map->swapped || map_type_get(bpf_map__type(map->bpf))->refers) {
			continue;
		} else {
			r = object_map_reuse(map, object_map_fd(first), making->err);
		}
		if (r < 0)
			return r;
	}
	r = other && other != this->second && other->loaded
		    ? maps_share(this->second, other, true, making->err)
		    : 0;
	for (size_t i = 0; r == 0 && i < this->second->n_maps; i++)
		if (this->second->maps[i].swapped)
			this->second->maps[i].resolved =
				this->second->maps[i].resolved ||
				this->second->maps[i].scope == MAP_SCOPE_EXTERN;
	return r == 0 ? maps_keep(making, direction, this->second, true) : r;
}

static int second_load(struct making *making, enum direction direction)
{
	struct generation *generation = making->generation;
	struct generation_direction *this = &generation->directions[direction];
	const struct generation_direction *other = &generation->directions[!direction];
	int r = swap_check(this, making->err);

	if (r < 0 || !has_swapped(this->object))
		return r;
	if (other->object == this->object && other->second) {
		/* The programs for both directions were selected before the object was loaded. */
		this->second = object_ref(other->second);
		return 0;
	}
	r = open_object(making, direction, &this->second, &making->second_programs[direction]);
	if (r == 0 && other->object == this->object)
		/* Select both directions' programs, because the object is loaded only once. */
		r = open_object(making, !direction, &this->second,
				&making->second_programs[!direction]);
	if (r < 0 || this->second->loaded)
		return r;
	r = second_maps(making, direction);
	return r == 0 ? object_load(this->second, false, making->err) : r;
}

static int set_swap(struct making *making)
{
	struct generation *generation = making->generation;
	struct swap *swap = making->options->previous ? making->options->previous->swap : NULL;

	if (!generation->directions[INGRESS].second && !generation->directions[EGRESS].second)
		return 0;
	if (swap) {
		__atomic_add_fetch(&swap->refs, 1, __ATOMIC_RELAXED);
	} else {
		swap = calloc(1, sizeof(*swap));
		if (!swap)
			return error_oom(making->err);
		swap->refs = 1;
		pthread_mutex_init(&swap->reading, NULL);
	}
	generation->swap = swap;
	return 0;
}

static int check_sections(const struct making *making)
{
	const struct generation *generation = making->generation;
	const struct generation *previous = making->options->previous;
	bool goes_on = previous && previous->dataplane->directions[EGRESS] ==
					   generation->dataplane->directions[EGRESS];

	if (generation_has_sections(generation) && generation_has_hooks(generation))
		return error_set(making->err, -EINVAL,
				 "ingress-path has programs that are attached by their section: "
				 "egress-path must have no code%s",
				 goes_on ? ", and that of the dataplane before goes on: eject it "
					   "first"
					 : "");
	return 0;
}

static int load_directions(struct making *making)
{
	struct generation *generation = making->generation;
	int r = 0;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		r = path_open(making, direction);
		if (r < 0)
			return error_prefix(making->err, r, "%s-path", direction_name(direction));
	}
	r = check_sections(making);
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++)
		if (generation->directions[direction].object && !making->reused[direction])
			maps_prepare(making, direction);
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		struct generation_direction *this = &generation->directions[direction];

		if (!this->object || making->reused[direction])
			continue;
		r = direction_load(making, direction);
		this->prog_fd = making->programs[direction]
					? object_prog_fd(this->object, making->programs[direction])
					: -1;
		if (r < 0)
			return error_prefix(making->err, r, "%s-path", direction_name(direction));
	}
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		struct generation_direction *this = &generation->directions[direction];

		if (!this->object)
			continue;
		if (!making->reused[direction])
			r = second_load(making, direction);
		if (r == 0 && making->second_programs[direction])
			this->second_prog_fd =
				object_prog_fd(this->second, making->second_programs[direction]);
		if (r < 0)
			return error_prefix(making->err, r, "%s-path", direction_name(direction));
	}
	if (r == 0)
		r = generation_bind(generation, making->options->monitor, making->options->previous,
				    making->options->report, making->err);
	return r == 0 ? set_swap(making) : r;
}

int generation_load(struct dataplane *dataplane, const struct load_options *options,
		    struct generation **ret, struct error *err)
{
	_cleanup_(generation_unrefp) struct generation *generation = calloc(1, sizeof(*generation));
	struct making making = { .generation = generation, .options = options, .err = err };
	int r;

	if (!generation)
		return error_oom(err);
	generation->refs = 1;
	generation->dataplane = dataplane_ref(dataplane);
	r = load_directions(&making);
	if (r == 0)
		*ret = steal_ptr(&generation);
	return r;
}
