/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl check: compile a document and have the kernel verify it, without attaching. */
#include "base/json_writer.h"
#include "ctl/offline.h"
#include "ctl/subcommand.h"
#include "ctl/table.h"
#include "kernel/event.h"

#include <errno.h>

static bool describe_map(const struct object_map *map, struct map *ret)
{
	return !event_map_is_internal(map->name) && object_map_describe(map, ret, NULL) == 0;
}

/* Prints programs, maps and metrics of a direction, one per row. */
static int print_direction(const struct generation *generation, enum direction direction,
			   struct error *err)
{
	const struct generation_direction *loaded = &generation->directions[direction];
	_cleanup_(table_release) struct table table = { .columns = 3, .indent = "  " };

	if (loaded->by_section)
		printf("%s: attached by section\n", direction_name(direction));
	else
		printf("%s: program %s, %u instructions\n", direction_name(direction),
		       object_find_program(loaded->object, loaded->prog_fd)->name,
		       object_find_program(loaded->object, loaded->prog_fd)->size);
	for (size_t i = 0; i < loaded->object->n_maps; i++) {
		struct map map;

		if (!describe_map(&loaded->object->maps[i], &map))
			continue;
		table_add(&table, "map");
		table_add(&table, loaded->object->maps[i].name);
		table_printf(&table, "%s, key %u, value %u bytes, %u entries",
			     map_type_name(map.type), map.key_size, map.value_size,
			     map.max_entries);
	}
	for (size_t i = 0; i < loaded->n_metrics; i++) {
		const struct metric *metric = &loaded->metrics[i];

		table_add(&table, "metric");
		table_add(&table, metric->config->name);
		table_printf(&table, "%s of map %s%s", metric_type_name(metric->config->type),
			     metric->config->map_name,
			     !metric->n_families	  ? " (JSON only)"
			     : metric_lacks_slots(metric) ? " (no slots: unknown type)"
							  : "");
	}
	return table_print(&table, stdout, err);
}

static void add_direction_json(struct json_writer *json, const struct generation_direction *loaded)
{
	json_object_begin(json);
	if (!loaded->by_section) {
		json_member_string(json, "program",
				   object_find_program(loaded->object, loaded->prog_fd)->name);
		json_member_u64(json, "instructions",
				object_find_program(loaded->object, loaded->prog_fd)->size);
	}
	json_key(json, "maps");
	json_array_begin(json);
	for (size_t i = 0; i < loaded->object->n_maps; i++) {
		struct map map;

		if (!describe_map(&loaded->object->maps[i], &map))
			continue;
		json_object_begin(json);
		json_member_string(json, "name", loaded->object->maps[i].name);
		json_member_string(json, "type", map_type_name(map.type));
		json_member_u64(json, "key-bytes", map.key_size);
		json_member_u64(json, "value-bytes", map.value_size);
		json_member_u64(json, "entries", map.max_entries);
		json_object_end(json);
	}
	json_array_end(json);
	json_key(json, "metrics");
	json_array_begin(json);
	for (size_t i = 0; i < loaded->n_metrics; i++) {
		const struct metric *metric = &loaded->metrics[i];

		json_object_begin(json);
		json_member_string(json, "name", metric->config->name);
		json_member_string(json, "type", metric_type_name(metric->config->type));
		json_member_string(json, "map", metric->config->map_name);
		json_member_bool(json, "open-metrics", metric->n_families);
		json_object_end(json);
	}
	json_array_end(json);
	json_object_end(json);
}

/* generation: NULL if the document was not verified. */
static void print_check_json(const char *file, const struct generation *generation)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };

	json_object_begin(&json);
	json_member_string(&json, "file", file);
	json_member_bool(&json, "verified", generation);
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++)
		if (generation->directions[direction].object) {
			json_key(&json, direction_name(direction));
			add_direction_json(&json, &generation->directions[direction]);
		}
	json_object_end(&json);
	puts(text_str(&out));
}

int ctl_check(const struct options *options, char **words, size_t n, struct error *err)
{
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	struct options silent = *options;
	struct compile_target target;
	_cleanup_text_ struct text warnings = {};
	int r;

	(void)n;
	silent.log_level = "off";
	r = offline_compile(&silent, words[0], &target, &dataplane, err);
	if (r < 0)
		return r;
	r = offline_load(dataplane, &target, &generation, &warnings, err);
	if (r == -EPERM && geteuid() != 0) {
		error_release(err);
		if (!options->json)
			puts("compiled, but not verified: this requires CAP_BPF, CAP_NET_ADMIN and "
			     "CAP_PERFMON");
		r = 0;
	} else if (r < 0) {
		return r;
	}
	if (options->strict &&
	    (dataplane->warnings.len || warnings.len || dataplane_is_empty(dataplane)))
		return error_set(err, -EINVAL, "%s: there are warnings, which --strict rejects",
				 words[0]);
	if (options->json) {
		print_check_json(words[0], generation);
		return 0;
	}
	if (!generation)
		return 0;
	for (enum direction direction = 0; direction < N_DIRECTIONS && r == 0; direction++)
		if (generation->directions[direction].object)
			r = print_direction(generation, direction, err);
	printf("%s: ok%s\n", words[0],
	       dataplane_is_empty(dataplane) ? ", but the document has no code" : "");
	return r;
}
