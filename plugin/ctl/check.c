/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/check.h"
#include "ctl/table.h"
#include "kernel/event.h"
#include "kernel/hook.h"
#include "program/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_no_public_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

static bool shown_map(const struct object_map *map, struct map *shape)
{
	return !event_map_is_internal(map->name) && object_map_describe(map, shape, NULL) == 0;
}

/* Programs, maps and metrics of a direction, one per row. */
static int print_direction(const struct generation *generation, int direction, struct error *err)
{
	const struct generation_direction *from = &generation->directions[direction];
	_cleanup_(table_release) struct table table = { .columns = 3, .indent = "  " };

	if (from->by_section)
		printf("%s: attached by section\n", direction_name(direction));
	else
		printf("%s: program %s, %u instructions\n", direction_name(direction),
		       object_find_program(from->object, from->prog_fd)->name,
		       object_find_program(from->object, from->prog_fd)->size);
	for (size_t i = 0; i < from->object->n_maps; i++) {
		struct map map;

		if (!shown_map(&from->object->maps[i], &map))
			continue;
		table_add(&table, "map");
		table_add(&table, from->object->maps[i].name);
		table_printf(&table, "%s, key %u, value %u bytes, %u entries",
			     map_type_name(map.type), map.key_size, map.value_size,
			     map.max_entries);
	}
	for (size_t i = 0; i < from->n_metrics; i++) {
		const struct metric *metric = &from->metrics[i];

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

static void add_string(struct text *out, const char *name, const char *value)
{
	text_printf(out, "\"%s\":", name);
	text_json(out, value, strlen(value));
}

static void check_add_direction(struct text *out, const struct generation *generation,
				int direction)
{
	const struct generation_direction *from = &generation->directions[direction];
	size_t n = 0;

	text_printf(out, ",\"%s\":{", direction_name(direction));
	if (!from->by_section) {
		add_string(out, "program", object_find_program(from->object, from->prog_fd)->name);
		text_printf(out, ",\"instructions\":%u,",
			    object_find_program(from->object, from->prog_fd)->size);
	}
	text_adds(out, "\"maps\":[");
	for (size_t i = 0; i < from->object->n_maps; i++) {
		struct map map;

		if (!shown_map(&from->object->maps[i], &map))
			continue;
		text_adds(out, n++ ? ",{" : "{");
		add_string(out, "name", from->object->maps[i].name);
		text_addc(out, ',');
		add_string(out, "type", map_type_name(map.type));
		text_printf(out, ",\"key-bytes\":%u,\"value-bytes\":%u,\"entries\":%u}",
			    map.key_size, map.value_size, map.max_entries);
	}
	text_adds(out, "],\"metrics\":[");
	for (size_t i = 0; i < from->n_metrics; i++) {
		const struct metric *metric = &from->metrics[i];

		text_adds(out, i ? ",{" : "{");
		add_string(out, "name", metric->config->name);
		text_addc(out, ',');
		add_string(out, "type", metric_type_name(metric->config->type));
		text_addc(out, ',');
		add_string(out, "map", metric->config->map_name);
		text_printf(out, ",\"open-metrics\":%s}", metric->n_families ? "true" : "false");
	}
	text_adds(out, "]}");
}

/* generation: NULL if the document was not verified. */
static void check_print_json(const char *file, const struct generation *generation)
{
	_cleanup_text_ struct text out = {};

	text_addc(&out, '{');
	add_string(&out, "file", file);
	text_printf(&out, ",\"verified\":%s", generation ? "true" : "false");
	for (enum direction direction = 0; generation && direction < N_DIRECTIONS; direction++)
		if (generation->directions[direction].object)
			check_add_direction(&out, generation, direction);
	text_addc(&out, '}');
	puts(text_str(&out));
}

int check_file(const char *file, const char *hook, bool json, const struct compiler *compiler,
	       struct error *err)
{
	const struct load_environment around = { check_no_public_map, NULL, false };
	const struct compile_target target = { .xdp = hook_find(hook)->xdp, .log_level = "off" };
	const struct load_options loading = { .around = &around, .xdp = target.xdp };
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_document_ struct document *document = NULL;
	int r = document_load(NULL, file, false, &document, err);

	if (r == 0)
		r = dataplane_build(steal_ptr(&document), NULL, compiler, &target, &dataplane, err);
	if (r < 0)
		return r;
	fputs(text_str(&dataplane->warnings), stderr);
	r = generation_load(dataplane, &loading, &generation, err);
	if (r == -EPERM && geteuid() != 0) {
		if (json)
			check_print_json(file, NULL);
		else
			puts("compiled; not verified, which takes CAP_BPF, CAP_NET_ADMIN and "
			     "CAP_PERFMON");
		error_release(err);
		return 0;
	}
	if (r < 0)
		return r;
	if (json) {
		check_print_json(file, generation);
		return 0;
	}
	for (enum direction direction = 0; direction < N_DIRECTIONS && r == 0; direction++)
		if (generation->directions[direction].object)
			r = print_direction(generation, direction, err);
	printf("%s: ok%s\n", file,
	       dataplane_is_empty(dataplane) ? ", but there is no code in it" : "");
	return r;
}
