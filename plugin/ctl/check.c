/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/check.h"
#include "kernel/hook.h"
#include "monitor/loading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int no_public_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

static void print_path(const struct generation *generation, int path)
{
	const struct generation_path *from = &generation->paths[path];

	if (from->by_section)
		printf("%s: attached by section\n", path_name((enum path)path));
	else
		printf("%s: program %s, %u instructions\n", path_name((enum path)path),
		       object_program_name(from->object, from->prog_fd),
		       object_program_size(from->object, from->prog_fd));
	for (size_t i = 0; i < from->object->n_maps; i++) {
		struct map map;

		if (object_map_describe(&from->object->maps[i], &map, NULL) == 0)
			printf("  map     %-24s %s, key %u, value %u bytes, %u entries\n",
			       from->object->maps[i].name, map_type_name(map.type), map.key_size,
			       map.value_size, map.max_entries);
	}
	for (size_t i = 0; i < from->n_metrics; i++) {
		const struct metric *metric = &from->metrics[i];

		printf("  metric  %-24s %s of map %s%s\n", metric->config->name,
		       metric_type_name(metric->config->type), metric->config->map_name,
		       metric->n_families ? "" : " (JSON only)");
	}
}

int check_file(const char *file, const char *hook, const struct compiler *compiler,
	       struct error *err)
{
	const struct surroundings around = { no_public_map, NULL, false };
	const struct compile_target target = { .xdp = hook_find(hook)->xdp, .log_level = "off" };
	const struct loading loading = { .around = &around, .xdp = target.xdp };
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
		puts("compiled; not verified, which takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
		error_release(err);
		return 0;
	}
	if (r < 0)
		return r;
	for (int path = 0; path < PATH_COUNT; path++)
		if (generation->paths[path].object)
			print_path(generation, path);
	printf("%s: ok%s\n", file,
	       dataplane_is_empty(dataplane) ? ", but there is no code in it" : "");
	return 0;
}
