/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/load.h"
#include "kernel/event.h"
#include "program/presetting.h"
#include "program/verifier_log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* A generation while it is loaded. */
struct loading {
	struct generation *generation;
	const struct load_options *options;
	/* Selected programs. NULL: the direction is reused, or has no program for an interface. */
	struct bpf_program *programs[N_DIRECTIONS];
	struct bpf_program *second_programs[N_DIRECTIONS];
	bool reused[N_DIRECTIONS]; /* the direction keeps its loaded object */
	struct error *err;
};

static bool is_within_monitor(const struct object_map *map)
{
	return map->scope != MAP_SCOPE_PROGRAM;
}

/* Requirements of the metrics of both directions on a map. */
struct map_demands {
	bool swapped; /* swap-on-read; queues are not swapped, because popping loses nothing */
	bool emptied; /* empty-on-read of a map that is not swapped */
	bool counted; /* emptied, and a metric accumulates what it takes out */
};

static struct map_demands map_demands_get(const struct dataplane *dataplane,
					  enum direction direction, const struct object_map *map)
{
	struct map_demands demands = {};

	for (enum direction other = 0; other < N_DIRECTIONS; other++) {
		const struct direction_code *code = dataplane->directions[other];

		if (!code || (other != direction && !is_within_monitor(map)))
			continue;
		for (size_t i = 0; i < code->config->n_metrics; i++) {
			const struct metric_config *config = &code->config->metrics[i];

			if (strcmp(config->map_name, map->name) != 0)
				continue;
			demands.swapped |= config->swap_on_read;
			demands.emptied |= config->empty_on_read;
			demands.counted |= config->empty_on_read &&
					   (!config->exported || config->type != METRIC_GAUGE);
		}
	}
	if (demands.swapped && map_kind(object_map_shape(map).type) == MAP_QUEUE)
		demands.swapped = false;
	if (demands.swapped || map->swapped)
		demands.emptied = demands.counted = false;
	return demands;
}

/* Returns true if a direction's loaded object can be reused as it is. */
static bool can_reuse_direction(const struct loading *loading, enum direction direction)
{
	const struct generation *previous = loading->options->previous;
	const struct dataplane *dataplane = loading->generation->dataplane;
	const struct object *object = previous ? previous->directions[direction].object : NULL;

	if (!object ||
	    previous->dataplane->directions[direction] != dataplane->directions[direction])
		return false;
	/* Metrics of the other direction may have changed the requirements on shared maps. */
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		struct map_demands demands = map_demands_get(dataplane, direction, map);

		if (map->swapped != demands.swapped || (demands.counted && !map->counted))
			return false;
	}
	return true;
}

/* Opens the object of a direction unless *ret is open, and selects its program. */
static int open_object(struct loading *loading, enum direction direction, struct object **ret,
		       struct bpf_program **program)
{
	const struct direction_code *code = loading->generation->dataplane->directions[direction];
	const char *name = code->config->program;
	int r = 0;

	if (!*ret)
		r = object_open(code->elf.data, code->elf.len, code->config->origin, ret,
				loading->err);
	if (r == 0)
		r = presetting_apply(*ret, &code->config->presets, loading->err);
	if (r < 0)
		return r;
	if (direction == INGRESS && sections_only((*ret)->bpf, name)) {
		loading->generation->directions[direction].by_section = true;
		sections_select((*ret)->bpf, name);
		return 0;
	}
	r = object_select(*ret, loading->options->xdp && direction == INGRESS, direction == EGRESS,
			  name, program, loading->err);
	return r < 0 ? error_prefix(loading->err, r, "%s", code->config->origin) : 0;
}

/* Opens a direction's object, or reuses the loaded one. */
static int open_direction(struct loading *loading, enum direction direction)
{
	struct generation *generation = loading->generation;
	struct direction_code **codes = generation->dataplane->directions, *code = codes[direction];
	struct generation_direction *to = &generation->directions[direction];

	if (!code)
		return 0;
	if (can_reuse_direction(loading, direction)) {
		const struct generation_direction *from =
			&loading->options->previous->directions[direction];

		loading->reused[direction] = true;
		to->object = object_ref(from->object);
		to->second = object_ref(from->second);
		to->prog_fd = from->prog_fd;
		to->second_prog_fd = from->second_prog_fd;
		to->by_section = from->by_section;
		return 0;
	}
	/* Directions with the same code and the same presets share one object. */
	for (enum direction other = 0; other < direction && !to->object; other++) {
		struct object *object = generation->directions[other].object;

		if (object && !object->loaded && codes[other]->elf.len == code->elf.len &&
		    presets_equal(&codes[other]->config->presets, &code->config->presets) &&
		    !memcmp(codes[other]->elf.data, code->elf.data, code->elf.len))
			to->object = object_ref(object);
	}
	return open_object(loading, direction, &to->object, &loading->programs[direction]);
}

static int check_sections(const struct loading *loading)
{
	const struct generation *generation = loading->generation;
	const struct generation *previous = loading->options->previous;
	bool continued = previous && previous->dataplane->directions[EGRESS] ==
					     generation->dataplane->directions[EGRESS];

	if (generation_has_sections(generation) && generation_has_hooks(generation))
		return error_set(loading->err, -EINVAL,
				 "ingress-path has programs that are attached by their section: "
				 "egress-path must have no code%s",
				 continued ? "; first eject the running egress-path" : "");
	return 0;
}

/* Reports the maps whose LIBBPF_PIN_BY_NAME is ignored. */
static void report_pins(const struct loading *loading, enum direction direction)
{
	const struct generation_direction *directions = loading->generation->directions;
	const struct object *object = directions[direction].object;
	_cleanup_text_ struct text names = {};

	if (!loading->options->report ||
	    (direction != INGRESS && object == directions[INGRESS].object))
		return;
	for (size_t i = 0; i < object->n_maps; i++)
		if (object->maps[i].pin_by_name && !bpf_map__pin_path(object->maps[i].bpf))
			text_printf(&names, "%s%s", names.len ? ", " : "", object->maps[i].name);
	if (names.len)
		text_printf(loading->options->report,
			    "%s: LIBBPF_PIN_BY_NAME is ignored, the monitor has its own maps: %s\n",
			    direction_name(direction), text_str(&names));
}

/* Checks the variables, and sets the properties of maps that the metrics of both directions
 * require. */
static int prepare_direction(struct loading *loading, enum direction direction)
{
	struct object *object = loading->generation->directions[direction].object;
	int r = presetting_check(loading->generation, direction, loading->err);

	if (r < 0)
		return r;
	report_pins(loading, direction);
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		struct map_demands demands =
			map_demands_get(loading->generation->dataplane, direction, map);

		map->swapped |= demands.swapped;
		map->counted |= demands.counted;
		if (demands.emptied)
			object_map_make_mappable(map);
	}
	return 0;
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
static int maps_find_public(struct object *object, const struct load_environment *environment,
			    struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		_cleanup_close_ int fd = -1;
		int r;

		if (map->resolved ||
		    (map->scope != MAP_SCOPE_EXTERN && map->scope != MAP_SCOPE_PUBLIC))
			continue;
		fd = environment->find_map(environment->data, map->name);
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

/* Makes maps reuse those of the previous generation. */
static int maps_keep(struct loading *loading, enum direction direction, struct object *object,
		     bool second)
{
	const struct object *first = loading->generation->directions[direction].object;
	const struct load_options *options = loading->options;

	for (size_t i = 0; options->reusable_maps && i < object->n_maps; i++) {
		struct object_map *map = &object->maps[i];
		_cleanup_text_ struct text why = {};
		const struct reusable_map *reusable_map;
		int r = 0;

		if (map->reused || bpf_map__pin_path(map->bpf) ||
		    (map->scope == MAP_SCOPE_EXTERN && !map->resolved))
			continue;
		/* Keep both copies of a double-buffered map, or neither. */
		if (second && !(map->swapped && first->maps[i].kept))
			continue;
		reusable_map = reusable_maps_find(options->reusable_maps, direction, second, map);
		if (reusable_map)
			r = reusable_map_use(reusable_map, object, map, &why, loading->err);
		else
			text_adds(&why, "no map had this name");
		if (r < 0)
			return r;
		map->kept = r > 0;
		if (!options->report || second || event_map_is_internal(map->name))
			continue;
		if (map->kept)
			text_printf(options->report, "%s map %s is kept\n",
				    direction_name(direction), map->name);
		else if (!map->internal)
			text_printf(options->report, "%s map %s is new: %s\n",
				    direction_name(direction), map->name, text_str(&why));
	}
	return 0;
}

/* Loads the first copy of a direction's object. */
static int load_first(struct loading *loading, enum direction direction)
{
	struct generation_direction *this = &loading->generation->directions[direction];
	const struct object *other = loading->generation->directions[!direction].object;
	const struct load_environment *environment = loading->options->environment;
	struct bpf_program *program = loading->programs[direction];
	struct object *object = this->object;
	int r = 0;

	if (!object->loaded) {
		if (other && other != object)
			r = maps_share(object, other, false, loading->err);
		if (r == 0)
			r = maps_find_public(object, environment, loading->err);
		if (r == 0)
			r = maps_keep(loading, direction, object, false);
		if (r == 0)
			r = object_load(object, environment->pin, loading->err);
	}
	this->prog_fd = program ? object_prog_fd(object, program) : -1;
	if (r == 0)
		return 0;
	return verifier_log_annotate(loading->err, r,
				     loading->generation->dataplane->directions[direction]->config);
}

/* Returns 1 if a map of the direction is swapped, 0 if none is, -EOPNOTSUPP if one cannot be. */
static int check_swapped(const struct generation_direction *direction, struct error *err)
{
	int swapped = 0;

	for (size_t i = 0; i < direction->object->n_maps; i++) {
		const struct object_map *map = &direction->object->maps[i];

		if (!map->swapped)
			continue;
		swapped = 1;
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
	return swapped;
}

/* Makes the second copy share all maps of the first one, except the swapped maps. */
static int second_maps(struct loading *loading, enum direction direction)
{
	struct generation_direction *this = &loading->generation->directions[direction];
	const struct object *other = loading->generation->directions[!direction].second;
	struct object *second = this->second;
	int r = 0;

	for (size_t i = 0; r == 0 && i < second->n_maps; i++) {
		struct object_map *map = &second->maps[i];
		const struct object_map *first = &this->object->maps[i];

		map->swapped = first->swapped;
		if (map->swapped && map->scope == MAP_SCOPE_EXTERN) {
			r = object_map_declare(map, first, loading->err);
			/* The second copy of the other direction provides the map. */
			map->resolved = false;
		} else if (!map->swapped && !map_type_get(bpf_map__type(map->bpf))->refers) {
			r = object_map_reuse(map, object_map_fd(first), loading->err);
		}
	}
	if (r == 0 && other && other != second && other->loaded)
		r = maps_share(second, other, true, loading->err);
	for (size_t i = 0; r == 0 && i < second->n_maps; i++)
		if (second->maps[i].swapped && second->maps[i].scope == MAP_SCOPE_EXTERN)
			second->maps[i].resolved = true;
	return r == 0 ? maps_keep(loading, direction, second, true) : r;
}

/* Loads the second copy of a direction's object if a map is swapped. */
static int load_second(struct loading *loading, enum direction direction)
{
	struct generation_direction *this = &loading->generation->directions[direction];
	const struct generation_direction *other = &loading->generation->directions[!direction];
	struct bpf_program **programs = loading->second_programs;
	int r = check_swapped(this, loading->err);

	if (r <= 0)
		return r;
	if (other->object == this->object && other->second) {
		/* The programs for both directions were selected before the object was loaded. */
		this->second = object_ref(other->second);
	} else {
		r = open_object(loading, direction, &this->second, &programs[direction]);
		if (r == 0 && other->object == this->object)
			/* Select both directions' programs: the object is loaded only once. */
			r = open_object(loading, !direction, &this->second, &programs[!direction]);
		if (r == 0)
			r = second_maps(loading, direction);
		if (r == 0)
			r = object_load(this->second, false, loading->err);
	}
	if (r >= 0 && programs[direction])
		this->second_prog_fd = object_prog_fd(this->second, programs[direction]);
	return r < 0 ? r : 0;
}

/* Creates the lock of the two copies, or takes that of the previous generation. */
static int set_swap(struct generation *generation, const struct generation *previous,
		    struct error *err)
{
	struct swap *swap = previous ? previous->swap : NULL;

	if (!generation->directions[INGRESS].second && !generation->directions[EGRESS].second)
		return 0;
	if (swap) {
		__atomic_add_fetch(&swap->refs, 1, __ATOMIC_RELAXED);
	} else {
		swap = calloc(1, sizeof(*swap));
		if (!swap)
			return error_oom(err);
		swap->refs = 1;
		pthread_mutex_init(&swap->reading, NULL);
	}
	generation->swap = swap;
	return 0;
}

/* Runs a step of loading for each direction that has a new object. */
static int each_new_direction(struct loading *loading,
			      int (*step)(struct loading *loading, enum direction direction))
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int r = 0;

		if (loading->generation->directions[direction].object &&
		    !loading->reused[direction])
			r = step(loading, direction);
		if (r < 0)
			return error_prefix(loading->err, r, "%s", direction_key(direction));
	}
	return 0;
}

int generation_load(struct dataplane *dataplane, const struct load_options *options,
		    struct generation **ret, struct error *err)
{
	_cleanup_(generation_unrefp) struct generation *generation = calloc(1, sizeof(*generation));
	struct loading loading = { .generation = generation, .options = options, .err = err };
	int r = 0;

	if (!generation)
		return error_oom(err);
	generation->refs = 1;
	generation->dataplane = dataplane_ref(dataplane);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		r = open_direction(&loading, direction);
		if (r < 0)
			return error_prefix(err, r, "%s", direction_key(direction));
	}
	r = check_sections(&loading);
	if (r == 0)
		r = each_new_direction(&loading, prepare_direction);
	if (r == 0)
		r = each_new_direction(&loading, load_first);
	if (r == 0)
		r = each_new_direction(&loading, load_second);
	if (r == 0)
		r = generation_bind(generation, options->monitor, options->previous,
				    options->report, err);
	if (r == 0)
		r = set_swap(generation, options->previous, err);
	if (r == 0)
		*ret = steal_ptr(&generation);
	return r;
}
