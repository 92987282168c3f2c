/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl compile: convert a document with its code to a bundle, for hosts without a compiler. */
#include "ctl/offline.h"
#include "ctl/output.h"
#include "ctl/subcommand.h"
#include "dataplane/bundle.h"

int ctl_compile(const struct options *options, char **words, size_t n, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	_cleanup_text_ struct text bundle = {};
	struct compile_target target;
	int r;

	(void)n;
	if (!options->output)
		return EXIT_USAGE;
	r = offline_compile(options, words[0], &target, &dataplane, err);
	if (r < 0)
		return r;
	r = bundle_pack(dataplane, &target, &bundle, err);
	if (r < 0)
		return error_prefix(err, r, "%s", words[0]);
	return output_write(options->output, &bundle, err);
}
