/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/offline.h"
#include "kernel/hook.h"
#include "program/load.h"

#include <errno.h>

int offline_compile(const struct options *options, const char *file, struct compile_target *target,
		    struct dataplane **ret, struct error *err)
{
	_cleanup_document_ struct document *document = NULL;
	int r = document_load(NULL, file, false, &document, err);

	*target = (struct compile_target){
		.xdp = hook_find(options->hook)->xdp,
		.log_level = options->log_level,
		.cube_id = options->cube_id,
	};
	if (r == 0)
		r = dataplane_build(steal_ptr(&document), NULL, &options->compiler, target, ret,
				    err);
	if (r == 0)
		fputs(text_str(&(*ret)->warnings), stderr);
	return r;
}

static int no_public_map(void *data, const char *name)
{
	(void)data;
	(void)name;
	return -ENOENT;
}

int offline_load(struct dataplane *dataplane, const struct compile_target *target,
		 struct generation **ret, struct text *warnings, struct error *err)
{
	const struct load_environment environment = { no_public_map, NULL, false };
	const struct load_options loading = { .environment = &environment,
					      .xdp = target->xdp,
					      .report = warnings };
	int r = generation_load(dataplane, &loading, ret, err);

	fputs(text_str(warnings), stderr);
	return r;
}
