/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl import: convert the configuration of another program to a document. */
#include "ctl/ebpf_exporter.h"
#include "ctl/output.h"
#include "ctl/subcommand.h"

#include <errno.h>

int ctl_import(const struct options *options, char **words, size_t n, struct error *err)
{
	_cleanup_text_ struct text document = {}, hints = {};
	int r;

	(void)n;
	if (strcmp(words[0], "ebpf_exporter") != 0) {
		error_set(err, -EINVAL, "import: expected ebpf_exporter, found \"%.60s\"",
			  words[0]);
		return EXIT_USAGE;
	}
	r = ebpf_exporter_convert(words[1], options->object, &document, &hints, err);
	if (r < 0)
		return r;
	fputs(text_str(&hints), stderr);
	if (options->output)
		return output_write(options->output, &document, err);
	fputs(text_str(&document), stdout);
	return 0;
}
