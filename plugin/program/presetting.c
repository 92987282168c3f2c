/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/presetting.h"
#include "decode/variable.h"
#include "kernel/event.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static int no_such_preset_map(const struct object *object, const char *name, struct error *err)
{
	_cleanup_text_ struct text all = {};

	for (size_t i = 0; i < object->n_maps; i++)
		if (!object->maps[i].internal && !event_map_is_internal(object->maps[i].name))
			text_printf(&all, "%s%s", all.len ? ", " : "", object->maps[i].name);
	return error_set(err, -ENOENT, "maps: map \"%.100s\" does not exist; the code has: %s",
			 name, all.len ? text_str(&all) : "none");
}

static int preset_map(struct object *object, const struct map_preset *preset, struct error *err)
{
	struct object_map *map = object_find_map(object, preset->name);
	int r = 0;

	if (!map)
		return no_such_preset_map(object, preset->name, err);
	if (map->internal || map->scope == MAP_SCOPE_EXTERN)
		return error_set(err, -EINVAL, "maps: map %s %s", map->name,
				 map->internal ? "holds variables, set these with \"variables\""
					       : "is extern, set these keys where it is declared");
	if (preset->max_entries)
		r = bpf_map__set_max_entries(map->bpf, preset->max_entries);
	if (r == 0 && preset->pin)
		r = bpf_map__set_pin_path(map->bpf, preset->pin);
	return r < 0 ? error_set(err, r, "maps: map %s: %s", map->name, strerror(-r)) : 0;
}

int presetting_apply(struct object *object, const struct presets *presets, struct error *err)
{
	for (size_t i = 0; i < presets->n_variables; i++) {
		const struct variable_preset *variable = &presets->variables[i];
		int r = 0;

		if (!variable->anywhere || variable_exists(object, variable->name))
			r = variable_set(object, variable->name, variable->value, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < presets->n_maps; i++) {
		int r = preset_map(object, &presets->maps[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Returns true if a direction has the variable, and its presets set it. */
static bool is_preset(const struct generation *generation, const char *name)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct object *object = generation->directions[direction].object;
		const struct presets *presets;

		if (!object || !variable_exists(object, name))
			continue;
		presets = &generation->dataplane->directions[direction]->config->presets;
		for (size_t i = 0; i < presets->n_variables; i++)
			if (!strcmp(presets->variables[i].name, name))
				return true;
	}
	return false;
}

int presetting_check(const struct generation *generation, enum direction direction,
		     struct error *err)
{
	const struct presets *presets =
		&generation->dataplane->directions[direction]->config->presets;

	for (size_t i = 0; i < presets->n_variables; i++)
		if (!is_preset(generation, presets->variables[i].name))
			return variable_unknown(generation->directions[direction].object,
						presets->variables[i].name, err);
	return 0;
}
